//! `prep verify` and `prep inspect` on sound and on damaged folders.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::Run;
use schemas::{Anchor, Counter, Manifest, Origin, Page, Segment, SegmentKind, ShardWriter, Span, Triple};
use tempfile::TempDir;

const PREP: &str = env!("CARGO_BIN_EXE_prep");
const SENTENCES: u32 = 3000;

/// Two labels; `PER` answered in every sentence, `LOC` in every third.
fn triples(dir: &Path) -> Manifest {
    let manifest = Manifest::new("test 0", "test", serde_json::json!({}));
    let mut writer = ShardWriter::create(dir, false, manifest).unwrap().with_shard_bytes(20_000).with_row_group_rows(100);
    let span = |start, end, text: &str, origin| Span { start, end, text: text.to_owned(), origin, score: None };
    for number in 0..SENTENCES {
        for label in ["PER", "LOC"] {
            let spans = match (label, number % 3) {
                ("PER", _) => vec![span(0, 4, "Ödön", Origin::Gold)],
                (_, 0) => vec![span(8, 10, "北京", Origin::Gazetteer), span(11, 15, "Oslo", Origin::Anchor)],
                _ => Vec::new(),
            };
            let row = Triple {
                id: format!("d:{number}:{label}"),
                doc: format!("d{}", number / 100),
                sentence: number % 100,
                lang: "en".to_owned(),
                label: label.to_owned(),
                query: format!("where is {label}?"),
                context: format!("Ödön to 北京 Oslo {number}"),
                impossible: spans.is_empty(),
                spans,
            };
            writer.write(row).unwrap();
        }
    }
    let counter = |count| Counter { seen: count, out: count, ..Counter::default() };
    let counters = [("sentences", counter(u64::from(SENTENCES))), ("triples", counter(u64::from(SENTENCES) * 2))];
    writer.finish(Vec::new(), counters.map(|(name, counter)| (name.to_owned(), counter)).into(), None).unwrap()
}

fn pages(dir: &Path) {
    let mut writer = ShardWriter::create(dir, false, Manifest::new("test 0", "test", serde_json::json!({}))).unwrap();
    for number in 0..10 {
        let title = format!("Page {number}").into();
        let page = match number {
            0 => Page { redirect: Some("Page 1".into()), title, ..Page::default() },
            1 => Page { title, disambiguation: true, issues: vec!["unclosed link".to_owned()], ..Page::default() },
            _ => Page {
                title,
                page_id: number,
                timestamp: 1_500_000_000_000,
                text: "Head\nÖdön lives in 北京".into(),
                anchors: vec![Anchor { start: 19, end: 21, text: "北京".into(), target: "Beijing".into(), fragment: None }],
                segments: vec![
                    Segment { start: 0, end: 4, kind: SegmentKind::Heading, level: 2 },
                    Segment { start: 5, end: 21, kind: SegmentKind::Paragraph, level: 0 },
                ],
                sentences: vec![5..18, 19..21],
                ..Page::default()
            },
        };
        writer.write(page).unwrap();
    }
    let counter = Counter { seen: 10, out: 10, ..Counter::default() };
    writer.finish(Vec::new(), [("pages".to_owned(), counter)].into(), None).unwrap();
}

fn prep(command: &str, dir: &Path, options: &[&str]) -> Run {
    let mut args = vec![command.as_ref(), dir.as_os_str()];
    args.extend(options.iter().map(|option| std::ffi::OsStr::new(*option)));
    common::run(PREP, args)
}

fn sound() -> (TempDir, Manifest) {
    let dir = tempfile::tempdir().unwrap();
    let manifest = triples(dir.path());
    assert!(manifest.shards.len() > 1, "the tests want several shards");
    (dir, manifest)
}

#[test]
fn sound_folders_pass() {
    let (dir, manifest) = sound();
    let run = prep("verify", dir.path(), &[]).ok();
    let expected = format!("2 counters, 6,000 rows of triples in {} shards", manifest.shards.len());
    assert!(run.stdout.contains(&expected), "{}", run.stdout);
    assert_eq!(prep("verify", dir.path(), &["-q"]).ok().stdout, "");
    let dir = tempfile::tempdir().unwrap();
    pages(dir.path());
    let run = prep("verify", dir.path(), &[]).ok();
    assert!(run.stdout.contains("10 rows of pages in 1 shard "), "{}", run.stdout);
}

#[test]
fn damage_is_found() {
    let edit = |dir: &Path, change: &dyn Fn(&mut Manifest)| {
        let mut manifest = common::manifest(dir);
        change(&mut manifest);
        fs::write(dir.join("_manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    };
    type Damage<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Damage<'_>, &[&str]); 11] = [
        (
            "a flipped byte",
            &|dir| {
                let path = dir.join("part-00000.parquet");
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            &["part-00000.parquet: BLAKE3 is", "not valid: 1 problem"],
        ),
        (
            "a truncated shard",
            &|dir| {
                let path = dir.join("part-00001.parquet");
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 9]).unwrap();
            },
            &["part-00001.parquet: ", " bytes, expected ", "not valid: 1 problem"],
        ),
        ("a removed shard", &|dir| fs::remove_file(dir.join("part-00001.parquet")).unwrap(), &["part-00001.parquet: missing", "1 problem"]),
        ("a stray shard", &|dir| drop(fs::write(dir.join("part-99999.parquet"), "x")), &["part-99999.parquet: a Parquet file that"]),
        ("a half-written shard", &|dir| drop(fs::write(dir.join(".part-00009.parquet.tmp"), "x")), &["left by a run that did not end"]),
        (
            "an edited count of things seen",
            &|dir| edit(dir, &|manifest| manifest.counters.get_mut("sentences").unwrap().seen += 1),
            &["counter `sentences` does not add up: 3001 in, 3000 out"],
        ),
        (
            "an edited count of rows",
            &|dir| edit(dir, &|manifest| manifest.counters.get_mut("triples").unwrap().keep()),
            &["counter `triples` says 6001 out, but the shards hold 6000 rows"],
        ),
        (
            "an edited count of a shard's rows",
            &|dir| edit(dir, &|manifest| manifest.shards[0].rows += 1),
            &["part-00000.parquet: has", "rows, but"],
        ),
        (
            "no end",
            &|dir| edit(dir, &|manifest| manifest.complete = false),
            &["not complete (the run that wrote it was stopped or is still running)"],
        ),
        ("another schema", &|dir| edit(dir, &|manifest| manifest.schema = "pages".to_owned()), &["its columns are not those of pages"]),
        ("an unknown schema", &|dir| edit(dir, &|manifest| manifest.schema = "poems".to_owned()), &["schema `poems` is unknown"]),
    ];
    for (name, damage, expected) in cases {
        let (dir, _) = sound();
        damage(dir.path());
        let run = prep("verify", dir.path(), &[]);
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        run.fails(expected);
    }
    let (dir, _) = sound();
    fs::write(dir.path().join("_manifest.json"), "{").unwrap();
    prep("verify", dir.path(), &[]).fails(&["is not a manifest"]);
    let dir = tempfile::tempdir().unwrap();
    prep("verify", dir.path(), &[]).fails(&["is not a folder of shards"]);
}

#[test]
fn broken_rows_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(dir.path(), false, Manifest::new("test 0", "test", serde_json::json!({}))).unwrap();
    for number in 0..30 {
        let row = Triple { id: format!("d:{number}"), doc: "d".to_owned(), sentence: number, label: "A".to_owned(), ..Triple::default() };
        writer.write(row).unwrap();
    }
    writer.finish(Vec::new(), Default::default(), None).unwrap();
    let run = prep("verify", dir.path(), &[]);
    assert_eq!(run.stderr.lines().filter(|line| line.contains("impossible is false with 0 spans")).count(), 20);
    run.fails(&["part-00000.parquet: row 0: d:0: impossible is false", "problem: and 10 more", "is not valid: 30 problems"]);
}

#[test]
fn triples_are_counted() {
    let (dir, manifest) = sound();
    let json: serde_json::Value = serde_json::from_str(&prep("inspect", dir.path(), &["--json", "--sample", "2"]).ok().stdout).unwrap();
    for (pointer, expected) in [
        ("/rows", 6000.into()),
        ("/sentences", 3000.into()),
        ("/docs", 30.into()),
        ("/spans", 5000.into()),
        ("/impossible", 2000.into()),
        ("/shards", manifest.shards.len().into()),
        ("/complete", true.into()),
        ("/labels/0", serde_json::json!({"label": "PER", "rows": 3000, "impossible": 0, "spans": 3000})),
        ("/labels/1", serde_json::json!({"label": "LOC", "rows": 3000, "impossible": 2000, "spans": 2000})),
        ("/spans_per_sentence", serde_json::json!({"min": 1, "median": 1, "p95": 3, "max": 3})),
        ("/context_chars", serde_json::json!({"min": 17, "median": 20, "p95": 20, "max": 20})),
        ("/origins", serde_json::json!({"anchor": 1000, "gazetteer": 1000, "gold": 3000})),
        ("/mentions/0", serde_json::json!({"text": "Ödön", "count": 3000})),
        ("/mentions/1/count", 1000.into()),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer} of {json:#}");
    }
    let samples = json["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 2);
    assert!(samples[0]["marked"].as_str().unwrap().starts_with('['), "{samples:?}");

    let run = prep("inspect", dir.path(), &["--label", "LOC", "--sample", "1"]).ok();
    assert!(run.stdout.contains("[北京|LOC] [Oslo|LOC]"), "{}", run.stdout);
    assert!(!run.stdout.contains("PER"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "no colours where there is no terminal");
    prep("inspect", dir.path(), &["--label", "ORG"]).fails(&["no row of label `ORG`", "LOC, PER"]);
}

#[test]
fn pages_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    pages(dir.path());
    let run = prep("inspect", dir.path(), &["--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    for (pointer, expected) in [
        ("/rows", 10.into()),
        ("/redirects", 1.into()),
        ("/disambiguations", 1.into()),
        ("/empty", 2.into()),
        ("/chars", (8 * 21).into()),
        ("/anchors", 8.into()),
        ("/sentences", 16.into()),
        ("/sentence_chars/max", 13.into()),
        ("/segments", serde_json::json!({"heading": 8, "paragraph": 8})),
        ("/issues", serde_json::json!({"unclosed link": 1})),
        ("/targets/0", serde_json::json!({"text": "Beijing", "count": 8})),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer} of {json:#}");
    }
    let run = prep("inspect", dir.path(), &["--sample", "1"]).ok();
    assert!(run.stdout.contains("Ödön lives in [北京|Beijing]"), "{}", run.stdout);
    prep("inspect", dir.path(), &["--label", "PER"]).fails(&["--label", "pages, which have no labels"]);
}

#[test]
fn tokens_are_counted_with_a_vocabulary() {
    let (dir, _) = sound();
    let vocab = dir.path().join("vocab.txt");
    fs::write(&vocab, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nodon\nto\n北\n京\noslo\n0\n##0\n1\n").unwrap();
    let run = prep("inspect", dir.path(), &["--json", "--tokenizer", &vocab.display().to_string()]).ok();
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    // odon to 北 京 oslo 1 ##0 ##0 ##0: lower-cased, without accents.
    assert_eq!((&json["context_tokens"]["min"], &json["context_tokens"]["max"]), (&6.into(), &9.into()), "{json:#}");
    prep("inspect", dir.path(), &["--tokenizer", "/no/vocab.txt"]).fails(&["/no/vocab.txt"]);
}

#[test]
fn an_unfinished_folder_is_looked_into() {
    let (dir, _) = sound();
    let mut manifest = common::manifest(dir.path());
    (manifest.complete, manifest.shards) = (false, Vec::new());
    fs::write(dir.path().join("_manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let run = prep("inspect", dir.path(), &["--json"]).ok();
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("not complete"), "{}", run.stderr);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["rows"], &json["complete"]), (&6000.into(), &false.into()));
}
