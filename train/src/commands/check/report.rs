//! What `train check` found, as text and as JSON.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::data::{DistinctSample, SetStatistics};

/// All that was found.
pub struct CheckReport {
    /// The training set, then the others.
    pub sets: Vec<CheckedSet>,
    /// What a step holds; nothing without a tokenizer.
    pub step: Option<StepSize>,
    /// What is wrong.
    pub warnings: Vec<String>,
}

/// A set by its name: `train`, `dev` or `test`.
pub struct CheckedSet {
    /// Its name.
    pub name: &'static str,
    /// Its numbers.
    pub statistics: SetStatistics,
}

/// What a training step holds in the mean.
pub struct StepSize {
    /// Sequences.
    pub sequences: f64,
    /// Word pieces without padding.
    pub word_pieces: f64,
    /// Share of padding.
    pub padding: f64,
    /// Steps of an epoch.
    pub steps_of_epoch: f64,
}

impl CheckReport {
    /// The report as JSON: see `train/docs/stages.md`.
    pub fn to_json(&self) -> Value {
        let sets = self.sets.iter().map(|set| (set.name.to_owned(), set_to_json(&set.statistics))).collect::<serde_json::Map<_, _>>();
        let step = self.step.as_ref().map(|step| {
            json!({
                "sequences": step.sequences,
                "word_pieces": step.word_pieces,
                "padding": step.padding,
                "steps_of_epoch": step.steps_of_epoch,
            })
        });
        json!({ "sets": sets, "step": step, "warnings": self.warnings })
    }

    /// All labels of all sets.
    fn labels(&self) -> BTreeSet<&str> {
        self.sets.iter().flat_map(|set| set.statistics.labels.keys().map(String::as_str)).collect()
    }

    /// Writes a row of the table: a name and a cell for each set.
    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str, cell: impl Fn(&SetStatistics) -> String) -> fmt::Result {
        write!(f, "{name:<34}")?;
        self.sets.iter().try_for_each(|set| write!(f, " {:>14}", cell(&set.statistics)))?;
        writeln!(f)
    }
}

fn set_to_json(set: &SetStatistics) -> Value {
    let distinct = |sample: &DistinctSample| {
        json!({
            "distinct": sample.distinct(),
            "copies": sample.copies(),
            "also_in_train": sample.shared(),
            "exact": sample.is_exact(),
        })
    };
    let labels = set.labels.iter().map(|(label, counts)| {
        let counts = json!({ "triples": counts.triples, "answers": counts.answers });
        (label.clone(), counts)
    });
    let lengths = (!set.lengths.is_empty()).then(
        || json!({ "median": set.length_at(0.5), "p95": set.length_at(0.95), "p99": set.length_at(0.99), "longest": set.length_at(1.0) }),
    );
    json!({
        "triples": set.triples,
        "sentences": set.sentences,
        "answers": set.answers(),
        "labels": labels.collect::<serde_json::Map<_, _>>(),
        "queries": set.queries,
        "names": distinct(&set.names),
        "contexts": distinct(&set.contexts),
        "questions": distinct(&set.questions),
        "lengths": lengths,
        "encoding": (!set.lengths.is_empty()).then_some(set.encoding),
    })
}

/// A number with its thousands apart.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

/// A number of a sample, marked where it is an estimate.
fn estimate(sample: &DistinctSample, number: u64) -> String {
    format!("{}{}", if sample.is_exact() { "" } else { "about " }, thousands(number))
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<34}", "")?;
        self.sets.iter().try_for_each(|set| write!(f, " {:>14}", set.name))?;
        writeln!(f)?;
        self.row(f, "triples", |set| thousands(set.triples))?;
        self.row(f, "sentences", |set| thousands(set.sentences))?;
        self.row(f, "answers", |set| thousands(set.answers()))?;
        for label in self.labels() {
            self.row(f, &format!("  {label}"), |set| thousands(set.labels.get(label).map_or(0, |counts| counts.answers)))?;
        }
        self.row(f, "distinct names", |set| estimate(&set.names, set.names.distinct()))?;
        if self.sets.len() > 1 {
            self.row(f, "  of them also in train", |set| percent(set.names.shared(), set.names.distinct()))?;
            self.row(f, "sentences also in train", |set| estimate(&set.contexts, set.contexts.shared()))?;
        }
        self.row(f, "copies of triples", |set| estimate(&set.questions, set.questions.copies()))?;
        if self.sets.iter().any(|set| !set.statistics.lengths.is_empty()) {
            self.row(f, "word pieces of a sequence, median", |set| set.length_at(0.5).to_string())?;
            self.row(f, "  95 % at most", |set| set.length_at(0.95).to_string())?;
            self.row(f, "  longest", |set| set.length_at(1.0).to_string())?;
            self.row(f, "contexts in several windows", |set| thousands(set.encoding.windowed))?;
            self.row(f, "[UNK] among word pieces", |set| percent(set.encoding.unknown, set.encoding.word_pieces))?;
            self.row(f, "answers widened to word pieces", |set| thousands(set.encoding.widened))?;
            self.row(f, "answers without a word piece", |set| thousands(set.encoding.unalignable))?;
            self.row(f, "answers longer than a window", |set| thousands(set.encoding.too_long))?;
        }
        if let Some(StepSize { sequences, word_pieces, padding, steps_of_epoch }) = &self.step {
            writeln!(
                f,
                "a step holds {sequences:.1} sequences of {word_pieces:.0} word pieces, and {:.1} % padding; an epoch has {} steps",
                padding * 100.0,
                thousands(*steps_of_epoch as u64)
            )?;
        } else {
            writeln!(f, "word pieces were not counted: give --encoder or --init for lengths, [UNK], answers that are not labelled, steps")?;
        }
        if self.warnings.is_empty() {
            return writeln!(f, "no warnings");
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let check = |number, expected: &str| assert_eq!(thousands(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(12_345_678, "12,345,678");
    }
}
