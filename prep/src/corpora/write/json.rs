//! The JSON formats: each element is a line.

use std::collections::BTreeMap;
use std::ops::Range;

use schemas::hf_rows::TaggedSentence;
use schemas::{Origin, Triple};
use serde::Serialize;

use super::token_spans::TokenSpan;
use crate::corpora::tokenization::CorpusTokens;

#[derive(Serialize)]
struct AnnotationElement<'a> {
    doc: &'a str,
    sentence: u32,
    lang: &'a str,
    text: &'a str,
    entities: Vec<AnnotatedEntity<'a>>,
}

#[derive(Serialize)]
struct AnnotatedEntity<'a> {
    start_offset: u32,
    end_offset: u32,
    label: &'a str,
    /// Absent for gold spans, which `prep mrc` makes of all entities.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

/// A sentence with its entities by char, in the layout of doccano. Entities are in order; of equal ranges the label that comes first in
/// the query set is first.
pub fn annotation_tool_element(rows: &[Triple]) -> String {
    let mut entities: Vec<AnnotatedEntity<'_>> = Vec::new();
    for row in rows {
        entities.extend(row.spans.iter().map(|span| AnnotatedEntity {
            start_offset: span.start,
            end_offset: span.end,
            label: &row.label,
            origin: (span.origin != Origin::Gold).then(|| span.origin.name()),
            score: span.score,
        }));
    }
    // A stable sort keeps the order of the labels.
    entities.sort_by_key(|entity| (entity.start_offset, entity.end_offset));
    let Triple { doc, sentence, lang, context, .. } = &rows[0];
    to_json(&AnnotationElement { doc, sentence: *sentence, lang, text: context, entities })
}

#[derive(Serialize)]
struct NestedElement<'a> {
    context: String,
    label: BTreeMap<&'a str, Vec<String>>,
}

/// A sentence with its entities by token.
pub fn nested_element(text: &CorpusTokens<'_>, spans: &[TokenSpan<'_>]) -> String {
    let mut label: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for TokenSpan { row, tokens, .. } in spans {
        label.entry(&row.label).or_default().push(span_position(tokens));
    }
    to_json(&NestedElement { context: text.tokens().join(" "), label })
}

#[derive(Serialize)]
struct MrcJsonElement<'a> {
    context: String,
    query: &'a str,
    entity_label: &'a str,
    start_position: Vec<usize>,
    end_position: Vec<usize>,
    span_position: Vec<String>,
    impossible: bool,
}

/// The elements of a sentence, one for each row, without their `qas_id`, which comes first and numbers the sentences of the file.
pub fn mrc_json_elements(rows: &[Triple], text: &CorpusTokens<'_>, spans: &[TokenSpan<'_>]) -> Vec<String> {
    let element = |row: &Triple| {
        let tokens: Vec<&Range<usize>> = spans.iter().filter(|span| span.row.label == row.label).map(|span| &span.tokens).collect();
        to_json(&MrcJsonElement {
            context: text.tokens().join(" "),
            query: &row.query,
            entity_label: &row.label,
            start_position: tokens.iter().map(|tokens| tokens.start).collect(),
            end_position: tokens.iter().map(|tokens| tokens.end - 1).collect(),
            span_position: tokens.iter().map(|tokens| span_position(tokens)).collect(),
            impossible: tokens.is_empty(),
        })
    };
    rows.iter().map(element).collect()
}

/// A row of a Hugging Face data set, with the names of its tags.
pub fn token_tags_element(sentence: &TaggedSentence) -> String {
    to_json(sentence)
}

/// A range of tokens as BERT-MRC writes it: the end is the last token.
fn span_position(tokens: &Range<usize>) -> String {
    format!("{};{}", tokens.start, tokens.end - 1)
}

fn to_json(element: &impl Serialize) -> String {
    serde_json::to_string(element).expect("elements are plain data")
}
