//! What a training stage says of its data before it starts.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::data::{EncodingCounts, EvaluationSet, TrainingSet};
use crate::progress::Reporter;

/// Share of `[UNK]` above which a vocabulary does not fit a text.
const MANY_UNKNOWN: f64 = 0.1;

/// Reports the heads of other tasks that an encoder's file holds, if it holds any.
pub fn report_left_out(heads: &BTreeSet<String>, reporter: &dyn Reporter) {
    if !heads.is_empty() {
        let names: Vec<String> = heads.iter().map(|head| format!("{head}.*")).collect();
        reporter.message(&format!("left out, as heads of other tasks: tensors {} of the encoder's file", names.join(", ")));
    }
}

/// Reports sizes and counts of the sets, and warns of gross faults. A training set of several blocks is judged by its first triples.
///
/// # Errors
/// The training set cannot be read.
pub fn report(
    data: &mut TrainingSet<'_>,
    dev: Option<&EvaluationSet<'_>>,
    test: Option<&EvaluationSet<'_>>,
    reporter: &dyn Reporter,
) -> Result<()> {
    let first = data.first_look().context("cannot read --data")?;
    let triples = data.folder().triples();
    if data.is_one_block() {
        reporter.message(&format!("data: {}", first.counts));
    } else {
        reporter.message(&format!("data: {triples} triples; the first of them: {}", first.counts));
    }
    let part = if data.is_one_block() { "--data".to_owned() } else { format!("the first {} triples of --data", first.counts.triples) };
    let mut warnings = Vec::from_iter(unknown(&part, &first.counts));
    if first.counts.answers == 0 {
        warnings.push(format!("{part} have no answer at all"));
    }
    for (option, set) in [("dev", dev), ("test", test)] {
        let Some(set) = set else { continue };
        let Some((counts, labels)) = set.summary() else {
            reporter.message(&format!("{option}: {} triples", set.triples()));
            continue;
        };
        reporter.message(&format!("{option}: {counts}"));
        warnings.extend(unknown(&format!("--{option}"), &counts));
        if counts.answers == 0 {
            warnings.push(format!("--{option} has no answer at all"));
        }
        let missing: Vec<&str> = labels.into_iter().filter(|&label| !first.labels.contains(label)).collect();
        if !missing.is_empty() {
            warnings.push(format!("--{option} asks for {}, but {part} for {}", missing.join(", "), join(&first.labels)));
        }
    }
    warnings.iter().for_each(|warning| reporter.message(&format!("warning: {warning}; `train check` says more of the data")));
    Ok(())
}

fn join<'a>(labels: impl IntoIterator<Item = &'a String>) -> String {
    labels.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A warning where many word pieces are unknown.
fn unknown(set: &str, counts: &EncodingCounts) -> Option<String> {
    let share = counts.unknown as f64 / counts.word_pieces.max(1) as f64;
    (share > MANY_UNKNOWN)
        .then(|| format!("{:.0} % of the word pieces of {set} are [UNK]: the encoder does not know their script", share * 100.0))
}
