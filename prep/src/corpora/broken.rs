//! Entities whose tags break their scheme. A row holds no tags, so the manifest keeps these, and `prep export` writes them as they were.

use std::collections::HashMap;

use schemas::{Manifest, Span, Triple};
use serde::{Deserialize, Serialize};

use super::scheme::Scheme;

/// So many are kept; the others come back with sound tags.
const MOST: usize = 10_000;

/// An entity with its tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BrokenEntity {
    /// As in the row.
    doc: String,
    sentence: u32,
    label: String,
    start: u32,
    end: u32,
    /// What stands before the hyphen of each tag, one after the other.
    prefixes: String,
}

/// What the manifest reports of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Broken {
    #[serde(default)]
    broken_tags: Vec<BrokenEntity>,
}

impl Broken {
    /// Adds the entity of a row.
    pub fn add(&mut self, triple: (&str, u32, &str), span: &Span, prefixes: String) {
        let (doc, sentence, label) = (triple.0.to_owned(), triple.1, triple.2.to_owned());
        if self.broken_tags.len() < MOST {
            self.broken_tags.push(BrokenEntity { doc, sentence, label, start: span.start, end: span.end, prefixes });
        }
    }

    /// For the manifest; nothing where there is none.
    pub fn report(&self) -> Option<serde_json::Value> {
        (!self.broken_tags.is_empty()).then(|| serde_json::json!(self))
    }
}

/// Prefixes of tags by doc, sentence, label, start and end.
#[derive(Debug, Default)]
pub struct Prefixes(HashMap<(String, u32, String, u32, u32), String>);

impl Prefixes {
    /// Those that a folder's manifest keeps, if its rows were made of tags of this scheme.
    pub fn of(manifest: &Manifest, scheme: Scheme) -> Self {
        let same = serde_json::to_value(scheme).is_ok_and(|scheme| manifest.config["scheme"] == scheme);
        let report = manifest.report.clone().filter(|_| same);
        let broken: Broken = report.and_then(|report| serde_json::from_value(report).ok()).unwrap_or_default();
        let known = broken.broken_tags.into_iter();
        Self(known.map(|entity| ((entity.doc, entity.sentence, entity.label, entity.start, entity.end), entity.prefixes)).collect())
    }

    /// The prefixes of an answer's tags, where they were no sound ones.
    pub fn get(&self, row: &Triple, span: &Span) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(row.doc.clone(), row.sentence, row.label.clone(), span.start, span.end)).map(String::as_str)
    }
}
