//! Annotated corpora that `prep mrc` reads and `prep export` does not write: CoNLL-U, CoNLL-2012, CSV, spaCy's DocBin, standoff of brat.

#![allow(clippy::unwrap_used)]

mod common;
mod corpus_common;

use std::fs;
use std::path::{Path, PathBuf};

use corpus_common::{Desk, mrc};
use serde_json::json;

const TEXT: &str = "Ada wrote Jugend ohne Gott.";
const EXPECTED: [&str; 2] =
    ["0:PER Ada wrote Jugend ohne Gott.: Ada@0-3", "0:creative-work Ada wrote Jugend ohne Gott.: Jugend ohne Gott@10-26"];
const WORDS: [(&str, &str); 6] =
    [("Ada", "B-PER"), ("wrote", "O"), ("Jugend", "B-creative-work"), ("ohne", "I-creative-work"), ("Gott", "I-creative-work"), (".", "O")];

/// Runs `prep mrc` on a file or folder of the desk, with the toy questions.
fn run(desk: &Desk, input: &str, options: &[&str]) -> common::Run {
    let queries = desk.path("toy.toml").display().to_string();
    mrc(&desk.path(input), &desk.out(), &[&["--queries", &queries], options].concat())
}

/// Writes files and reads them, with the format detected.
fn read(files: &[(&str, &str)], input: &str, options: &[&str]) -> (Desk, common::Run) {
    let desk = Desk::new();
    for (name, content) in files {
        fs::create_dir_all(desk.path(name).parent().unwrap()).unwrap();
        fs::write(desk.path(name), content).unwrap();
    }
    let run = run(&desk, input, options);
    (desk, run)
}

#[test]
fn every_format_gives_the_same_entities() {
    let conllu: String = (1..)
        .zip(WORDS)
        .map(|(number, (word, tag))| {
            let space = if word == "Gott" { "SpaceAfter=No|" } else { "" };
            format!("{number}\t{word}\t_\tX\t_\t_\t0\troot\t_\t{space}NER={tag}\n")
        })
        .collect();
    let standoff = "T1\tPER 0 3\tAda\nT2\tcreative-work 10 26\tJugend ohne Gott\nR1\tBy Arg1:T2 Arg2:T1\n";
    for (format, files, input) in [
        ("conllu", &[("a.conllu", conllu.as_str())][..], "a.conllu"),
        ("conllu", &[("corpus", &format!("# sent_id = 1\n# text = {TEXT}\n{conllu}\n"))], "corpus"),
        ("brat", &[("a.ann", standoff), ("a.txt", TEXT)], "a.ann"),
        ("brat", &[("a.ann", standoff), ("a.txt", TEXT)], "a.txt"),
        ("brat", &[("brat/sub/a.ann", standoff), ("brat/sub/a.txt", TEXT), ("brat/annotation.conf", "")], "brat"),
    ] {
        let (desk, run) = read(files, input, &["--strict"]);
        run.ok();
        assert_eq!(desk.answers(), EXPECTED, "{format} {input}");
        let manifest = common::manifest(&desk.out());
        assert_eq!(manifest.config["formats"], json!([format]), "{input}");
        assert_eq!(manifest.inputs.len(), if format == "brat" { 2 } else { 1 });
        assert_eq!(desk.counter("sentences"), "1 in, 1 out");
    }
}

#[test]
fn tables_and_brackets_are_joined() {
    let expected = EXPECTED.map(|row| row.replace("Gott.:", "Gott .:"));
    let csv: String =
        WORDS.iter().map(|(word, tag)| format!("{},{word},X,{tag}\n", if *word == "Ada" { "Sentence: 1" } else { "" })).collect();
    let tsv: String = WORDS.iter().map(|(word, tag)| format!("1\t{word}\t{tag}\n")).collect();
    let brackets: String = (0..)
        .zip(WORDS)
        .zip(["(PER)", "*", "(creative-work*", "*", "*)", "*"])
        .map(|((number, (word, _)), entity)| format!("bn/a 0 {number} {word} NN (S* - - - speaker {entity} (ARG0*) -\n"))
        .collect();
    for (format, content, options) in [
        ("csv", format!("Sentence #,Word,POS,Tag\n{csv}"), &[][..]),
        ("csv", format!("n\tmot\tquoi\n{tsv}"), &["--text-field", "mot", "--label-field", "quoi", "--sentence-field", "n"]),
        ("conll2012", format!("#begin document (bn/a); part 000\n{brackets}\n#end document\n"), &[]),
    ] {
        let (desk, run) = read(&[("corpus", &content)], "corpus", &[options, &["--strict"]].concat());
        run.ok();
        assert_eq!(desk.answers(), expected, "{content}");
        assert_eq!(common::manifest(&desk.out()).config["formats"], json!([format]), "{content}");
    }
}

/// A DocBin that spaCy wrote, by `fixtures/ner/formats/make_spacy.py`.
#[test]
fn docbins_of_spacy_are_read() {
    let desk = Desk::new();
    let queries = desk.path("toy.toml").display().to_string();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/ner/formats/toy.spacy");
    let run = mrc(&file, &desk.out(), &["--queries", &queries]).ok();
    assert_eq!(
        desk.answers(),
        [
            "0:PER Ada Bek's  mark, Jugend ohne Gott.: Ada Bek@0-7",
            "0:creative-work Ada Bek's  mark, Jugend ohne Gott.: Jugend ohne Gott@17-33",
            "3:PER Ödön 北京: Ödön@0-4 北京@5-7"
        ]
    );
    assert_eq!(common::triples(&desk.out())[2].context, "Nothing here.");
    assert_eq!([desk.counter("sentences"), desk.counter("documents")], ["4 in, 3 out, 1 skipped (not annotated 1)"; 2]);
    assert!(run.stderr.contains("toy.spacy:3: document 3: its entities were never set"), "{}", run.stderr);
    assert!(run.stderr.contains("toy.spacy has span groups in 1 documents, which are not read"), "{}", run.stderr);
    let cut = &fs::read(&file).unwrap()[..200];
    fs::write(desk.path("cut.spacy"), cut).unwrap();
    mrc(&desk.path("cut.spacy"), &desk.out(), &["--queries", &queries]).fails(&["cut.spacy: is no DocBin of spaCy: it ends too early"]);
}

#[test]
fn standoff_is_checked() {
    let annotations = "T1\tPER 0 3\tAda\nT2\tPER 0 3;8 11\tAda Bek\nT3\tPER 4 7\tBob\nT4\tPER 4 99\tx\nfoo\n";
    let (desk, run) =
        read(&[("d/a.ann", annotations), ("d/a.txt", "Ada saw Bek"), ("d/readme.txt", "x"), ("d/b.ann", ""), ("d/b.txt", "")], "d", &[]);
    let run = run.ok();
    assert_eq!(desk.answers(), ["0:PER Ada saw Bek: Ada@0-3"]);
    let skipped = "5 in, 1 out, 4 skipped (bad line 1, discontinuous span 1, other text 1, span outside 1)";
    assert_eq!(desk.counter("entities"), skipped);
    assert_eq!(desk.counter("lines"), "5 in, 3 out, 2 skipped (bad line 1, discontinuous span 1)");
    assert_eq!(desk.counter("sentences"), "2 in, 1 out, 1 skipped (empty 1)");
    for warning in [
        "d: 1 text without an .ann file of the same name, such as",
        "line 2: T2: `PER 0 3;8 11\tAda Bek` has several parts, expected one; the span is skipped",
        "covers \"saw\" but says \"Bob\"",
        "line 5: `foo` is no line of standoff",
    ] {
        assert!(run.stderr.contains(warning), "{warning:?} is not in {}", run.stderr);
    }
    read(&[("a.ann", annotations)], "a.ann", &[]).1.fails(&["a.ann is standoff of brat and has no text beside it; expected", "a.txt"]);
    read(&[("d/a.txt", "Ada")], "d", &[]).1.fails(&["d holds no .ann file: folders are read as standoff of brat"]);
    read(&[("d/a.ann", "")], "d", &["--format", "conll"]).1.fails(&["d is not a regular file"]);
    read(&[("a.dat", annotations)], "a.dat", &[]).1.fails(&["a.dat is standoff of brat and has no text beside it"]);
}

#[test]
fn files_of_another_form_are_errors() {
    let plain = "1\tAda\t_\tX\t_\t_\t0\troot\t_\tSpaceAfter=No\n";
    for (name, content, expected) in [
        ("a.conllu", plain, "no word has the tag of an entity: the last column of CoNLL-U holds `SpaceAfter`, expected `NER=B-PER`"),
        ("a.conllu", "1\tAda\tB-PER\n", "a.conllu:1: `1\tAda\tB-PER` has 3 columns, expected the 10 of CoNLL-U"),
        ("a", "#begin document (a); part 000\na 0 0 [WORD] X * - - - - * -\n", "a:2: the words are left out"),
        ("a", "#begin document (a); part 000\na 0 0 Ada X * - - - - B-PER -\n", "a:2: `B-PER` is no bracket of CoNLL-2012"),
        ("a.csv", "name,kind\nAda,B-PER\n", "a.csv: line 1: no column of tags, such as `tag`; the first line has `name`, `kind`"),
        ("a.csv", "word,tag\nAda,B-PER,x\n", "a.csv:2: `Ada,B-PER,x` has 3 cells and the first line has 2"),
        ("a.csv", "word,tag\n\"Ada,B-PER\n", "a.csv: line 2: a quote of `\"Ada,B-PER"),
        ("a.spacy", "Ada B-PER\n", "a.spacy: is no DocBin of spaCy: it is not compressed with zlib"),
        ("a.xml", "<?xml version=\"1.0\"?><x/>", "is XML or HTML, which is not read"),
    ] {
        let (desk, run) = read(&[(name, content)], name, &[]);
        run.fails(&[expected]);
        assert!(!Path::new(&desk.out()).exists(), "{content}");
    }
    // What counts as malformed there is skipped on request.
    let rows = "word,tag,sentence\nAda,B-PER,1\nBo,B-PER,x,y\nCy,B-PER,2\n";
    let (desk, run) = read(&[("a.csv", rows)], "a.csv", &["--skip-malformed"]);
    run.ok();
    assert_eq!(desk.counter("sentences"), "3 in, 2 out, 1 skipped (other columns 1)");
    assert_eq!(desk.counter("lines"), "4 in, 2 out, 2 skipped (header 1, in a skipped sentence 1)");
}
