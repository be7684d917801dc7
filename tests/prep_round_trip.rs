//! Annotated corpora through `prep mrc` and `prep export`: they come back as they were.

#![allow(clippy::unwrap_used)]

mod common;
mod corpus_common;

use std::collections::BTreeSet;
use std::fs;

use corpus_common::{Desk, LABELS, mrc};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Tokens of a sentence and its entities by token, half-open.
type Sentence = (Vec<String>, Vec<(usize, usize, &'static str)>);

/// Sentences of words, or of Chinese chars; entities may overlap if they `nest`.
fn corpus(chinese: bool, spaces: bool, nest: bool) -> impl Strategy<Value = Vec<Sentence>> {
    let word = match (chinese, spaces) {
        (true, true) => "[\u{4e00}-\u{4e20}a-c🎉 ]",
        (true, false) => "[\u{4e00}-\u{4e20}a-c🎉]",
        _ => "\\PC{1,5}",
    };
    let word = word.prop_map(move |word| {
        let word: String = word.chars().filter(|char| spaces || !char.is_whitespace()).collect();
        if word.is_empty() { "Ödön".to_owned() } else { word }
    });
    let words = proptest::collection::vec(word, 1..12);
    let sentence = (words, proptest::collection::vec((0usize..12, 1usize..5, 0usize..2), 0..5)).prop_map(move |(words, cuts)| {
        let mut entities = BTreeSet::new();
        for (start, length, label) in cuts {
            let end = start + length;
            let free = nest || entities.iter().all(|&(other, after, _)| end <= other || after <= start);
            if end <= words.len() && !words[start..end].concat().trim().is_empty() && free {
                entities.insert((start, end, LABELS[label].0));
            }
        }
        (words, entities.into_iter().collect())
    });
    proptest::collection::vec(sentence, 1..20)
}

fn conll(corpus: &[Sentence], scheme: &str) -> String {
    let mut text = String::new();
    for (words, entities) in corpus {
        for (at, word) in words.iter().enumerate() {
            let tag = entities.iter().find(|(start, end, _)| (*start..*end).contains(&at)).map(|&(start, end, label)| {
                let prefix = match (scheme, at == start, at + 1 == end) {
                    ("bmes" | "bieos", true, true) => "S",
                    (_, true, _) => "B",
                    ("bmes" | "bieos", _, true) => "E",
                    ("bmes", ..) => "M",
                    _ => "I",
                };
                format!("{prefix}-{label}")
            });
            text += &format!("{word}\t{}\n", tag.as_deref().unwrap_or("O"));
        }
        text.push('\n');
    }
    text
}

/// The spans of a label, as the JSON formats write them.
fn pairs(entities: &[(usize, usize, &str)], label: &str) -> Vec<String> {
    entities.iter().filter(|(.., of)| *of == label).map(|(start, end, _)| format!("{start};{}", end - 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conll_comes_back(corpus in corpus(false, false, false), scheme in 0usize..3) {
        let scheme = ["bio", "bmes", "bieos"][scheme];
        let text = conll(&corpus, scheme);
        let desk = Desk::new();
        desk.mrc(&text, &["--lang", "en", "--format", "conll", "--strict"]).ok();
        prop_assert_eq!(desk.export(&["--format", "conll", "--scheme", scheme]).ok().stdout, text);
    }

    #[test]
    fn chinese_conll_comes_back(corpus in corpus(true, true, false), scheme in 0usize..3) {
        let scheme = ["bio", "bmes", "bieos"][scheme];
        let text = conll(&corpus, scheme);
        let desk = Desk::new();
        desk.mrc(&text, &["--lang", "zh", "--strict"]).ok();
        prop_assert_eq!(desk.export(&["--format", "conll", "--scheme", scheme]).ok().stdout, text);
    }

    /// Tags that break the scheme in any way are written as they were.
    #[test]
    fn broken_tags_come_back(tags in proptest::collection::vec((0usize..5, 0usize..2), 1..30)) {
        let tag = |&(prefix, label): &(usize, usize)| match ["B", "I", "E", "S", ""][prefix] {
            "" => "O".to_owned(),
            prefix => format!("{prefix}-{}", LABELS[label].0),
        };
        let lines: Vec<String> = tags.iter().map(|tag_of| format!("word\t{}\n", tag(tag_of))).collect();
        let text: String = lines.chunks(7).map(|sentence| sentence.concat() + "\n").collect();
        let desk = Desk::new();
        desk.mrc(&text, &["--lang", "en", "--format", "conll", "--scheme", "bieos", "--strict"]).ok();
        prop_assert_eq!(desk.export(&["--format", "conll", "--scheme", "bieos"]).ok().stdout, text);
        // In another scheme there is nothing to be kept.
        prop_assert!(!desk.export(&["--format", "conll", "--scheme", "bmes"]).ok().stdout.contains("\tI-"));
    }

    #[test]
    fn nested_comes_back(corpus in corpus(false, false, true)) {
        let elements = corpus.iter().map(|(words, entities)| {
            let labels = LABELS.map(|(label, _)| (label.to_owned(), json!(pairs(entities, label))));
            let labels: serde_json::Map<String, Value> = labels.into_iter().filter(|(_, spans)| *spans != json!([])).collect();
            json!({"context": words.join(" "), "label": labels})
        });
        let text = Value::Array(elements.collect());
        let desk = Desk::new();
        desk.mrc(&text.to_string(), &["--lang", "en", "--strict"]).ok();
        let back: Value = serde_json::from_str(&desk.export(&["--format", "nested"]).ok().stdout).unwrap();
        prop_assert_eq!(back, text);
    }

    #[test]
    fn mrc_json_comes_back(chinese in any::<bool>(), (words, chars) in (corpus(false, false, true), corpus(true, false, true))) {
        let corpus = if chinese { chars } else { words };
        let elements = corpus.iter().enumerate().flat_map(|(number, (words, entities))| {
            LABELS.iter().enumerate().map(move |(at, (label, query))| {
                let own: Vec<_> = entities.iter().filter(|(.., of)| of == label).collect();
                json!({
                    "qas_id": format!("{number}.{}", at + 1),
                    "context": words.join(" "),
                    "query": query,
                    "entity_label": label,
                    "start_position": own.iter().map(|(start, ..)| *start).collect::<Vec<_>>(),
                    "end_position": own.iter().map(|(_, end, _)| end - 1).collect::<Vec<_>>(),
                    "span_position": pairs(entities, label),
                    "impossible": own.is_empty(),
                })
            })
        });
        let text = Value::Array(elements.collect());
        let desk = Desk::new();
        desk.mrc_only(&text.to_string(), &["--lang", if chinese { "zh" } else { "en" }, "--strict"]).ok();
        let back: Value = serde_json::from_str(&desk.export(&["--format", "mrc-json"]).ok().stdout).unwrap();
        prop_assert_eq!(back, text);
    }

    #[test]
    fn jsonl_comes_back(texts in proptest::collection::vec(("(\\PC|[\n\t ]){1,40}", proptest::collection::vec((0usize..40, 1usize..9, 0usize..2), 0..5)), 1..20)) {
        let lines = texts.iter().filter(|(text, _)| !text.trim().is_empty()).enumerate().map(|(number, (text, cuts))| {
            let chars: Vec<char> = text.chars().collect();
            let sound = cuts.iter().filter(|(start, length, _)| {
                let end = start + length;
                end <= chars.len() && !chars[*start..end].iter().all(|char| char.is_whitespace())
            });
            let entities: BTreeSet<_> = sound.map(|&(start, length, label)| (start, start + length, label)).collect();
            let entities = entities.into_iter().map(|(start, end, label)| json!({"start_offset": start, "end_offset": end, "label": LABELS[label].0}));
            json!({"doc": "corpus", "sentence": number, "lang": "en", "text": text, "entities": entities.collect::<Vec<_>>()})
        });
        let lines: Vec<Value> = lines.collect();
        prop_assume!(!lines.is_empty());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let desk = Desk::new();
        desk.mrc(&text, &["--lang", "en", "--strict"]).ok();
        let back = desk.export(&["--format", "jsonl"]).ok().stdout;
        let back: Vec<Value> = back.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(back, lines);
    }
}

mod shared_data {
    use super::*;

    #[test]
    #[ignore = "needs ../shared/data: real dumps, gazetteers and corpora in a folder beside the project's"]
    fn corpora_come_back() {
        for (file, queries, scheme) in [
            ("ecommerce/train.txt.bieos", "zh_ecommerce", "bieos"),
            ("ecommerce/dev.txt.bieos", "zh_ecommerce", "bieos"),
            ("ecommerce/test.txt.bieos", "zh_ecommerce", "bieos"),
            ("wnut17/wnut17train.conll", "en_wnut17", "bio"),
            ("wnut17/emerging.dev.conll", "en_wnut17", "bio"),
            ("wnut17/emerging.test.annotated", "en_wnut17", "bio"),
        ] {
            let path = common::shared_data(&format!("ner/{file}"));
            let desk = Desk::new();
            mrc(&path, &desk.out(), &["--queries", queries, "-q", "--strict"]).ok();
            let back = desk.export(&["--format", "conll", "--scheme", scheme]).ok().stdout;
            let original = fs::read_to_string(&path).unwrap();
            let lines = |text: &str| -> Vec<(String, String)> {
                let lines = text.trim_end().lines().map(|line| line.split_once('\t').unwrap_or_default());
                lines.map(|(token, tag)| (token.to_owned(), tag.trim().to_owned())).collect()
            };
            let (original, back) = (lines(&original), lines(&back));
            assert_eq!(original.len(), back.len(), "{file}");
            let lines = original.iter().zip(&back).enumerate().filter(|(_, (original, back))| original != back);
            let differs: Vec<(usize, &str, &str)> = lines.map(|(at, (one, two))| (at + 1, one.1.as_str(), two.1.as_str())).collect();
            assert_eq!(differs, [], "{file}");
        }
    }
}
