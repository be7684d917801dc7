//! `prep mrc` and `prep queries` on real and on broken files.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::Run;
use schemas::Counter;
use tempfile::TempDir;

const PREP: &str = env!("CARGO_BIN_EXE_prep");

const QUERIES: &str = "name = \"toy\"\nlang = \"en\"\n[[query]]\nlabel = \"PER\"\ntext = \"Find the people.\"\n\
    [[query]]\nlabel = \"creative-work\"\ntext = \"Find the works.\"\n";

/// A folder with a query set `toy.toml` and one file after another.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("toy.toml"), QUERIES).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// Runs `prep mrc` on a file of this content.
    fn mrc(&self, content: &[u8], options: &[&str]) -> Run {
        fs::write(self.path("toy.conll"), content).unwrap();
        mrc(&[&self.path("toy.conll")], &self.path("toy.toml").display().to_string(), &self.out(), options)
    }
}

fn mrc(inputs: &[&Path], queries: &str, out: &Path, options: &[&str]) -> Run {
    let mut args = vec!["mrc".to_owned()];
    args.extend(inputs.iter().map(|path| path.display().to_string()));
    args.extend(["-o".to_owned(), out.display().to_string(), "--queries".to_owned(), queries.to_owned()]);
    args.extend(options.iter().map(|&option| option.to_owned()));
    common::run(PREP, args)
}

/// The rows as `id: mention@start-end mention@start-end`, those without an answer left out.
fn answers(dir: &Path) -> Vec<String> {
    let rows = common::triples(dir).into_iter().filter(|row| !row.impossible);
    rows.map(|row| {
        let spans: Vec<String> = row.spans.iter().map(|span| format!("{}@{}-{}", span.text, span.start, span.end)).collect();
        format!("{}: {}", row.id, spans.join(" "))
    })
    .collect()
}

fn counters(dir: &Path) -> BTreeMap<String, Counter> {
    let counters = common::manifest(dir).counters;
    assert!(counters.values().all(Counter::adds_up), "{counters:?}");
    counters
}

#[test]
fn every_scheme_gives_the_same_entities() {
    let words = ["Ödön", "von", "Horváth", "wrote", "Jugend", "ohne", "Gott", "Ada", "Bo"];
    for (scheme, tags) in [
        ("bio", "B-PER I-PER I-PER O B-creative-work I-creative-work I-creative-work B-PER B-PER"),
        ("iob1", "I-PER I-PER I-PER O I-creative-work I-creative-work I-creative-work I-PER B-PER"),
        ("bmes", "B-PER M-PER E-PER O B-creative-work M-creative-work E-creative-work S-PER S-PER"),
        ("bieos", "B-PER I-PER E-PER O B-creative-work I-creative-work E-creative-work S-PER S-PER"),
        ("bieos", "B-PER I-PER L-PER O B-creative-work I-creative-work L-creative-work U-PER U-PER"),
    ] {
        let desk = Desk::new();
        let lines: Vec<String> = words.iter().zip(tags.split(' ')).map(|(word, tag)| format!("{word}\t{tag}\r\n")).collect();
        let run = desk.mrc(format!("\u{feff}{}", lines.concat()).as_bytes(), &[]).ok();
        let expected = ["toy.conll:0:PER: Ödön von Horváth@0-16 Ada@40-43 Bo@44-46", "toy.conll:0:creative-work: Jugend ohne Gott@23-39"];
        assert_eq!(answers(&desk.out()), expected, "{scheme}");
        assert_eq!(common::manifest(&desk.out()).config["scheme"], scheme);
        assert!(run.stderr.contains(&format!("{} (detected from the tags)", scheme.to_uppercase())), "{}", run.stderr);
        assert_eq!(counters(&desk.out())["repaired entities"].seen, 0, "{scheme}");
    }
}

#[test]
fn tags_that_break_their_scheme_are_repaired_and_counted() {
    let desk = Desk::new();
    desk.mrc(b"a I-PER\nb I-PER\nc O\nd B-PER\n\ne B-PER\nf I-creative-work\n", &["--scheme", "bio"]).ok();
    assert_eq!(answers(&desk.out()), ["toy.conll:0:PER: a b@0-3 d@6-7", "toy.conll:1:PER: e@0-1", "toy.conll:1:creative-work: f@2-3"]);
    let counters = counters(&desk.out());
    assert_eq!((counters["repaired entities"].out, counters["entities"].out), (2, 4));
}

#[test]
fn rows_of_a_sentence_are_together_in_the_order_of_the_set() {
    let desk = Desk::new();
    desk.mrc(b"a O\n\nb B-creative-work\n", &["-q"]).ok();
    let rows = common::triples(&desk.out());
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["toy.conll:0:PER", "toy.conll:0:creative-work", "toy.conll:1:PER", "toy.conll:1:creative-work"]);
    assert_eq!(rows.iter().map(|row| row.impossible).collect::<Vec<_>>(), [true, true, true, false]);
    assert!(rows.iter().all(|row| row.doc == "toy.conll" && row.lang == "en"));
    assert_eq!((rows[3].query.as_str(), rows[3].spans[0].origin.name()), ("Find the works.", "gold"));
    let manifest = common::manifest(&desk.out());
    assert_eq!(manifest.inputs.len(), 1);
    assert_eq!(manifest.inputs[0].blake3, blake3::hash(b"a O\n\nb B-creative-work\n").to_string());
}

#[test]
fn malformed_lines_cost_their_sentence() {
    let desk = Desk::new();
    let text = b"-DOCSTART- O\n\nAda B-PER\nBo\n\n\nCy E-PER\n\nDi B-\n\nEd B-PER\n";
    let run = desk.mrc(text, &["--skip-malformed", "--scheme", "bio"]).ok();
    assert_eq!(answers(&desk.out()), ["toy.conll:3:PER: Ed@0-2"]);
    for warning in ["toy.conll:4: `Bo` has one column", "toy.conll:7: tag `E-PER` does not belong", "toy.conll:9: tag `B-` has no label"] {
        assert!(run.stderr.contains(warning), "{warning:?} is not in {}", run.stderr);
    }
    let counters = counters(&desk.out());
    assert_eq!(counters["sentences"].to_string(), "5 in, 1 out, 4 skipped (empty 1, no label 1, no tag column 1, tag of another scheme 1)");
    assert_eq!(counters["lines"].to_string(), "11 in, 1 out, 10 skipped (blank 5, document start 1, in a skipped sentence 4)");

    let detail = "toy.conll:4: `Bo` has one column, expected a token and its tag (token,..,tag); line 3 has 2";
    for (options, hint) in [(&[][..], "; --skip-malformed skips its sentence"), (&["--strict"], "")] {
        let desk = Desk::new();
        desk.mrc(text, options).fails(&[&format!("{detail}{hint}")]);
        assert!(!desk.out().exists(), "nothing is made before all is known to be sound");
    }
}

#[test]
fn what_cannot_be_read_names_file_and_line() {
    for (content, options, expected) in [
        (&b"a O\nb\xff O\n"[..], &[][..], &["toy.conll", "line 2 is not UTF-8"][..]),
        (
            b"a B-LOC\n\nb B-PER\nc I-DATE\n",
            &[],
            &["toy.conll:1: `LOC`", "toy.conll:4: `DATE`", "it has `PER`, `creative-work`", "--ignore-label"],
        ),
        (b"a X-PER\n", &[], &["toy.conll:1: `X-PER`", "has no question for these labels"]),
        (b"a B\n", &[], &["toy.conll:1: tag `B` has no label", "--label"]),
        (b"a B\n", &["--label", "GENE"], &["toy.conll:1: `GENE`", "has no question for these labels"]),
        (b"a O\nb X O\n", &[], &["toy.conll:2: `b X O` has 3 columns and line 1 has 2", "--skip-malformed"]),
        (b"", &[], &["no usable sentence (0 in, 0 out)"]),
        (b"[{\"context\": \"x\"}]", &[], &["toy.conll", "looks like JSON"]),
        (b"a E-PER\n", &["--scheme", "bio"], &["tag `E-PER` does not belong to scheme BIO"]),
    ] {
        let desk = Desk::new();
        desk.mrc(content, options).fails(expected);
        assert!(!desk.out().exists(), "{expected:?}");
    }
    let desk = Desk::new();
    mrc(&[Path::new("/no/such.conll")], "en_conll03", &desk.out(), &[]).fails(&["/no/such.conll"]);
    desk.mrc(b"a B-PER\n", &["--ignore-label", "PER"]).fails_with_usage_error(&["label `PER` of --ignore-label has a query"]);
    mrc(&[Path::new("/no/such.conll")], "en_conll04", &desk.out(), &[])
        .fails_with_usage_error(&["no query set and no file is named `en_conll04`"]);
}

#[test]
fn labels_can_be_left_out() {
    let desk = Desk::new();
    let run = desk.mrc(b"a B-LOC\nb I-LOC\nc B-PER\n", &["--ignore-label", "LOC", "--ignore-label", "ORG"]).ok();
    assert!(run.stderr.contains("label `ORG` of --ignore-label is in none of the files"), "{}", run.stderr);
    assert_eq!(answers(&desk.out()), ["toy.conll:0:PER: c@4-5"]);
    assert_eq!(counters(&desk.out())["entities"].to_string(), "2 in, 1 out, 1 skipped (ignored label LOC 1)");
}

#[test]
fn an_output_folder_is_kept_unless_it_may_go() {
    let desk = Desk::new();
    desk.mrc(b"a B-PER\n", &[]).ok();
    desk.mrc(b"b B-PER\n", &[]).fails(&["is not empty", "--overwrite"]);
    assert_eq!(answers(&desk.out()), ["toy.conll:0:PER: a@0-1"]);
    desk.mrc(b"b B-PER\n", &["--overwrite"]).ok();
    assert_eq!(answers(&desk.out()), ["toy.conll:0:PER: b@0-1"]);
}

#[test]
fn files_of_the_same_name_keep_their_folders() {
    let desk = Desk::new();
    for name in ["x", "y"] {
        fs::create_dir(desk.path(name)).unwrap();
        fs::write(desk.path(name).join("train"), "a B-PER\n").unwrap();
    }
    let inputs = [desk.path("x/train"), desk.path("y/train")];
    mrc(&[&inputs[0], &inputs[1]], &desk.path("toy.toml").display().to_string(), &desk.out(), &[]).ok();
    assert_eq!(answers(&desk.out()), inputs.map(|path| format!("{}:0:PER: a@0-1", path.display())));
}

#[test]
fn quiet_is_quiet_and_bytes_are_stable() {
    let (one, two) = (Desk::new(), Desk::new());
    let text = ("日\tB-PER\n \tI-PER\n本\tI-PER\no\tO\nk\tO\n".repeat(250) + "\n").repeat(2);
    let run = one.mrc(text.as_bytes(), &["-q"]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    two.mrc(text.as_bytes(), &["-q"]).ok();
    let shard = |desk: &Desk| fs::read(desk.out().join("part-00000.parquet")).unwrap();
    assert_eq!(shard(&one), shard(&two));
    assert!(common::triples(&one.out())[0].context.starts_with("日 本ok日 本ok"));
}

mod shared_data {
    use super::*;

    #[test]
    #[ignore = "needs ../shared/data: real dumps, gazetteers and corpora in a folder beside the project's"]
    fn corpora_are_read() {
        for (file, queries, scheme, sentences, entities) in [
            ("ecommerce/train.txt.bieos", "zh_ecommerce", "bieos", 3989, 12110),
            ("ecommerce/dev.txt.bieos", "zh_ecommerce", "bieos", 500, 1540),
            ("ecommerce/test.txt.bieos", "zh_ecommerce", "bieos", 498, 1567),
            ("dsner-ec/train", "zh_ecommerce5", "bio", 1097, 1264),
            ("wnut17/wnut17train.conll", "en_wnut17", "bio", 3394, 1975),
            ("wnut17/emerging.dev.conll", "en_wnut17", "bio", 1009, 836),
            ("wnut17/emerging.test.annotated", "en_wnut17", "bio", 1287, 1079),
            ("wikigold/wikigold.conll.txt", "en_conll03", "io", 1696, 3558),
        ] {
            let path = common::shared_data(&format!("ner/{file}"));
            let desk = Desk::new();
            mrc(&[&path], queries, &desk.out(), &["--strict"]).ok();
            let counters = counters(&desk.out());
            let config = common::manifest(&desk.out()).config;
            assert_eq!((config["scheme"].as_str(), counters["sentences"].out), (Some(scheme), sentences), "{file}");
            assert_eq!(counters["entities"].out, entities, "{file}");
            assert_eq!(config["lang"], queries[..2], "{file}");
            common::run(PREP, ["verify".as_ref(), desk.out().as_os_str()]).ok();
        }
    }
}

#[test]
fn query_sets_are_listed_shown_and_imported() {
    let list = common::run(PREP, ["queries", "list"]).ok().stdout;
    assert_eq!(list.lines().count(), 13, "{list}");
    let desk = Desk::new();
    let shown = common::run(PREP, ["queries", "show", "zh_msra"]).ok().stdout;
    fs::write(desk.path("mine.toml"), shown).unwrap();
    fs::write(desk.path("a.conll"), "马\tB-NR\n\u{4e91}\tI-NR\n").unwrap();
    mrc(&[&desk.path("a.conll")], &desk.path("mine.toml").display().to_string(), &desk.out(), &[]).ok();
    assert_eq!(answers(&desk.out()), ["a.conll:0:NR: 马云@0-2"]);

    fs::write(desk.path("sets.json"), r#"{"x": {"tags": ["NT", "NR"], "natural_query": {"NR": "人名", "NT": "机构"}}}"#).unwrap();
    let (json, toml) = (desk.path("sets.json"), desk.path("x.toml"));
    let import = || common::run(PREP, ["queries".as_ref(), "import".as_ref(), json.as_os_str(), "-o".as_ref(), toml.as_os_str()]);
    import().ok();
    let set = schemas::QuerySet::load(&toml.display().to_string()).unwrap();
    assert_eq!((set.name.as_str(), set.lang.as_str(), set.labels().collect::<Vec<_>>()), ("x", "zh", vec!["NT", "NR"]));
    import().fails(&["x.toml exists"]);
}
