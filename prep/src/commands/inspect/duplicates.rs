//! Texts that occur more than once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::top_texts::{TextCount, TopTexts};
use crate::number_format::{counted, grouped};

/// Finds texts that occur more than once.
///
/// Memory: 16 bytes for each distinct text, of up to eight million, and the texts of the most frequent duplicates. Texts are compared by
/// a 64-bit hash.
#[derive(Debug)]
pub struct DuplicateCounter {
    /// By hash of the text.
    seen: HashMap<u64, SeenText>,
    max_texts: usize,
    report: DuplicateReport,
    copies: TopTexts,
}

#[derive(Debug)]
struct SeenText {
    /// Hash of the spans of its first occurrence.
    spans: u64,
    is_repeated: bool,
}

/// Statistics of texts that occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DuplicateReport {
    /// Distinct texts that occur more than once.
    pub texts: u64,
    /// Occurrences after the first of each text.
    pub copies: u64,
    /// Copies with other spans than the first occurrence.
    pub differing: u64,
    /// Occurrences that were not compared, because there are too many distinct texts.
    #[serde(rename = "unknown")]
    pub not_compared: u64,
    /// The texts with the most occurrences, each with all of them.
    #[serde(rename = "most")]
    pub most_frequent: Vec<TextCount>,
}

impl Default for DuplicateCounter {
    fn default() -> Self {
        Self { seen: HashMap::new(), max_texts: 1 << 23, report: DuplicateReport::default(), copies: TopTexts::with_limit(10_000) }
    }
}

impl DuplicateCounter {
    /// Adds a text, with a hash of its spans.
    pub fn add(&mut self, text: &str, spans: u64) {
        let key = stable_hash(text);
        if let Some(first) = self.seen.get_mut(&key) {
            self.report.texts += u64::from(!std::mem::replace(&mut first.is_repeated, true));
            self.report.copies += 1;
            self.report.differing += u64::from(first.spans != spans);
            self.copies.add(text, 1);
        } else if self.seen.len() < self.max_texts {
            self.seen.insert(key, SeenText { spans, is_repeated: false });
        } else {
            self.report.not_compared += 1;
        }
    }

    /// The statistics.
    pub fn into_report(self) -> DuplicateReport {
        let mut most_frequent = self.copies.into_most_frequent();
        // The first occurrence is no copy.
        most_frequent.iter_mut().for_each(|count| count.count += 1);
        DuplicateReport { most_frequent, ..self.report }
    }
}

/// A hash that is the same in every run.
pub fn stable_hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl std::fmt::Display for DuplicateReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.copies {
            0 => write!(f, "none")?,
            1 => write!(f, "1 copy of 1 text")?,
            copies => write!(f, "{} copies of {}", grouped(copies), counted(self.texts, "text"))?,
        }
        if self.differing > 0 {
            write!(f, ", {} with other spans", grouped(self.differing))?;
        }
        if self.not_compared > 0 {
            write!(f, "; {} not compared", counted(self.not_compared, "text"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted() {
        let mut duplicates = DuplicateCounter { max_texts: 3, ..DuplicateCounter::default() };
        for (text, spans) in [("a", 1), ("b", 1), ("a", 1), ("a", 2), ("c", 0), ("b", 1), ("d", 0), ("d", 0)] {
            duplicates.add(text, spans);
        }
        let report = duplicates.into_report();
        assert_eq!(report.most_frequent[0], TextCount { text: "a".to_owned(), count: 3 });
        assert_eq!(report.to_string(), "3 copies of 2 texts, 1 with other spans; 2 texts not compared");
        assert_eq!(DuplicateReport::default().to_string(), "none");
    }
}
