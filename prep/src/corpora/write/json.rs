//! The JSON formats, an element a line.

use std::collections::BTreeMap;
use std::ops::Range;

use schemas::{Origin, Span, Triple};
use serde::Serialize;

use super::tokens::{Spans, Tokens};

#[derive(Serialize)]
struct Line<'a> {
    doc: &'a str,
    sentence: u32,
    lang: &'a str,
    text: &'a str,
    entities: Vec<Entity<'a>>,
}

#[derive(Serialize)]
struct Entity<'a> {
    start_offset: u32,
    end_offset: u32,
    label: &'a str,
    /// Gold is what `prep mrc` makes of them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

/// A sentence with its entities by char, as doccano has it.
pub fn line(rows: &[Triple]) -> String {
    let mut entities: Vec<Entity<'_>> = Vec::new();
    for row in rows {
        entities.extend(row.spans.iter().map(|span| Entity {
            start_offset: span.start,
            end_offset: span.end,
            label: &row.label,
            origin: (span.origin != Origin::Gold).then(|| span.origin.name()),
            score: span.score,
        }));
    }
    // Stable: of equal spans the label that comes first in the set.
    entities.sort_by_key(|entity| (entity.start_offset, entity.end_offset));
    let Triple { doc, sentence, lang, context, .. } = &rows[0];
    json(&Line { doc, sentence: *sentence, lang, text: context, entities })
}

#[derive(Serialize)]
struct Nested<'a> {
    context: String,
    label: BTreeMap<&'a str, Vec<String>>,
}

/// A sentence with its entities by token.
pub fn nested(tokens: &Tokens<'_>, spans: Spans<'_>) -> String {
    let mut label: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (row, _, range) in spans {
        label.entry(&row.label).or_default().push(pair(range));
    }
    json(&Nested { context: tokens.texts().join(" "), label })
}

#[derive(Serialize)]
struct Element<'a> {
    qas_id: String,
    context: String,
    query: &'a str,
    entity_label: &'a str,
    start_position: Vec<usize>,
    end_position: Vec<usize>,
    span_position: Vec<String>,
    impossible: bool,
}

/// The element of each row of a sentence; `number` counts the sentences of the file.
pub fn mrc<'a>(rows: &'a [Triple], tokens: &'a Tokens<'_>, spans: Spans<'a>, number: u64) -> impl Iterator<Item = String> + 'a {
    rows.iter().enumerate().map(move |(at, row)| {
        let own: Vec<&(&Triple, &Span, Range<usize>)> = spans.iter().filter(|(other, ..)| other.label == row.label).collect();
        json(&Element {
            qas_id: format!("{number}.{}", at + 1),
            context: tokens.texts().join(" "),
            query: &row.query,
            entity_label: &row.label,
            start_position: own.iter().map(|(.., range)| range.start).collect(),
            end_position: own.iter().map(|(.., range)| range.end - 1).collect(),
            span_position: own.iter().map(|(.., range)| pair(range)).collect(),
            impossible: own.is_empty(),
        })
    })
}

fn pair(range: &Range<usize>) -> String {
    format!("{};{}", range.start, range.end - 1)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("an element is plain data")
}
