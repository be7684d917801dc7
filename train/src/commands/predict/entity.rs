//! The entities of a text, gathered from its triples.

use schemas::{Span, Triple};

/// A predicted entity of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedEntity<'a> {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// Its label.
    pub label: &'a str,
    /// The text between.
    pub text: &'a str,
    /// The model's confidence, from 0 to 1.
    pub score: Option<f32>,
    /// Index of its label in the query set.
    pub label_index: usize,
}

/// The entities of all labels in a text's triples, by start, of equal ones the longest first.
pub fn predicted_entities(triples: &[Triple]) -> Vec<PredictedEntity<'_>> {
    let mut entities: Vec<PredictedEntity<'_>> = triples
        .iter()
        .enumerate()
        .flat_map(|(label_index, triple)| {
            triple.spans.iter().map(move |Span { start, end, text, score, .. }| PredictedEntity {
                start: *start,
                end: *end,
                label: &triple.label,
                text,
                score: *score,
                label_index,
            })
        })
        .collect();
    entities.sort_by_key(|entity| (entity.start, std::cmp::Reverse(entity.end)));
    entities
}
