//! Entities whose tags violate their scheme. A triple holds no tags, so the manifest keeps those, and an export in the same scheme writes
//! them back.

use std::collections::HashMap;

use schemas::{Manifest, Span, Triple};
use serde::{Deserialize, Serialize};

use super::scheme::TaggingScheme;

/// Entities that a manifest lists at most. Further ones are exported with tags that follow the scheme.
const MAX_LISTED: usize = 10_000;

/// An entity with the tags it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ViolatingEntity {
    doc: String,
    sentence: u32,
    label: String,
    start: u32,
    end: u32,
    /// The prefix of each of its tags.
    prefixes: String,
}

/// The list of violating entities, as the `report` of a manifest keeps it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SchemeViolations {
    #[serde(default, rename = "broken_tags")]
    entities: Vec<ViolatingEntity>,
}

impl SchemeViolations {
    /// Adds the entity of a span, with its document, sentence number and label.
    pub fn add(&mut self, (doc, sentence, label): (&str, u32, &str), span: &Span, prefixes: String) {
        if self.entities.len() < MAX_LISTED {
            let (doc, label) = (doc.to_owned(), label.to_owned());
            self.entities.push(ViolatingEntity { doc, sentence, label, start: span.start, end: span.end, prefixes });
        }
    }

    /// Appends the entities of sentences that follow.
    pub fn append(&mut self, other: Self) {
        self.entities.extend(other.entities);
        self.entities.truncate(MAX_LISTED);
    }

    /// The report of a manifest; `None` where there is no violation.
    pub fn report(&self) -> Option<serde_json::Value> {
        (!self.entities.is_empty()).then(|| serde_json::json!(self))
    }
}

/// The original tags of violating entities, to be looked up by span.
#[derive(Debug, Default)]
pub struct OriginalPrefixes(HashMap<(String, u32, String, u32, u32), String>);

impl OriginalPrefixes {
    /// Reads the report of a manifest. Empty where its rows were not made of tags of this scheme.
    pub fn from_manifest(manifest: &Manifest, scheme: TaggingScheme) -> Self {
        let is_same_scheme = serde_json::to_value(scheme).is_ok_and(|scheme| manifest.config["scheme"] == scheme);
        let report = manifest.report.clone().filter(|_| is_same_scheme);
        let violations: SchemeViolations = report.and_then(|report| serde_json::from_value(report).ok()).unwrap_or_default();
        let entry = |entity: ViolatingEntity| ((entity.doc, entity.sentence, entity.label, entity.start, entity.end), entity.prefixes);
        Self(violations.entities.into_iter().map(entry).collect())
    }

    /// The prefixes of a span's tags, if they violated the scheme.
    pub fn get(&self, row: &Triple, span: &Span) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(row.doc.clone(), row.sentence, row.label.clone(), span.start, span.end)).map(String::as_str)
    }
}
