//! Names out of the JSON dump of Wikidata: `prep names wikidata`.

#![allow(clippy::unwrap_used)]

mod common;
mod dump_common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Run, manifest, run};
use dump_common::{PREP, bzip2, gzip, write};
use schemas::{Name, ShardFolder};
use serde_json::{Value, json};

/// A statement of a rank with an item as its value; `Q0` stands for an unknown one.
fn statement(item: &str, rank: &str) -> Value {
    let snak = match item {
        "Q0" => json!({"snaktype": "somevalue", "property": "P31"}),
        item => {
            json!({"snaktype": "value", "property": "P31", "datavalue": {"value": {"entity-type": "item", "id": item}, "type": "wikibase-entityid"}})
        }
    };
    json!({"mainsnak": snak, "type": "statement", "rank": rank, "references": [{"snaks": {"P143": [7]}}]})
}

/// An item with an English label, aliases, a title on enwiki, classes and superclasses; an empty text is none.
fn item(id: &str, label: &str, aliases: &[&str], title: &str, classes: &[(&str, &str)], superclass: &str) -> String {
    let mut claims = json!({"P569": [{"mainsnak": {"snaktype": "value", "datavalue": {"value": {"time": "+1900"}, "type": "time"}}}]});
    if !classes.is_empty() {
        claims["P31"] = classes.iter().map(|(item, rank)| statement(item, rank)).collect();
    }
    if !superclass.is_empty() {
        claims["P279"] = json!([statement(superclass, "normal")]);
    }
    let aliases: Vec<Value> = aliases.iter().map(|alias| json!({"language": "en", "value": alias})).collect();
    let mut entity = json!({
        "type": "item", "id": id, "labels": {"de": {"language": "de", "value": "x"}}, "descriptions": [],
        "aliases": {"en": aliases}, "claims": claims, "sitelinks": {"dewiki": {"site": "dewiki", "title": "x", "badges": []}},
    });
    if !label.is_empty() {
        entity["labels"]["en"] = json!({"language": "en", "value": label});
    }
    if !title.is_empty() {
        entity["sitelinks"]["enwiki"] = json!({"site": "enwiki", "title": title, "badges": []});
    }
    entity.to_string()
}

const NORMAL: &str = "normal";

/// People, places and organisations, and what is none of them.
fn entities() -> Vec<String> {
    vec![
        // The classes come behind and before their instances.
        item("Q100", "Ada Bek", &["A. Bek", "Ada Bek"], "Ada Bek (poet)", &[("Q5", NORMAL)], ""),
        item("Q101", "Arden", &[], "Arden, Ohio", &[("Q515", "preferred"), ("Q5", NORMAL)], ""),
        item("Q102", "Arden", &[], "", &[("Q5", NORMAL)], ""),
        item("Q103", "Arden", &[], "", &[("Q11424", NORMAL)], ""),
        item("Q104", "Bek Works", &[], "Bek Works", &[("Q783794", NORMAL), ("Q5", "deprecated")], ""),
        item("Q105", "", &[], "Bek (company)", &[("Q783794", NORMAL)], ""),
        item("Q106", "Both", &[], "", &[("Q5", NORMAL), ("Q515", NORMAL)], ""),
        item("Q107", "Nothing", &[], "", &[], ""),
        item("Q108", "Unknown", &[], "", &[("Q0", "preferred"), ("Q5", NORMAL)], ""),
        item("Q109", "", &[], "", &[("Q5", NORMAL)], ""),
        item("Q110", "Harwen", &[], "", &[("Q3957", NORMAL)], ""),
        // An item that stands twice in the dump counts once.
        item("Q110", "Harwen", &[], "", &[("Q3957", NORMAL)], ""),
        item("Q3957", "town", &[], "", &[("Q1", NORMAL)], "Q515"),
        item("Q515", "city", &[], "", &[], "Q486972"),
        // A circle.
        item("Q486972", "settlement", &[], "", &[], "Q3957"),
        json!({"type": "property", "id": "P31", "datatype": "wikibase-item", "labels": {}, "claims": []}).to_string(),
        json!({"type": "lexeme", "id": "L1", "lemmas": {"en": {"value": "x"}}}).to_string(),
        json!({"type": "item", "id": "Q111", "labels": [], "aliases": [], "claims": [], "sitelinks": []}).to_string(),
    ]
}

fn array(entities: &[String]) -> String {
    format!("[\n{}\n]\n", entities.join(",\n"))
}

fn names(dump: &Path, out: &Path, options: &[&str]) -> Run {
    let (dump, out) = (dump.display().to_string(), out.display().to_string());
    run(PREP, [&["names", "wikidata", &dump, "-o", &out], options].concat())
}

/// The rows as `name label origin item count/others`, in order of their names.
fn rows(dir: &Path) -> Vec<String> {
    let folder = ShardFolder::open::<Name>(dir).unwrap();
    let mut rows: Vec<String> = folder
        .rows::<Name>()
        .flat_map(Result::unwrap)
        .map(|row| {
            let (label, item) = (row.label.unwrap(), row.item.unwrap());
            format!("{} {label} {} {item} {}/{}", row.name, row.origin.name(), row.count, row.others)
        })
        .collect();
    rows.sort();
    rows
}

const EXPECTED: [&str; 8] = [
    "A. Bek PER alias Q100 1/0",
    "Ada Bek PER title Q100 1/0",
    "Arden LOC label Q101 1/2",
    "Arden PER label Q102 1/2",
    "Arden, Ohio LOC title Q101 1/0",
    "Bek ORG title Q105 1/0",
    "Bek Works ORG title Q104 1/0",
    "Harwen LOC label Q110 1/0",
];

#[test]
fn items_have_the_labels_of_their_classes() {
    let dir = tempfile::tempdir().unwrap();
    let text = array(&entities());
    let many_streams: Vec<u8> = text.as_bytes().chunks(1000).flat_map(bzip2).collect();
    for (name, bytes) in [
        ("a.json", text.clone().into_bytes()),
        ("a.json.gz", gzip(text.as_bytes())),
        ("a.json.bz2", many_streams),
        ("a.json.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("lines.json", entities().join("\n").into_bytes()),
        ("crlf.json", text.replace('\n', "\r\n").into_bytes()),
        ("comma.json", text.replace("\n]", ",\n]").into_bytes()),
    ] {
        let (dump, out) = (write(dir.path(), name, &bytes), dir.path().join("out"));
        names(&dump, &out, &["--overwrite", "--unit", "1K", "-q"]).ok();
        assert_eq!(rows(&out), EXPECTED, "{name}");
        let counters = manifest(&out).counters;
        assert_eq!(counters["entities"].to_string(), "18 in, 14 out, 4 skipped (lexeme 1, property 1, without a name 2)", "{name}");
        assert_eq!(
            counters["names"].to_string(),
            "15 in, 8 out, 7 skipped (of no label 2, of several labels 1, without a class 4)",
            "{name}"
        );
        let files: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        run(PREP, ["verify".as_ref(), out.as_os_str()]).ok();
    }
    let row = ShardFolder::open::<Name>(&dir.path().join("out"))
        .unwrap()
        .rows::<Name>()
        .flat_map(Result::unwrap)
        .find(|row| row.name == "Ada Bek");
    let row = row.unwrap();
    assert_eq!(
        (row.title.as_deref(), row.sitelinks, row.instance_of, row.lang.as_str()),
        (Some("Ada Bek (poet)"), Some(2), vec!["Q5".to_owned()], "en")
    );
}

#[test]
fn languages_wikis_and_rules_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let dump = write(dir.path(), "a.json", array(&entities()).as_bytes());
    let types = "labels = [\"FILM\", \"TOWN\"]\n[[wikidata]]\nlabel = \"FILM\"\nclasses = [\"Q11424\"]\n\
        [[wikidata]]\nlabel = \"TOWN\"\nclasses = [\"Q486972\"]\nexcept = [\"Q515\"]\n";
    let types = write(dir.path(), "types.toml", types.as_bytes()).display().to_string();
    let out = dir.path().join("out");
    names(&dump, &out, &["--types", &types]).ok();
    assert_eq!(rows(&out), ["Arden FILM label Q103 1/2"]);
    names(&dump, &out, &["--lang", "de", "--overwrite"]).ok();
    assert!(rows(&out).contains(&"x PER title Q100 3/11".to_owned()), "{:?}", rows(&out));
    assert_eq!(manifest(&out).config["wiki"], "dewiki");
    names(&dump, &out, &["--wiki", "frwiki", "--overwrite"]).ok();
    assert!(rows(&out).contains(&"Ada Bek PER label Q100 1/0".to_owned()));
    let none = write(dir.path(), "none.toml", b"labels = [\"X\"]\n").display().to_string();
    names(&dump, &out, &["--types", &none, "--overwrite"]).fails(&["no [[wikidata]] says which classes have a label"]);
    names(&dump, &out, &["--types", "nothing", "--overwrite"]).fails_with_usage_error(&["no set of rules and no file is named `nothing`"]);
}

#[test]
fn broken_dumps_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut broken = entities();
    broken[4] = broken[4][..50].to_owned();
    broken[5] = "{\"type\": \"item\", \"id\": \"X5\"}".to_owned();
    let dump = write(dir.path(), "a.json", array(&broken).as_bytes());
    let run = names(&dump, &out, &[]).ok();
    assert_eq!(manifest(&out).counters["entities"].skipped["malformed"], 2);
    assert!(
        run.stderr.contains("a.json: line 6: no entity of Wikidata: the line ends within a value that begins at column 38"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("a.json: line 7: id \"X5\" of an item, expected one such as Q42"), "{}", run.stderr);
    assert_eq!(rows(&out).len(), EXPECTED.len() - 2);

    // What is before the end is written, and the folder is not complete.
    let text = array(&entities());
    let half = text.find("\"Q110\"").unwrap();
    let many: String =
        (0..3000).map(|n| item(&format!("Q{}", 1000 + n), &format!("Name {n}"), &[], "", &[("Q5", NORMAL)], "") + ",\n").collect();
    let compressed = gzip(format!("[\n{many}{}", &text[2..]).as_bytes());
    for (name, bytes, expected) in [
        ("cut.json", &text.as_bytes()[..half], "is cut off: it ends after line"),
        ("cut.json.gz", &compressed[..compressed.len() - 100], "truncated or corrupt at byte"),
    ] {
        let dump = write(dir.path(), name, bytes);
        names(&dump, &out, &["--overwrite"]).fails(&[name, expected, "is marked not complete"]);
        let manifest = manifest(&out);
        assert!(!manifest.complete && manifest.rows() > 3 && manifest.error.unwrap().contains(expected));
        names(&dump, &out, &["--resume"]).fails(&[expected]);
    }
    names(&dir.path().join("none.json"), &out, &["--overwrite"]).fails(&["none.json"]);
    let other = write(dir.path(), "x.json", b"Ada\n");
    let run = names(&other, &out, &["--overwrite"]);
    run.fails(&["x.json has no entity of Wikidata"]);
}

#[test]
fn standard_input_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut child = Command::new(PREP)
        .args(["names", "wikidata", "-", "-q", "-o"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&gzip(array(&entities()).as_bytes())).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(rows(&out), EXPECTED);
}

/// Everything in a folder, by name.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().into(), fs::read(path).unwrap()))
        .collect()
}

/// Killed anywhere and resumed, the folder is the same, byte for byte.
#[test]
fn kills_change_nothing() {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let classes = ["Q5", "Q515", "Q783794", "Q11424"];
    let many: Vec<String> = (0..6000)
        .map(|n| {
            item(&format!("Q{}", 10_000 + n), &format!("Name {}", n % 900), &[&format!("N. {n}")], "", &[(classes[n % 4], NORMAL)], "")
        })
        .chain(entities())
        .collect();
    let text = array(&many);
    let streams: Vec<u8> = text.as_bytes().chunks(100_000).flat_map(bzip2).collect();
    for (name, bytes) in [("a.json", text.clone().into_bytes()), ("a.json.bz2", streams), ("a.json.gz", gzip(text.as_bytes()))] {
        let dump = write(dir.path(), name, &bytes);
        let whole = dir.path().join("whole");
        names(&dump, &whole, &["--overwrite", "--unit", "100K", "--threads", "1", "-q"]).ok();
        let out = dir.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let mut kills = 0;
        // Killed when the folder has another file than before, or at the end.
        loop {
            let before = fs::read_dir(&out).map_or(0, Iterator::count);
            let mut command = Command::new(PREP);
            command.args(["names", "wikidata", "--resume", "--unit", "100K", "-q", "--threads", "2"]).arg(&dump).arg("-o").arg(&out);
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    assert!(status.success(), "{name}");
                    break true;
                }
                if kills < 12 && fs::read_dir(&out).map_or(0, Iterator::count) > before + 1 {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    kills += 1;
                    break false;
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            if ended {
                break;
            }
        }
        assert_eq!(contents(&out), contents(&whole), "{name} after {kills} kills");
        // Killed between the manifest and the removal of the checkpoint.
        fs::write(out.join("_progress.json"), "{}").unwrap();
        fs::write(out.join("spill-00003.bin"), [0]).unwrap();
        names(&dump, &out, &[]).fails(&["not empty"]);
        names(&dump, &out, &["--resume"]).ok();
        assert_eq!(contents(&out), contents(&whole), "{name}, complete");
        names(&dump, &out, &["--resume"]).ok();
        names(&dump, &out, &["--resume", "--lang", "de"]).fails(&["cannot resume", "lang was \"en\", is \"de\""]);
    }
}

/// The title of an item labels the links to it, whatever they are called.
#[test]
fn links_have_the_label_of_their_item() {
    let dir = tempfile::tempdir().unwrap();
    let (names_dir, out) = (dir.path().join("names"), dir.path().join("nee"));
    names(&write(dir.path(), "a.json", array(&entities()).as_bytes()), &names_dir, &["-q"]).ok();
    let text = "The [[Ada Bek (poet)|great writer]] worked for [[Bek Works]] near [[Arden, Ohio|that town]].";
    let pages = write(dir.path(), "pages.xml", dump_common::dump([dump_common::page(1, text)]).as_bytes());
    let (pages, names_dir, out_dir) = (pages.display().to_string(), names_dir.display().to_string(), out.display().to_string());
    let args =
        ["nee", &pages, "-o", &out_dir, "--queries", "en_conll03", "--names", &names_dir, "--match", "anchors", "--lang", "en", "-q"];
    run(PREP, args).ok();
    let mut found: Vec<String> = common::triples(&out)
        .into_iter()
        .flat_map(|row| row.spans.into_iter().map(move |span| format!("{} {}", row.label, span.text)).collect::<Vec<_>>())
        .collect();
    found.sort();
    assert_eq!(found, ["LOC that town", "ORG Bek Works", "PER great writer"]);
}
