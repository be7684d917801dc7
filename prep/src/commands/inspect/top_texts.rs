//! The most frequent texts.

use std::collections::HashMap;

use serde::Serialize;

use super::highlight::without_control_chars;
use crate::number_format::grouped;

/// Texts that a report lists.
const REPORT_TEXTS: usize = 30;
/// Texts that a line on a terminal lists.
const TERMINAL_TEXTS: usize = 10;

/// A text and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextCount {
    /// The text.
    pub text: String,
    /// Its occurrences.
    pub count: u64,
}

impl std::fmt::Display for TextCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", without_control_chars(&self.text), grouped(self.count))
    }
}

/// Counts texts to find the most frequent ones.
///
/// Memory: up to `max_texts` distinct texts. Beyond that the rarest are dropped, so that the counts of rare texts may be too low.
#[derive(Debug)]
pub struct TopTexts {
    counts: HashMap<String, u64>,
    max_texts: usize,
}

impl Default for TopTexts {
    /// Up to two million distinct texts.
    fn default() -> Self {
        Self::with_limit(2_000_000)
    }
}

impl TopTexts {
    /// A counter of at most so many distinct texts.
    pub fn with_limit(max_texts: usize) -> Self {
        Self { counts: HashMap::new(), max_texts }
    }

    /// Adds occurrences of a text.
    pub fn add(&mut self, text: &str, count: u64) {
        if let Some(known) = self.counts.get_mut(text) {
            *known += count;
            return;
        }
        let mut rare = 1;
        while self.counts.len() >= self.max_texts {
            self.counts.retain(|_, count| *count > rare);
            rare *= 2;
        }
        self.counts.insert(text.to_owned(), count);
    }

    /// The most frequent texts, in descending order; texts of equal count in the order of their chars.
    pub fn into_most_frequent(self) -> Vec<TextCount> {
        let mut all: Vec<TextCount> = self.counts.into_iter().map(|(text, count)| TextCount { text, count }).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        all.truncate(REPORT_TEXTS);
        all
    }
}

/// The first few counts, in a line.
pub fn first_counts(counts: &[TextCount]) -> String {
    let counts: Vec<String> = counts.iter().take(TERMINAL_TEXTS).map(TextCount::to_string).collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_texts_survive_the_limit() {
        let mut top = TopTexts::with_limit(10);
        for number in 0..1000 {
            top.add("often", 1);
            top.add(&format!("once {number}"), 1);
        }
        assert!(top.counts.len() <= 10);
        assert_eq!(top.into_most_frequent()[0], TextCount { text: "often".to_owned(), count: 1000 });
    }

    #[test]
    fn texts_are_sorted_by_count_and_chars() {
        let mut top = TopTexts::default();
        for text in ["b", "a", "c", "b", "北"] {
            top.add(text, 1);
        }
        assert_eq!(first_counts(&top.into_most_frequent()), "b 2, a 1, c 1, 北 1");
    }
}
