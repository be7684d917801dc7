//! What the tests of `train` share: the binary, and small folders of triples.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use schemas::{Manifest, Origin, ShardWriter, Span, Triple};

/// Runs the binary in `dir`.
pub fn train(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(dir).output().unwrap()
}

/// Runs it and expects success; returns what it printed.
pub fn succeed(dir: &Path, args: &[&str]) -> String {
    let output = train(dir, args);
    assert!(output.status.success(), "train {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and expects an exit code; returns what it said.
pub fn fail(dir: &Path, args: &[&str], code: i32) -> String {
    let output = train(dir, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "train {args:?}: {said}");
    assert!(said.starts_with("error: "), "{said}");
    said
}

/// The tiny encoder of random weights.
pub fn encoder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/encoder")
}

/// The lines of a run's `metrics.jsonl`.
pub fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The losses that a run recorded.
pub fn losses(run: &Path) -> Vec<f64> {
    metrics(run).iter().filter(|line| line["dev"].is_null()).filter_map(|line| line["loss"].as_f64()).collect()
}

/// The query set that the toy triples ask by, as a TOML file.
pub const QUERIES: &str = r#"
name = "toy"
lang = "en"
[[query]]
label = "PER"
text = "which person ?"
[[query]]
label = "LOC"
text = "which place ?"
"#;

/// Sentences of names in a few patterns, with their answers. `seed` shifts which names and patterns come together.
pub fn sentences(count: usize, seed: usize) -> Vec<(String, Vec<(&'static str, String)>)> {
    let people = ["Anna Berg", "Ben", "Clara Voss", "David", "Ella Stone", "Frank", "Greta Lind", "Hugo"];
    let places = ["Paris", "New Delhi", "Rome", "Cape Town", "Oslo", "Lima"];
    (0..count)
        .map(|number| {
            let at = number * 7 + seed * 3;
            let (person, place) = (people[at % people.len()], places[(at / 3) % places.len()]);
            let both = vec![("PER", person.to_owned()), ("LOC", place.to_owned())];
            match (at / 2) % 4 {
                0 => (format!("{person} lives in {place} ."), both),
                1 => (format!("In {place} , {person} was happy ."), both),
                2 => (format!("We saw {person} yesterday ."), vec![("PER", person.to_owned())]),
                _ => ("Nobody was there in the morning .".to_owned(), Vec::new()),
            }
        })
        .collect()
}

/// The sentences' triples, by the toy query set or as esi triples of one label.
pub fn triples(sentences: &[(String, Vec<(&'static str, String)>)], esi: bool) -> Vec<Triple> {
    let queries: &[(&str, &str)] = if esi { &[("Entity", "which name ?")] } else { &[("PER", "which person ?"), ("LOC", "which place ?")] };
    let mut triples = Vec::new();
    for (number, (context, answers)) in sentences.iter().enumerate() {
        for (label, query) in queries {
            let mut spans: Vec<Span> = answers
                .iter()
                .filter(|(of, _)| esi || of == label)
                .map(|(_, text)| {
                    let start = context[..context.find(text.as_str()).unwrap()].chars().count() as u32;
                    Span { start, end: start + text.chars().count() as u32, text: text.clone(), origin: Origin::Gold, score: None }
                })
                .collect();
            spans.sort_by_key(|span| span.start);
            triples.push(Triple {
                id: format!("toy:{number}:{label}"),
                doc: "toy".to_owned(),
                sentence: number as u32,
                lang: "en".to_owned(),
                label: (*label).to_owned(),
                query: (*query).to_owned(),
                context: context.clone(),
                impossible: spans.is_empty(),
                spans,
            });
        }
    }
    triples
}

/// Writes triples as `prep` does; not complete where `error` says why.
pub fn write(dir: &Path, triples: Vec<Triple>, error: Option<&str>) {
    let manifest = Manifest::new("test", "test", serde_json::Value::Null);
    let mut writer = ShardWriter::create(dir, false, manifest).unwrap();
    triples.into_iter().try_for_each(|triple| writer.write(triple)).unwrap();
    writer.finish(Vec::new(), BTreeMap::new(), error.map(str::to_owned)).unwrap();
}
