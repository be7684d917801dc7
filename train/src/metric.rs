//! Strict scores: an entity counts when label, start and end all match, in chars of its context.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How often answers were right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Predicted and gold.
    pub correct: u64,
    /// Predicted.
    pub predicted: u64,
    /// Gold.
    pub support: u64,
}

impl Counts {
    /// Counts one context's answers. Both sides are sorted and hold no span twice.
    pub fn add(&mut self, predicted: &[(u32, u32)], gold: &[(u32, u32)]) {
        self.correct += predicted.iter().filter(|span| gold.binary_search(span).is_ok()).count() as u64;
        self.predicted += predicted.len() as u64;
        self.support += gold.len() as u64;
    }

    /// Share of the predicted that is right; 0 of none.
    pub fn precision(&self) -> f64 {
        ratio(self.correct, self.predicted)
    }

    /// Share of the gold that was found; 0 of none.
    pub fn recall(&self) -> f64 {
        ratio(self.correct, self.support)
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.correct, self.predicted + self.support)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Scores of a data set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// By label.
    pub labels: BTreeMap<String, Counts>,
}

impl Scores {
    /// Counts of all labels together.
    pub fn micro(&self) -> Counts {
        self.labels.values().fold(Counts::default(), |sum, counts| Counts {
            correct: sum.correct + counts.correct,
            predicted: sum.predicted + counts.predicted,
            support: sum.support + counts.support,
        })
    }

    /// As JSON: precision, recall, f1 and counts, and the same by label.
    pub fn to_json(&self) -> serde_json::Value {
        let one = |counts: &Counts| {
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
    /// A table with a line a label and one for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.labels.keys().map(|label| label.chars().count()).chain([9]).max().unwrap_or(9);
        writeln!(f, "{:width$}  precision  recall      f1  support", "label")?;
        let mut line = |label: &str, counts: &Counts| {
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
    fn both_borders_must_match() {
        let mut counts = Counts::default();
        counts.add(&[(0, 4), (5, 9), (12, 13)], &[(0, 4), (5, 8), (20, 22)]);
        assert_eq!(counts, Counts { correct: 1, predicted: 3, support: 3 });
        counts.add(&[], &[]);
        counts.add(&[], &[(1, 2)]);
        assert_eq!((counts.precision(), counts.recall(), counts.f1()), (1.0 / 3.0, 0.25, 2.0 / 7.0));
    }

    #[test]
    fn micro_scores_add_up_and_nothing_is_zero() {
        assert_eq!(Scores::default().micro().f1(), 0.0);
        let counts = |correct, predicted, support| Counts { correct, predicted, support };
        let scores = Scores { labels: [("LOC".to_owned(), counts(1, 2, 2)), ("PER".to_owned(), counts(3, 3, 4))].into() };
        assert_eq!(scores.micro(), counts(4, 5, 6));
        insta::assert_snapshot!(scores.to_string(), @r"
        label      precision  recall      f1  support
        LOC           0.5000  0.5000  0.5000        2
        PER           1.0000  0.7500  0.8571        4
        micro avg     0.8000  0.6667  0.7273        6
        ");
    }
}
