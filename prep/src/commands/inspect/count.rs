//! Counts that can be added up part by part.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::number_format::{counted, grouped};
use serde::Serialize;

/// A text and how often it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The text.
    pub text: String,
    /// How often.
    pub count: u64,
}

/// How often each of many texts comes, to tell the most frequent ones.
///
/// Memory: `limit` distinct texts. Beyond, the rarest are forgotten, so that counts near the bottom may be too low.
#[derive(Debug)]
pub struct Top {
    counts: HashMap<String, u64>,
    limit: usize,
}

impl Default for Top {
    fn default() -> Self {
        Self { counts: HashMap::new(), limit: 2_000_000 }
    }
}

impl Top {
    /// Adds to the count of a text.
    pub fn add(&mut self, text: &str, count: u64) {
        if let Some(known) = self.counts.get_mut(text) {
            *known += count;
            return;
        }
        let mut rare = 1;
        while self.counts.len() >= self.limit {
            self.counts.retain(|_, count| *count > rare);
            rare *= 2;
        }
        self.counts.insert(text.to_owned(), count);
    }

    /// The `count` most frequent texts; of equal ones the first by their chars.
    pub fn first(self, count: usize) -> Vec<Count> {
        let mut all: Vec<Count> = self.counts.into_iter().map(|(text, count)| Count { text, count }).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        all.truncate(count);
        all
    }
}

/// How often each length comes.
#[derive(Debug, Default)]
pub struct Lengths(BTreeMap<u64, u64>);

/// What is shown of lengths; percentiles are lengths that come, not means of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The shortest.
    pub min: u64,
    /// As many are longer as are shorter.
    pub median: u64,
    /// One in twenty is longer.
    pub p95: u64,
    /// The longest.
    pub max: u64,
}

impl Lengths {
    /// Counts a length several times.
    pub fn add(&mut self, length: u64, count: u64) {
        *self.0.entry(length).or_default() += count;
    }

    /// The spread; nothing where nothing was counted.
    pub fn spread(&self) -> Option<Spread> {
        let (min, _) = self.0.first_key_value()?;
        let (max, _) = self.0.last_key_value()?;
        Some(Spread { min: *min, median: self.at(0.5)?, p95: self.at(0.95)?, max: *max })
    }
}

/// Some lengths that follow each other and how often they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// The shortest.
    pub from: u64,
    /// The longest.
    pub to: u64,
    /// How often.
    pub count: u64,
}

impl Lengths {
    /// A histogram: at most `most` bins of a round width, and one for the longest hundredth where it would need more.
    pub fn bins(&self, most: u64) -> Vec<Bin> {
        let (Some((&first, _)), Some((&last, _))) = (self.0.first_key_value(), self.0.last_key_value()) else { return Vec::new() };
        let high = self.at(0.99).unwrap_or(last);
        let widths = (0..19).flat_map(|power| [1, 2, 5].map(|step| step * 10u64.pow(power)));
        let width = widths.into_iter().find(|width| high / width - first / width < most).unwrap_or(u64::MAX);
        let tail = (high / width + 1).saturating_mul(width);
        let mut bins: Vec<Bin> =
            (first / width..=high / width).map(|at| Bin { from: at * width, to: at * width + (width - 1), count: 0 }).collect();
        if last >= tail {
            bins.push(Bin { from: tail, to: last, count: 0 });
        }
        for (&length, &count) in &self.0 {
            let at = ((length / width - first / width) as usize).min(bins.len() - 1);
            bins[at].count += count;
        }
        bins
    }

    /// The length that this share of all is no longer than; nothing where nothing was counted.
    fn at(&self, share: f64) -> Option<u64> {
        let total: u64 = self.0.values().sum();
        let mut rest = ((total as f64 * share).ceil() as u64).max(1);
        self.0.iter().find_map(|(length, count)| {
            let here = rest <= *count;
            rest = rest.saturating_sub(*count);
            here.then_some(*length)
        })
    }
}

/// Texts that come more than once.
///
/// Memory: 16 bytes a distinct text up to `limit` of them, and the texts of the most frequent copies. Texts are told apart by a hash
/// of 64 bits.
#[derive(Debug)]
pub struct Duplicates {
    /// What the first one says, and whether another came.
    seen: HashMap<u64, (u64, bool)>,
    limit: usize,
    report: DuplicateReport,
    copies: Top,
}

/// What is shown of texts that come more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DuplicateReport {
    /// Distinct texts that come more than once.
    pub texts: u64,
    /// Texts beyond the first of each.
    pub copies: u64,
    /// Copies with other answers than the first.
    pub differing: u64,
    /// Texts that were not looked at: there are too many distinct ones.
    pub unknown: u64,
    /// Those with the most copies, the first counted too.
    pub most: Vec<Count>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self { seen: HashMap::new(), limit: 1 << 23, report: DuplicateReport::default(), copies: Top { limit: 10_000, ..Top::default() } }
    }
}

impl Duplicates {
    /// Takes in a text and a hash of what is said of it.
    pub fn add(&mut self, text: &str, answers: u64) {
        let key = hash(text);
        if let Some((first, again)) = self.seen.get_mut(&key) {
            self.report.texts += u64::from(!std::mem::replace(again, true));
            self.report.copies += 1;
            self.report.differing += u64::from(*first != answers);
            self.copies.add(text, 1);
        } else if self.seen.len() < self.limit {
            self.seen.insert(key, (answers, false));
        } else {
            self.report.unknown += 1;
        }
    }

    /// What was found, with so many of the texts.
    pub fn report(self, shown: usize) -> DuplicateReport {
        let mut most = self.copies.first(shown);
        most.iter_mut().for_each(|count| count.count += 1);
        DuplicateReport { most, ..self.report }
    }
}

impl std::fmt::Display for DuplicateReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.copies {
            0 => write!(f, "none")?,
            copies => write!(f, "{} of {}", counted_copies(copies), counted(self.texts, "text"))?,
        }
        if self.differing > 0 {
            write!(f, ", {} with other answers", grouped(self.differing))?;
        }
        if self.unknown > 0 {
            write!(f, "; {} not looked at", counted(self.unknown, "text"))?;
        }
        Ok(())
    }
}

fn counted_copies(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "copy" } else { "copies" })
}

/// A hash that is the same in every run.
pub fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "min {}, median {}, p95 {}, max {}", grouped(self.min), grouped(self.median), grouped(self.p95), grouped(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_survive_the_limit() {
        let mut top = Top { limit: 10, ..Top::default() };
        for number in 0..1000 {
            top.add("often", 1);
            top.add(&format!("once {number}"), 1);
        }
        assert!(top.counts.len() <= 10);
        assert_eq!(top.first(1), [Count { text: "often".to_owned(), count: 1000 }]);
    }

    #[test]
    fn spreads() {
        let spread = |lengths: &[(u64, u64)]| {
            let mut all = Lengths::default();
            lengths.iter().for_each(|&(length, count)| all.add(length, count));
            all.spread().map(|spread| (spread.min, spread.median, spread.p95, spread.max))
        };
        for (lengths, expected) in [
            (&[][..], None),
            (&[(7, 1)], Some((7, 7, 7, 7))),
            (&[(1, 2), (2, 2)], Some((1, 1, 2, 2))),
            (&[(1, 50), (5, 45), (9, 5)], Some((1, 1, 5, 9))),
            (&[(1, 50), (5, 44), (9, 6)], Some((1, 1, 9, 9))),
        ] {
            assert_eq!(spread(lengths), expected, "{lengths:?}");
        }
    }

    #[test]
    fn histograms() {
        let bins = |lengths: &[(u64, u64)]| {
            let mut all = Lengths::default();
            lengths.iter().for_each(|&(length, count)| all.add(length, count));
            let bins: Vec<String> = all.bins(4).iter().map(|bin| format!("{}-{}:{}", bin.from, bin.to, bin.count)).collect();
            bins.join(" ")
        };
        for (lengths, expected) in [
            (&[][..], ""),
            (&[(7, 3)], "7-7:3"),
            (&[(0, 1), (3, 2)], "0-0:1 1-1:0 2-2:0 3-3:2"),
            (&[(1, 1), (5, 2)], "0-1:1 2-3:0 4-5:2"),
            (&[(12, 1), (48, 1)], "10-19:1 20-29:0 30-39:0 40-49:1"),
            (&[(1, 500), (3, 500), (9000, 1)], "1-1:500 2-2:0 3-3:500 4-9000:1"),
        ] {
            assert_eq!(bins(lengths), expected, "{lengths:?}");
        }
    }

    #[test]
    fn copies_are_counted() {
        let mut duplicates = Duplicates { limit: 3, ..Duplicates::default() };
        for (text, answers) in [("a", 1), ("b", 1), ("a", 1), ("a", 2), ("c", 0), ("b", 1), ("d", 0), ("d", 0)] {
            duplicates.add(text, answers);
        }
        let report = duplicates.report(1);
        assert_eq!(report.most, [Count { text: "a".to_owned(), count: 3 }]);
        assert_eq!(report.to_string(), "3 copies of 2 texts, 1 with other answers; 2 texts not looked at");
        assert_eq!(DuplicateReport::default().to_string(), "none");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
