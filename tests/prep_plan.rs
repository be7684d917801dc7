//! `prep plan` and `prep merge`: parts give what one run gives.
#![allow(clippy::unwrap_used)]

mod common;
mod dump_common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, fixture, manifest};
use dump_common::{bzip2, prep, text, write};
use schemas::{Manifest, Page, Row, ShardFolder, Triple};

fn rows<R: Row + Clone>(dir: &Path) -> Vec<R> {
    ShardFolder::open::<R>(dir).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat()
}

fn dump(ids: std::ops::Range<usize>) -> Vec<u8> {
    let page = |id: usize| {
        let noise = blake3::hash(format!("{id}").as_bytes()).to_string();
        let text = format!("Number {id} is near [[Place {}|the place]] and [[Oslo]]. {noise}", id % 99).repeat(1 + id % 9);
        // As real dumps have it, with spaces before and a line end within.
        dump_common::page(id, &text).replace("<page>", "  <page>\n")
    };
    dump_common::dump(ids.map(page)).into_bytes()
}

/// Dumps of all kinds: one stream, many streams, plain, with a byte-order mark, and two that cannot be cut.
fn dumps(dir: &Path) -> Vec<PathBuf> {
    let write = |name: &str, bytes: &[u8]| write(dir, name, bytes);
    let many: Vec<u8> = dump(1000..2000).chunks(50_000).flat_map(bzip2).collect();
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(String::from_utf8(dump(4000..4100)).unwrap().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    vec![
        write("one.xml.bz2", &bzip2(&dump(0..1000))),
        write("many.xml.bz2", &many),
        write("plain.xml", &dump(2000..2500)),
        write("mark.xml", &[b"\xef\xbb\xbf", &*dump(2500..3000)].concat()),
        write("whole.xml.zst", &zstd::encode_all(dump(3000..3100).as_slice(), 1).unwrap()),
        write("utf16.xml.bz2", &bzip2(&utf16)),
    ]
}

/// Runs all parts of a plan and gives their folders.
fn run_parts(dir: &Path, plan: &Path, command: &[&str]) -> Vec<PathBuf> {
    let json: serde_json::Value = serde_json::from_slice(&fs::read(plan).unwrap()).unwrap();
    let count = json["parts"].as_array().unwrap().len();
    (0..count)
        .map(|part| {
            let out = dir.join(format!("part{part}"));
            let number = part.to_string();
            prep(&[command, &["--plan", text(plan), "--part", &number, "-o", text(&out), "-q"]].concat()).ok();
            out
        })
        .collect()
}

fn merge(parts: &[PathBuf], out: &Path, more: &[&str]) -> Run {
    let mut args: Vec<&str> = vec!["merge", "-o", text(out)];
    args.extend(parts.iter().map(|part| text(part)));
    args.extend(more);
    prep(&args)
}

#[test]
fn parts_give_what_one_run_gives() {
    let dir = tempfile::tempdir().unwrap();
    let dumps = dumps(dir.path());
    let inputs: Vec<&str> = dumps.iter().map(|path| text(path)).collect();
    let one = dir.path().join("one");
    prep(&[&["pages", "-o", text(&one), "-q"], &*inputs].concat()).ok();
    let expected: Vec<Page> = rows(&one);
    assert_eq!(expected.len(), 3200);
    for parts in [1, 2, 7, 30] {
        let dir = tempfile::tempdir().unwrap();
        let (plan, merged) = (dir.path().join("plan.json"), dir.path().join("merged"));
        prep(&[&["plan", "--parts", &parts.to_string(), "-o", text(&plan), "-q"], &*inputs].concat()).ok();
        let folders = run_parts(dir.path(), &plan, &["pages"]);
        assert!(folders.len() <= parts && folders.len() * 2 > parts, "{} of {parts}", folders.len());
        let sizes: Vec<u64> = folders.iter().map(|folder| manifest(folder).rows()).collect();
        assert!(parts > 7 || sizes.iter().all(|&rows| rows > 3200 / parts as u64 / 4), "about the same size: {sizes:?}");
        // In any order.
        let mut shuffled = folders.clone();
        shuffled.rotate_left(parts / 3);
        merge(&shuffled, &merged, &[]).ok();
        assert!(rows::<Page>(&merged) == expected, "{parts} parts");
        let (one, merged_manifest) = (manifest(&one), manifest(&merged));
        let told = |manifest: &Manifest| (manifest.config.clone(), manifest.inputs.clone(), manifest.counters.clone());
        assert_eq!(told(&merged_manifest), told(&one), "{parts} parts");
        prep(&["verify", text(&merged)]).ok();
        merge(&folders, &merged, &[]).fails(&["not empty"]);
        merge(&folders, &merged, &["--overwrite", "-q"]).ok();
    }
}

#[test]
fn partitions_and_gazetteers_are_merged_too() {
    let dir = tempfile::tempdir().unwrap();
    let names = dir.path().join("names.txt");
    fs::write(&names, "Oslo\nPlace 5\nPlace 7\n").unwrap();
    let (plan, one, merged) = (dir.path().join("plan.json"), dir.path().join("one"), dir.path().join("merged"));
    let input = dir.path().join("one.xml.bz2");
    fs::write(&input, bzip2(&dump(0..2000))).unwrap();
    prep(&["plan", text(&input), "--parts", "3", "-o", text(&plan), "-q"]).ok();
    let gazetteer = format!("LOC={}", names.display());
    let command = ["nee", "--queries", "en_conll03", "--gazetteer", &gazetteer, "--buckets", "1-5,6+"];
    let folders = run_parts(dir.path(), &plan, &command);
    merge(&folders, &merged, &[]).ok();
    prep(&[&command, &[text(&input), "-o", text(&one), "-q"][..]].concat()).ok();
    let sorted = |dir: &Path| {
        let mut ids: Vec<String> = rows::<Triple>(dir).into_iter().map(|triple| format!("{triple:?}")).collect();
        ids.sort();
        ids
    };
    assert!(sorted(&merged) == sorted(&one));
    let (one, merged) = (manifest(&one), manifest(&merged));
    assert_eq!((merged.counters, &merged.inputs), (one.counters, &one.inputs));
    assert!(merged.shards.iter().all(|shard| shard.file.starts_with("entities=")));
    assert_eq!(merged.report.unwrap()["parts"].as_array().unwrap().len(), 3);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (plan, out) = (path("plan.json"), path("out"));
    fs::write(path("d.xml"), dump(0..500)).unwrap();
    let input = path("d.xml");
    prep(&["plan", text(&input), "--parts", "3", "-o", text(&plan)]).ok();
    prep(&["plan", text(&input), "--parts", "2", "-o", text(&plan)]).fails(&["plan.json exists already", "--overwrite"]);
    prep(&["plan", text(dir.path()), "--parts", "2", "-o", text(&path("x"))]).fails(&["is not a file"]);
    assert_eq!(prep(&["plan", text(&input), "--parts", "0", "-o", "x"]).code, 2);
    assert_eq!(prep(&["esi", "--plan", text(&plan), "-o", "x"]).code, 2, "--part is missing");
    let run_part = |part: &str, out: &str, more: &[&str]| {
        prep(&[&["esi", "--plan", text(&plan), "--part", part, "-o", text(&path(out)), "-q"], more].concat())
    };
    run_part("3", "x", &[]).fails(&["has parts 0 to 2, but --part is 3"]);
    run_part("0", "x", &["--resolve-redirects"]).fails_with_usage_error(&["--resolve-redirects needs all redirects"]);
    for part in ["0", "1", "2"] {
        run_part(part, part, &[]).ok();
        run_part(part, part, &["--resume"]).ok();
    }
    let parts = ["0", "1", "2"].map(path);
    merge(&parts[..2], &out, &[]).fails(&["these are missing: 2"]);
    run_part("1", "again", &[]).ok();
    merge(&[&parts[..], &[path("again")]].concat(), &out, &[]).fails(&["are both part 1"]);
    run_part("2", "other", &["--max-chars", "99"]).ok();
    merge(&[path("0"), path("1"), path("other")], &out, &[]).fails(&["different settings of max_chars"]);
    prep(&["esi", &fixture("enwiki.xml"), "-o", text(&path("single")), "-q"]).ok();
    merge(&[path("0"), path("single")], &out, &[]).fails(&["is not a part of a plan"]);
    // A shard that was changed.
    let shard = path("1/part-00000.parquet");
    let was = fs::read(&shard).unwrap();
    let mut bytes = was.clone();
    bytes[100] ^= 1;
    fs::write(&shard, bytes).unwrap();
    merge(&parts, &path("bad"), &[]).fails(&["part-00000.parquet", "differs from its manifest"]);
    assert!(!manifest(&path("bad")).complete);
    fs::write(&shard, was).unwrap();
    merge(&parts, &path("bad"), &["--overwrite"]).ok();
    // A dump that is another one, or was changed where the part reads.
    let mut bytes = fs::read(&input).unwrap();
    let last = bytes.len() - 50;
    bytes[last] = b'x';
    fs::write(&input, &bytes).unwrap();
    run_part("2", "changed", &[]).fails(&["is not the file that the plan was made of"]);
    bytes.push(b'\n');
    fs::write(&input, &bytes).unwrap();
    run_part("2", "longer", &[]).fails(&["when the plan was made"]);
    fs::write(&plan, "{}").unwrap();
    run_part("2", "y", &[]).fails(&["is not a plan"]);
}
