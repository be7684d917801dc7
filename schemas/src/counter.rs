//! Counters that add up: what came in, what went out, what was skipped and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A count of items of one kind, such as pages or sentences. Invariant: `in = out + skipped`.
///
/// ```
/// let mut sentences = schemas::Counter::default();
/// sentences.keep();
/// sentences.skip("too long");
/// assert!(sentences.adds_up());
/// assert_eq!(sentences.to_string(), "2 in, 1 out, 1 skipped (too long 1)");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Items seen.
    #[serde(rename = "in")]
    pub seen: u64,
    /// Items kept.
    pub out: u64,
    /// Items skipped, by reason.
    #[serde(default)]
    pub skipped: BTreeMap<String, u64>,
}

impl Counter {
    /// Counts an item that is kept.
    pub fn keep(&mut self) {
        self.seen += 1;
        self.out += 1;
    }

    /// Counts an item that is skipped.
    pub fn skip(&mut self, reason: &str) {
        self.seen += 1;
        if let Some(count) = self.skipped.get_mut(reason) {
            *count += 1;
        } else {
            self.skipped.insert(reason.to_owned(), 1);
        }
    }

    /// Adds another counter of the same kind of item.
    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.out += other.out;
        for (reason, count) in &other.skipped {
            *self.skipped.entry(reason.clone()).or_default() += count;
        }
    }

    /// Whether every item seen was kept or skipped for a reason.
    pub fn adds_up(&self) -> bool {
        self.seen == self.out + self.skipped.values().sum::<u64>()
    }
}

impl std::fmt::Display for Counter {
    /// `206 in, 205 out, 1 skipped (other model 1)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in, {} out", self.seen, self.out)?;
        if self.skipped.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self.skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        write!(f, ", {} skipped ({})", self.skipped.values().sum::<u64>(), reasons.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_adds_up() {
        let mut counter = Counter::default();
        counter.keep();
        counter.skip("empty");
        counter.skip("empty");
        let mut total = Counter::default();
        total.add(&counter);
        total.add(&counter);
        assert!(total.adds_up());
        assert_eq!(total.to_string(), "6 in, 2 out, 4 skipped (empty 4)");
        total.seen += 1;
        assert!(!total.adds_up());
    }
}
