//! `prep pages` and `prep esi` on dumps: what comes out, and what bad input gets.
#![allow(clippy::unwrap_used)]

mod common;
mod dump_common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{fixture, manifest, triples};
use dump_common::{bzip2, dump, gzip, page, prep, text, write, xz};
use parquet::file::reader::{FileReader, SerializedFileReader};
use schemas::char_slice;
use schemas::{Page, ShardFolder};

fn pages(dir: &Path) -> Vec<Page<'static>> {
    ShardFolder::open::<Page>(dir).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat()
}

/// Old exports do not mark redirects, or do not say where they lead.
#[test]
fn redirects_are_told_from_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let marked = page(3, "#redirect [[a b#c]]").replace("<id>3</id><revision>", "<id>3</id><redirect /><revision>");
    let xml = dump([page(1, "to [[Page 2]]"), page(2, "#REDIRECT [[Page 4|x]]"), marked, page(4, "# no redirect [[Page 3]]")]);
    let path = write(dir.path(), "old.xml", xml.as_bytes());
    let out = dir.path().join("out");
    prep(&["pages", text(&path), "-o", text(&out), "--resolve-redirects"]).ok();
    let rows = pages(&out);
    let redirects: Vec<Option<&str>> = rows.iter().map(|page| page.redirect.as_deref()).collect();
    assert_eq!(redirects, [None, Some("Page 4"), Some("A b"), None]);
    assert_eq!(rows[1].text, "");
    let targets: Vec<&str> = rows.iter().flat_map(|page| &page.anchors).map(|anchor| &*anchor.target).collect();
    assert_eq!(targets, ["Page 4", "A b"]);
}

#[test]
fn the_fixtures_come_out_whole() {
    for (file, lang) in [("enwiki.xml", "en"), ("zhwiki.xml", "zh")] {
        let dir = tempfile::tempdir().unwrap();
        let (pages_dir, esi, direct) = (dir.path().join("pages"), dir.path().join("esi"), dir.path().join("direct"));
        prep(&["pages", &fixture(file), "-o", text(&pages_dir)]).ok();
        let rows = pages(&pages_dir);
        let counted = &manifest(&pages_dir).counters["pages"];
        assert!(counted.adds_up() && counted.out == rows.len() as u64 && counted.seen > 40, "{counted}");
        assert_eq!(rows.iter().filter(|page| page.redirect.is_some()).count(), 4);
        assert_eq!(rows.iter().filter(|page| page.disambiguation).count(), 1);
        assert!(rows.iter().all(|page| page.lang == lang));
        for mark in ["[[", "{{", "}}", "'''", "<ref", "|-", "-{", "&nbsp;", "[[File"] {
            // The fixtures hold invalid links and nowiki on purpose; nothing else may stay.
            let left = rows.iter().filter(|page| page.text.contains(mark)).count();
            assert!(left <= if mark == "[[" { 4 } else { 0 }, "{mark} in {left} pages of {file}");
        }
        prep(&["esi", text(&pages_dir), "-o", text(&esi)]).ok();
        prep(&["esi", &fixture(file), "-o", text(&direct)]).ok();
        let triples = triples(&esi);
        assert_eq!(triples, common::triples(&direct), "by way of pages or directly: the same triples");
        assert!(triples.len() > 100);
        assert!(triples.iter().all(|triple| triple.label == "Entity" && !triple.spans.is_empty() && !triple.impossible));
        for folder in [&pages_dir, &esi] {
            prep(&["verify", text(folder)]).ok();
        }
        let counters = manifest(&esi).counters;
        assert!(counters.values().all(schemas::Counter::adds_up), "{counters:?}");
        assert_eq!(counters["sentences"].out, triples.len() as u64);
        assert_eq!(counters["anchors"].out, triples.iter().map(|triple| triple.spans.len() as u64).sum::<u64>());
    }
}

#[test]
fn threads_and_compression_do_not_change_a_byte() {
    let dir = tempfile::tempdir().unwrap();
    let xml = dump((0..2000).map(|id| page(id, &format!("'''P''' is near [[Place {id}|the place]]. ''Really'' [[x]]s."))));
    let (head, tail) = xml.split_at(xml.len() / 2);
    let plain = write(dir.path(), "dump.xml", xml.as_bytes());
    let streams = write(dir.path(), "dump.xml.bz2", &[bzip2(head.as_bytes()), bzip2(tail.as_bytes())].concat());
    let zstd = write(dir.path(), "dump.xml.zst", &zstd::encode_all(xml.as_bytes(), 1).unwrap());
    let folder = dir.path().join("pages");
    prep(&["pages", text(&plain), "-o", text(&folder)]).ok();
    let run = |command: &str, input: &Path, threads: &str, memory: &str| {
        let out = dir.path().join("out");
        prep(&[command, text(input), "-o", text(&out), "--overwrite", "--threads", threads, "--memory", memory]).ok();
        (fs::read(out.join("part-00000.parquet")).unwrap(), manifest(&out).counters)
    };
    for command in ["esi", "pages"] {
        let expected = run(command, &plain, "1", "512M");
        let others = [
            ("2", &plain, "512M"),
            ("7", &plain, "512M"),
            ("16", &plain, "8M"),
            ("2", &streams, "512M"),
            ("16", &streams, "64M"),
            ("7", &zstd, "512M"),
        ];
        for (threads, input, memory) in others {
            assert!(run(command, input, threads, memory) == expected, "{command} {} {threads}", input.display());
        }
    }
    let expected = run("esi", &folder, "1", "512M");
    assert!(["2", "7", "16"].iter().all(|threads| run("esi", &folder, threads, "512M") == expected));
}

/// Dumps that one thread decodes are read side by side: more of them than at once, of several formats and lengths, between others.
#[test]
fn dumps_are_read_side_by_side_in_the_same_order_by_any_number_of_threads() {
    const PAGES: [usize; 5] = [0, 3, 64, 65, 200];
    let dir = tempfile::tempdir().unwrap();
    let xml = |part: usize| {
        let pages = part * 1000..part * 1000 + PAGES[part % 5];
        dump(pages.map(|id| page(id, &format!("Page '''{id}''' is near [[Place {id}|the place]].")))).into_bytes()
    };
    let file = |part: usize| {
        let (name, bytes) = match part {
            2 => ("xml", xml(part)),
            12 => ("bz2", bzip2(&xml(part))),
            _ if part.is_multiple_of(3) => ("gz", gzip(&xml(part))),
            _ if part % 3 == 1 => ("zst", zstd::encode_all(xml(part).as_slice(), 1).unwrap()),
            _ => ("xz", xz(&xml(part))),
        };
        write(dir.path(), &format!("{part}.xml.{name}"), &bytes)
    };
    let inputs: Vec<PathBuf> = (0..14).map(file).collect();
    let read = |threads: &str| {
        let out = dir.path().join(threads);
        let mut args = vec!["pages", "-o", text(&out), "--threads", threads];
        args.extend(inputs.iter().map(|path| text(path)));
        prep(&args).ok();
        let manifest = manifest(&out);
        assert_eq!(manifest.inputs.len(), inputs.len());
        (pages(&out).into_iter().map(|page| page.page_id).collect::<Vec<_>>(), manifest.shards[0].blake3.clone())
    };
    let (ids, hash) = read("1");
    let expected: Vec<i64> = (0..14).flat_map(|part| part * 1000..part * 1000 + PAGES[part as usize % 5] as i64).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert!(sorted == expected, "each page once");
    // The parts before the plain one, and from the one in bzip2 on, keep their order.
    assert_eq!(ids[..67], expected[..67]);
    assert_eq!(ids[ids.len() - 129..], expected[expected.len() - 129..]);
    // Parts 3 to 10 are read at once, up to 64 pages in turn.
    assert_eq!([67, 131, 195, 198, 262].map(|at| ids[at] / 1000), [3, 4, 6, 7, 8]);
    for threads in ["2", "7", "16"] {
        assert_eq!(read(threads).1, hash, "{threads}");
    }
}

/// A row group of a folder of pages is damaged: its rows are lost, those of the others are not.
#[test]
fn a_damaged_row_group_loses_its_own_rows() {
    let dir = tempfile::tempdir().unwrap();
    let xml = dump((0..5000).map(|id| page(id, &format!("Page '''{id}''' is near [[Place {id}|the place]]."))));
    let (dump, folder, out) = (write(dir.path(), "dump.xml", xml.as_bytes()), dir.path().join("pages"), dir.path().join("out"));
    prep(&["pages", text(&dump), "-o", text(&folder)]).ok();
    let shard = folder.join("part-00000.parquet");
    let mut bytes = fs::read(&shard).unwrap();
    // The row groups have 2,048, 2,048 and 904 pages. Damaged chars decode as others, so it is the header of a column that is damaged.
    let footer = SerializedFileReader::try_from(shard.as_path()).unwrap();
    let place = footer.metadata().row_group(1).column(0).byte_range().0 as usize;
    bytes[place..place + 16].fill(0);
    fs::write(&shard, &bytes).unwrap();
    prep(&["esi", text(&folder), "-o", text(&out)]).fails(&["part-00000.parquet"]);
    prep(&["esi", text(&folder), "-o", text(&out), "--overwrite", "--skip-damaged"]).ok();
    let manifest = manifest(&out);
    assert_eq!((manifest.counters["pages"].seen, manifest.damage.len()), (5000 - 2048, 1));
    assert_eq!(manifest.damage[0].lost, "its rows 2049 to 4096");
    assert!(manifest.counters.values().all(schemas::Counter::adds_up));
}

/// A multistream dump must hold what its index lists, whether it is read at once or in two runs.
#[test]
fn an_index_tells_whether_a_dump_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let xml = dump((1..=6).map(|id| page(id, "to [[Rome]]")));
    let (head, rest) = xml.split_at(xml.find("<page>").unwrap());
    let (third, end) = (rest.find("<page><title>Page 4<").unwrap(), rest.find("</mediawiki>").unwrap());
    let streams = [head, &rest[..third], &rest[third..end], &rest[end..]].map(|part| bzip2(part.as_bytes()));
    let dump = write(dir.path(), "dump.xml.bz2", &streams.concat());
    let (first, second) = (streams[0].len(), streams[0].len() + streams[1].len());
    let lines = (1..=6).map(|id| format!("{}:{id}:Page {id}\n", if id < 4 { first } else { second }));
    let index = lines.collect::<String>();
    let whole = write(dir.path(), "index.txt.bz2", &bzip2(index.as_bytes()));
    let more = write(dir.path(), "more.txt", format!("{index}{second}:7:Page 7\n").as_bytes());
    let other = write(dir.path(), "other.txt", b"7:1:Page 1\n");
    let out = dir.path().join("out");
    let read = |index: &Path, options: &[&str]| {
        let args = ["pages", text(&dump), "--index", text(index), "-o", text(&out), "--overwrite"];
        prep(&[&args[..], options].concat())
    };
    read(&whole, &[]).ok();
    assert_eq!(pages(&out).len(), 6);
    let kept = manifest(&out).config["index"][0]["path"].clone();
    assert_eq!(kept, text(&whole));
    read(&whole, &["--resolve-redirects"]).ok();
    read(&more, &[]).fails(&["dump.xml.bz2: it has 6 pages, and its index", "lists 7"]);
    assert!(!manifest(&out).complete);
    read(&more, &["--skip-damaged"]).ok();
    assert_eq!(manifest(&out).damage.len(), 1);
    read(&other, &[]).fails(&["line 1: expected a bzip2 stream at byte 7", "the index is of another dump"]);
    read(&dump, &[]).fails(&["line 1: expected offset:page_id:title"]);
    read(&whole, &["--index", text(&more)]).fails(&["--index is given 2 times for 1 dump"]);
}

#[test]
fn what_is_no_dump_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    prep(&["pages", "/nonexistent/dump.xml", "-o", text(&out)]).fails(&["/nonexistent/dump.xml", "No such file"]);
    let pdf = write(dir.path(), "x.xml", b"%PDF-1.4 and so on");
    prep(&["pages", text(&pdf), "-o", text(&out)]).fails(&["x.xml", "not a MediaWiki dump", "%PDF-1.4"]);
    assert!(!out.exists(), "nothing is made before the input is known to be good");
    assert_eq!(prep(&["pages", "x.xml"]).code, 2, "usage");
    assert_eq!(prep(&["pages", "x.xml", "-o", "o", "--variant", "klingon"]).code, 2, "usage");
    for command in ["pages", "esi", "mrc"] {
        prep(&[command, "x.xml", "-o", "o", "--lang", "klingon"]).fails_with_usage_error(&["--lang", "expected a language code"]);
    }
}

/// Files that are no dump of pages, or not the one that was wanted.
#[test]
fn other_files_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let check = |name: &str, bytes: &[u8], expected: &[&str]| {
        let file = write(dir.path(), name, bytes);
        let run = prep(&["pages", text(&file), "-o", text(&out), "--overwrite", "-q"]).fails(expected);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "one line: {}", run.stderr);
    };
    let stub = dump((0..3).map(|id| page(id, "").replace("<text></text>", "<text bytes=\"120\" id=\"7\" />")));
    check("stub.xml.gz", &gzip(stub.as_bytes()), &["stub.xml.gz", "stub dump", "expected pages-articles"]);
    let empty = dump((0..3).map(|id| page(id, "")));
    check("empty.xml", empty.as_bytes(), &["none of the 3 pages has text"]);
    check("page.sql.gz", &gzip(b"-- MySQL dump 10.19\n\nCREATE TABLE `page` (\n"), &["page.sql.gz", "an SQL dump of a table"]);
    check("dump.7z", b"7z\xbc\xaf\x27\x1c\0\x04 and so on", &["dump.7z", "a 7z archive"]);
    check("html.tar.gz", &gzip(&tar("enwiki_0.ndjson", b"{\"name\":\"A\"}\n")), &["html.tar.gz", "a tar archive"]);
    let xml = "<?xml version=\"1.0\" encoding=\"klingon\"?><mediawiki></mediawiki>";
    check("odd.xml", xml.as_bytes(), &["odd.xml", "encoding \"klingon\""]);
    let page = page(1, "A [[cat]].");
    check("stream.xml", page.as_bytes(), &["stream.xml", "without the head of its dump", "--lang"]);
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[257..262].copy_from_slice(b"ustar");
    [&header, content].concat()
}

#[test]
fn a_dump_given_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dump = write(dir.path(), "dump.xml", dump([page(1, "A [[cat]].")]).as_bytes());
    let other = dir.path().join("../").join(dir.path().file_name().unwrap()).join("dump.xml");
    let out = dir.path().join("out");
    prep(&["pages", text(&dump), text(&dump), "-o", text(&out)]).fails(&["dump.xml is given twice"]);
    prep(&["esi", text(&dump), text(&other), "-o", text(&out)]).fails(&["is given twice, also as"]);
    assert!(!out.exists());
}

/// Dumps as other programs write them.
#[test]
fn declared_encodings_comments_and_single_streams_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let text_of = |file: &Path, more: &[&str]| {
        let out = dir.path().join("out");
        prep(&[&["pages", text(file), "-o", text(&out), "--overwrite"], more].concat()).ok();
        pages(&out).into_iter().map(|page| page.text.into_owned()).collect::<Vec<_>>()
    };
    let xml = dump([page(1, "Ödön lebt in Győr.")]);
    for (encoding, label) in
        [(encoding_rs::ISO_8859_2, "ISO-8859-2"), (encoding_rs::WINDOWS_1250, "windows-1250"), (encoding_rs::UTF_8, "utf-8")]
    {
        for quote in ['"', '\''] {
            let xml = format!("<?xml version='1.0' encoding={quote}{label}{quote}?>\n{xml}");
            let bytes = encoding.encode(&xml).0;
            for file in [write(dir.path(), "d.xml", &bytes), write(dir.path(), "d.xml.bz2", &bzip2(&bytes))] {
                assert_eq!(text_of(&file, &[]), ["Ödön lebt in Győr."], "{label}");
            }
        }
    }
    let gbk = format!("<?xml version=\"1.0\" encoding=\"GBK\"?>{}", dump([page(1, "北京在中国。")]));
    assert_eq!(text_of(&write(dir.path(), "gbk.xml", &encoding_rs::GBK.encode(&gbk).0), &[]), ["北京在中国。"]);
    let commented = dump([format!("<!-- {} -->", page(1, "No.")), page(2, "Yes."), "<!-- end -->".to_owned()]);
    assert_eq!(text_of(&write(dir.path(), "c.xml", commented.as_bytes()), &[]), ["Yes."]);
    // One stream of a multistream dump.
    let stream = bzip2(format!("  {}\n  {}\n", page(1, "One."), page(2, "Two.")).as_bytes());
    assert_eq!(text_of(&write(dir.path(), "stream.bz2", &stream), &["--lang", "en"]), ["One.", "Two."]);
}

#[test]
fn a_cut_stream_keeps_what_is_sound_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    // Two kilobytes a page that do not compress: several bzip2 blocks.
    let noise = |id: usize| (0..60).map(|n| blake3::hash(format!("{id} {n}").as_bytes()).to_string()).collect::<Vec<_>>().join(" ");
    let xml = dump((0..300).map(|id| page(id, &noise(id))));
    let whole = bzip2(xml.as_bytes());
    let cut = write(dir.path(), "cut.xml.bz2", &whole[..whole.len() / 2]);
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    let flipped = write(dir.path(), "flipped.xml.bz2", &flipped);
    let plain = write(dir.path(), "cut.xml", &xml.as_bytes()[..xml.len() / 2]);
    for (at, input) in [cut, flipped, plain].iter().enumerate() {
        let out = dir.path().join(format!("out{at}"));
        prep(&["pages", text(input), "-o", text(&out)]).fails(&[text(input), "truncated", "of the XML", "not complete"]);
        let manifest = manifest(&out);
        assert!(!manifest.complete && manifest.error.is_some());
        let rows = manifest.rows();
        assert!((100..200).contains(&rows), "about half of the pages are kept: {rows}");
        prep(&["esi", text(&out), "-o", text(&dir.path().join("esi"))]).fails(&["not complete"]);
        prep(&["pages", text(input), "-o", text(&out), "--overwrite", "--skip-damaged"]).ok();
        let all = pages(&out);
        if at == 1 {
            // Only the pages that the corrupt block touches are lost.
            assert!(all.len() > 200 && all.last().unwrap().page_id == 299, "{}", all.len());
        } else {
            assert_eq!(all.len() as u64, rows);
        }
        assert_eq!(common::manifest(&out).counters["inputs"].skipped["damaged"], 1);
    }
}

#[test]
fn a_malformed_page_is_counted_or_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let broken = page(2, "two").replace("<ns>0</ns>", "");
    let xml = write(dir.path(), "broken.xml", dump([page(1, "one"), broken, page(3, "three")]).as_bytes());
    let out = dir.path().join("out");
    let said = prep(&["pages", text(&xml), "-o", text(&out)]).ok();
    assert!(said.stderr.contains("warning") && said.stderr.contains("(Page 2): page has no <ns>"), "{}", said.stderr);
    let pages = &manifest(&out).counters["pages"];
    assert_eq!((pages.seen, pages.out, pages.skipped["malformed: no ns"]), (3, 2, 1));
    prep(&["pages", text(&xml), "-o", text(&dir.path().join("strict")), "--strict"]).fails(&["broken.xml", "Page 2", "<ns>"]);
    let history = page(1, "a").replace("</revision>", "</revision><revision><id>9</id></revision>");
    let history = write(dir.path(), "history.xml", dump([history]).as_bytes());
    prep(&["pages", text(&history), "-o", text(&dir.path().join("history"))]).fails(&["history dump", "pages-articles"]);
}

#[test]
fn an_existing_folder_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let input = fixture("enwiki.xml");
    prep(&["pages", &input, "-o", text(&out)]).ok();
    let before = fs::read(out.join("_manifest.json")).unwrap();
    prep(&["pages", &input, "-o", text(&out)]).fails(&["not empty", "--overwrite"]);
    prep(&["pages", &input, "-o", text(&out), "--overwrite"]).ok();
    assert_eq!(fs::read(out.join("_manifest.json")).unwrap(), before, "the same input makes the same folder");
    prep(&["pages", text(&out), "-o", text(&dir.path().join("x"))]).fails(&["prep pages reads dumps", "is a folder of pages already"]);
}

#[test]
fn queries_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    prep(&["esi", &fixture("enwiki.xml"), "-o", text(&out), "--queries", "en_conll03"])
        .fails_with_usage_error(&["has 4 labels, expected one"]);
    prep(&["esi", &fixture("enwiki.xml"), "-o", text(&out), "--queries", "nothing"])
        .fails_with_usage_error(&["no query set", "en_conll03"]);
}

mod shared_data {
    use super::*;

    #[test]
    #[ignore = "needs ../shared/data: real dumps, gazetteers and corpora in a folder beside the project's"]
    fn dumps_come_out_whole() {
        for (file, seen, skipped) in [("zhwiki-2018-33pages.xml.bz2", 33, 10), ("enwiki-2016-206pages.xml.bz2", 206, 1)] {
            let path = common::shared_data(&format!("dumps/{file}"));
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("pages");
            prep(&["pages", text(&path), "-o", text(&out)]).ok();
            let counted = manifest(&out).counters["pages"].clone();
            assert_eq!((counted.seen, counted.skipped["other namespace"]), (seen, skipped));
            for page in pages(&out) {
                assert!(page.anchors.iter().all(|a| char_slice(&page.text, a.start, a.end) == Some(&*a.text)), "{}", page.title);
            }
        }
    }

    #[test]
    #[ignore = "needs ../shared/data: real dumps, gazetteers and corpora in a folder beside the project's"]
    fn malformed_pages_are_counted_by_reason() {
        for (file, reason) in [
            ("zhwiki-broken-1.xml", "malformed: no title"),
            ("zhwiki-broken-2.xml", "malformed: no ns"),
            ("zhwiki-broken-3.xml", "malformed: no text"),
        ] {
            let path = common::shared_data(&format!("dumps/{file}"));
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("pages");
            prep(&["pages", text(&path), "-o", text(&out), "--namespace", "0,4"]).ok();
            let counted = manifest(&out).counters["pages"].clone();
            assert_eq!((counted.seen, counted.out, counted.skipped[reason]), (3, 2, 1), "{file}");
        }
    }
}
