//! Scores of spans that went through word pieces, against those of seqeval on the tags of the same tokens.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::{Origin, Span, Triple};
use serde::Deserialize;

use super::*;
use crate::data::{TripleEncoder, WordCounts};
use crate::metric::MatchCounts;

/// A case of `fixtures/golden/seqeval_scripts.json`.
#[derive(Deserialize)]
struct Case {
    script: String,
    micro: Golden,
    labels: BTreeMap<String, Golden>,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Golden {
    precision: f64,
    recall: f64,
    f1: f64,
    support: u64,
}

#[derive(Deserialize)]
struct Sentence {
    tokens: Vec<String>,
    gold: Vec<String>,
    predicted: Vec<String>,
}

/// The triple of a label, with the entities of BIO tags as its spans.
fn triple(tokens: &[String], tags: &[String], label: &str) -> Triple {
    let mut context = String::new();
    let (mut chars, mut spans) = (0u32, Vec::<Span>::new());
    for (token, tag) in tokens.iter().zip(tags) {
        if !context.is_empty() {
            context.push(' ');
            chars += 1;
        }
        let start = chars;
        context.push_str(token);
        chars += token.chars().count() as u32;
        if *tag == format!("B-{label}") {
            spans.push(Span { start, end: chars, text: String::new(), origin: Origin::Gold, score: None });
        } else if *tag == format!("I-{label}") {
            spans.last_mut().unwrap().end = chars;
        }
    }
    for span in &mut spans {
        span.text = char_slice(&context, span.start, span.end).unwrap().to_owned();
    }
    Triple { label: label.to_owned(), query: "who".to_owned(), impossible: spans.is_empty(), context, spans, ..Triple::default() }
}

/// The tags that a model predicts are labels of word pieces; spans of these are compared with gold spans, which never were any.
#[test]
fn scores_equal_those_of_seqeval_in_any_script() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/seqeval_scripts.json");
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 5);
    for (case, lowercase) in cases.iter().flat_map(|case| [(case, false), (case, true)]) {
        let mut words = WordCounts::new(lowercase);
        case.sentences.iter().for_each(|sentence| words.add(&sentence.tokens.join(" ")).unwrap());
        let tokenizer = WordPieceTokenizer::learn(&words).unwrap();
        let triples = |tags: fn(&Sentence) -> &[String]| -> Vec<Triple> {
            let sentences = case.sentences.iter();
            sentences.flat_map(|sentence| case.labels.keys().map(move |label| triple(&sentence.tokens, tags(sentence), label))).collect()
        };
        let encoder = TripleEncoder::new(&tokenizer, 256);
        let gold = encoder.encode(&triples(|sentence| &sentence.gold)).unwrap();
        let predicted = encoder.encode(&triples(|sentence| &sentence.predicted)).unwrap();
        let pieces = |sequence: &crate::data::Sequence| {
            let span = |&(first, last): &(u32, u32)| WordPieceSpan { first: first as usize, last: last as usize, score: 0.9 };
            sequence.answers.iter().map(span).collect()
        };
        let spans = join_sequences(&predicted, predicted.sequences.iter().map(pieces).collect(), false);
        let mut scores = Scores::default();
        add_scores(&mut scores, &gold, &spans);
        let check = |ours: &MatchCounts, golden: &Golden, name: &str| {
            let (found, expected) = ([ours.precision(), ours.recall(), ours.f1()], [golden.precision, golden.recall, golden.f1]);
            // Both are quotients of the same whole numbers, in 64 bits.
            let is_equal = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12);
            assert!(is_equal && ours.support == golden.support, "{} {name}, lower case {lowercase}: {ours:?}", case.script);
        };
        check(&scores.micro(), &case.micro, "micro avg");
        case.labels.iter().for_each(|(label, golden)| check(&scores.labels[label], golden, label));
    }
}
