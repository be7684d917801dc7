//! Strict scores of entities: a prediction is correct when label, start and end all equal those of a gold entity.
//!
//! Spans are compared in chars of their context. On flat entities the numbers are those of `seqeval` in strict mode
//! (`classification_report(..., mode="strict")`), micro average included.
//!
//! ```
//! use train::metric::MatchCounts;
//!
//! let mut counts = MatchCounts::default();
//! // Of three predictions one matches; one ends a char late, one is made up.
//! counts.add(&[(0, 4), (5, 9), (12, 13)], &[(0, 4), (5, 8)]);
//! assert_eq!((counts.correct, counts.predicted, counts.support), (1, 3, 2));
//! assert_eq!((counts.precision(), counts.recall(), counts.f1()), (1.0 / 3.0, 0.5, 0.4));
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Numbers of predicted, gold and correct spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchCounts {
    /// Spans that are predicted and gold (true positives).
    pub correct: u64,
    /// Predicted spans.
    pub predicted: u64,
    /// Gold spans.
    pub support: u64,
}

impl MatchCounts {
    /// Adds the spans of one context and label, `[start, end)` each. One that is there twice counts once.
    pub fn add(&mut self, predicted: &[(u32, u32)], gold: &[(u32, u32)]) {
        let (predicted, gold): (BTreeSet<_>, BTreeSet<_>) = (predicted.iter().collect(), gold.iter().collect());
        self.correct += predicted.intersection(&gold).count() as u64;
        self.predicted += predicted.len() as u64;
        self.support += gold.len() as u64;
    }

    /// Share of the predicted spans that are correct; 0 where nothing is predicted.
    pub fn precision(&self) -> f64 {
        ratio(self.correct, self.predicted)
    }

    /// Share of the gold spans that are found; 0 where there are none.
    pub fn recall(&self) -> f64 {
        ratio(self.correct, self.support)
    }

    /// Harmonic mean of precision and recall; 0 where nothing is predicted and nothing is gold.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.correct, self.predicted + self.support)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Scores of a dataset by label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Counts of each label.
    pub labels: BTreeMap<String, MatchCounts>,
}

impl Scores {
    /// Counts of all labels together: their scores are the micro average.
    pub fn micro(&self) -> MatchCounts {
        self.labels.values().fold(MatchCounts::default(), |sum, counts| MatchCounts {
            correct: sum.correct + counts.correct,
            predicted: sum.predicted + counts.predicted,
            support: sum.support + counts.support,
        })
    }

    /// As JSON: `precision`, `recall`, `f1`, `support`, `predicted` and `correct` of the micro average, and the same for each
    /// label under `labels`.
    pub fn to_json(&self) -> serde_json::Value {
        let one = |counts: &MatchCounts| {
            serde_json::json!({
                "precision": counts.precision(),
                "recall": counts.recall(),
                "f1": counts.f1(),
                "support": counts.support,
                "predicted": counts.predicted,
                "correct": counts.correct,
            })
        };
        let mut json = one(&self.micro());
        json["labels"] = self.labels.iter().map(|(label, counts)| (label.clone(), one(counts))).collect::<serde_json::Map<_, _>>().into();
        json
    }
}

impl fmt::Display for Scores {
    /// A table like that of `seqeval`: a line for each label, and one for the micro average.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.labels.keys().map(|label| label.chars().count()).chain([9]).max().unwrap_or(9);
        writeln!(f, "{:width$}  precision  recall      f1  support", "label")?;
        let mut line = |label: &str, counts: &MatchCounts| {
            let (precision, recall, f1) = (counts.precision(), counts.recall(), counts.f1());
            writeln!(f, "{label:width$}  {precision:9.4}  {recall:6.4}  {f1:6.4}  {:7}", counts.support)
        };
        for (label, counts) in &self.labels {
            line(label, counts)?;
        }
        line("micro avg", &self.micro())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_boundaries_must_match() {
        let mut counts = MatchCounts::default();
        counts.add(&[(0, 4), (5, 9), (12, 13)], &[(0, 4), (5, 8), (20, 22)]);
        assert_eq!(counts, MatchCounts { correct: 1, predicted: 3, support: 3 });
        counts.add(&[], &[]);
        counts.add(&[], &[(1, 2)]);
        let mut twice = MatchCounts::default();
        twice.add(&[(0, 1), (0, 1)], &[(0, 1), (0, 1), (2, 3)]);
        assert_eq!(twice, MatchCounts { correct: 1, predicted: 1, support: 2 });
        assert_eq!((counts.precision(), counts.recall(), counts.f1()), (1.0 / 3.0, 0.25, 2.0 / 7.0));
    }

    #[test]
    fn the_micro_average_sums_counts() {
        assert_eq!(Scores::default().micro().f1(), 0.0, "no labels");
        let counts = |correct, predicted, support| MatchCounts { correct, predicted, support };
        let scores = Scores { labels: [("LOC".to_owned(), counts(1, 2, 2)), ("PER".to_owned(), counts(3, 3, 4))].into() };
        assert_eq!(scores.micro(), counts(4, 5, 6));
        insta::assert_snapshot!(scores.to_string(), @r"
        label      precision  recall      f1  support
        LOC           0.5000  0.5000  0.5000        2
        PER           1.0000  0.7500  0.8571        4
        micro avg     0.8000  0.6667  0.7273        6
        ");
    }

    /// Label, start and end.
    type Entity<'a> = (&'a str, u32, u32);

    /// Sentences as gold and predicted entities; expected are precision, recall, F1 and support by label.
    #[track_caller]
    fn check(sentences: &[(&[Entity<'_>], &[Entity<'_>])], expected: &[(&str, f64, f64, f64, u64)]) {
        let mut scores = Scores::default();
        for (gold, predicted) in sentences {
            let labels: std::collections::BTreeSet<&str> = gold.iter().chain(*predicted).map(|(label, ..)| *label).collect();
            for label in labels {
                let spans = |entities: &[Entity<'_>]| -> Vec<(u32, u32)> {
                    entities.iter().filter(|(of, ..)| *of == label).map(|&(_, start, end)| (start, end)).collect()
                };
                scores.labels.entry(label.to_owned()).or_default().add(&spans(predicted), &spans(gold));
            }
        }
        for &(label, precision, recall, f1, support) in expected {
            let counts = if label == "micro" { scores.micro() } else { scores.labels[label] };
            let found = [counts.precision(), counts.recall(), counts.f1()];
            assert!(found.iter().zip([precision, recall, f1]).all(|(a, b)| (a - b).abs() < 1e-12), "{label}: {found:?}");
            assert_eq!(counts.support, support, "{label}");
        }
    }

    #[test]
    fn scores_equal_hand_counted_ones() {
        // The example of seqeval's documentation: B-MISC starts a token early.
        let sentences: [(&[_], &[_]); 2] = [(&[("MISC", 3, 6)], &[("MISC", 2, 6)]), (&[("PER", 0, 2)], &[("PER", 0, 2)])];
        check(&sentences, &[("MISC", 0.0, 0.0, 0.0, 1), ("PER", 1.0, 1.0, 1.0, 1), ("micro", 0.5, 0.5, 0.5, 2)]);
        // The right bounds with the wrong label: a miss of one label, a false positive of the other.
        let sentences: [(&[_], &[_]); 1] = [(&[("LOC", 0, 6)], &[("ORG", 0, 6)])];
        check(&sentences, &[("LOC", 0.0, 0.0, 0.0, 1), ("ORG", 0.0, 0.0, 0.0, 0), ("micro", 0.0, 0.0, 0.0, 1)]);
        // Nested entities of one label: each counts.
        let sentences: [(&[_], &[_]); 1] = [(&[("ORG", 0, 4), ("ORG", 0, 13)], &[("ORG", 0, 13)])];
        check(&sentences, &[("ORG", 1.0, 0.5, 2.0 / 3.0, 2)]);
        // The same bounds in another sentence do not count.
        let sentences: [(&[_], &[_]); 2] = [(&[("PER", 0, 3)], &[]), (&[], &[("PER", 0, 3)])];
        check(&sentences, &[("PER", 0.0, 0.0, 0.0, 1)]);
    }
}
