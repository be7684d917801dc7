//! Counts that can be added up part by part.

use std::collections::{BTreeMap, HashMap};

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
        let total: u64 = self.0.values().sum();
        let at = |share: f64| {
            let mut rest = ((total as f64 * share).ceil() as u64).max(1);
            self.0.iter().find_map(|(length, count)| {
                let here = rest <= *count;
                rest = rest.saturating_sub(*count);
                here.then_some(*length)
            })
        };
        let (min, _) = self.0.first_key_value()?;
        let (max, _) = self.0.last_key_value()?;
        Some(Spread { min: *min, median: at(0.5)?, p95: at(0.95)?, max: *max })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "min {}, median {}, p95 {}, max {}", grouped(self.min), grouped(self.median), grouped(self.p95), grouped(self.max))
    }
}

/// A number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `2 rows`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A part of a whole in percent.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
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
    fn numbers_are_grouped() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
