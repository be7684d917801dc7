//! The files of `--predictions` and `--errors`, and the comparison behind them, written sentence by sentence.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use schemas::{AtomicFile, TripleView, char_slice};

use super::confusion::{ConfusionCounts, Entity, Outcome, OutcomeKind, compare};
use crate::data::{Dataset, GoldSpans};
use crate::decode::ScoredSpan;

/// The columns of triples that a report is made of.
pub const COLUMNS: [&str; 4] = ["id", "doc", "sentence", "context"];

/// Takes the triples in order. Memory: the entities of one sentence.
pub struct SentenceReport<'a> {
    dataset: &'a Dataset,
    predictions: Option<AtomicFile>,
    errors: Option<AtomicFile>,
    confusion: ConfusionCounts,
    sentence: Option<SentenceEntities<'a>>,
}

/// The entities of all labels in a sentence, whose triples follow each other.
struct SentenceEntities<'a> {
    doc: String,
    number: u32,
    context: String,
    gold: Vec<Entity<'a>>,
    predicted: Vec<Entity<'a>>,
}

impl<'a> SentenceReport<'a> {
    /// Creates the files that are asked for.
    ///
    /// # Errors
    /// A file cannot be created.
    pub fn create(dataset: &'a Dataset, predictions: Option<&Path>, errors: Option<&Path>) -> Result<Self> {
        let create = |path: Option<&Path>| path.map(AtomicFile::create).transpose();
        let (predictions, errors) = (create(predictions)?, create(errors)?);
        Ok(Self { dataset, predictions, errors, confusion: ConfusionCounts::default(), sentence: None })
    }

    /// Adds a triple with its predicted spans.
    ///
    /// # Errors
    /// A failed write.
    pub fn add(&mut self, triple: TripleView<'_>, gold: &GoldSpans, predicted: &[ScoredSpan]) -> Result<()> {
        let label = self.dataset.labels[gold.label as usize].as_str();
        if let Some(file) = &mut self.predictions {
            write_line(file, &prediction_line(triple, label, predicted))?;
        }
        let is_next = |sentence: &SentenceEntities<'_>| (sentence.doc.as_str(), sentence.number) != (triple.doc(), triple.sentence());
        if self.sentence.as_ref().is_none_or(is_next) {
            self.end_sentence()?;
            let (doc, context) = (triple.doc().to_owned(), triple.context().to_owned());
            self.sentence = Some(SentenceEntities { doc, number: triple.sentence(), context, gold: Vec::new(), predicted: Vec::new() });
        }
        if let Some(sentence) = &mut self.sentence {
            sentence.gold.extend(gold.spans.iter().map(|&(start, end)| Entity { start, end, label }));
            sentence.predicted.extend(predicted.iter().map(|span| Entity { start: span.start, end: span.end, label }));
        }
        Ok(())
    }

    /// Completes the files and gives the counts.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self) -> Result<ConfusionCounts> {
        self.end_sentence()?;
        for file in [self.predictions, self.errors].into_iter().flatten() {
            file.commit()?;
        }
        Ok(self.confusion)
    }

    fn end_sentence(&mut self) -> Result<()> {
        let Some(sentence) = self.sentence.take() else { return Ok(()) };
        for outcome in compare(&sentence.gold, &sentence.predicted) {
            self.confusion.add(&outcome);
            if let (Some(file), true) = (&mut self.errors, outcome.kind != OutcomeKind::Correct) {
                write_line(file, &error_line(&sentence, &outcome))?;
            }
        }
        Ok(())
    }
}

fn write_line(file: &mut AtomicFile, line: &serde_json::Value) -> Result<()> {
    let written = writeln!(file, "{line}");
    written.with_context(|| format!("cannot write {}", file.path().display()))
}

/// A triple and its predicted spans.
fn prediction_line(triple: TripleView<'_>, label: &str, predicted: &[ScoredSpan]) -> serde_json::Value {
    let span = |&ScoredSpan { start, end, score }: &ScoredSpan| {
        let text = char_slice(triple.context(), start, end);
        serde_json::json!({ "start": start, "end": end, "text": text, "score": score })
    };
    serde_json::json!({
        "id": triple.id(),
        "doc": triple.doc(),
        "sentence": triple.sentence(),
        "label": label,
        "spans": predicted.iter().map(span).collect::<Vec<_>>(),
    })
}

/// A mistake with its sentence.
fn error_line(sentence: &SentenceEntities<'_>, outcome: &Outcome<'_>) -> serde_json::Value {
    let entity = |entity: Option<Entity<'_>>| {
        entity.map(|Entity { start, end, label }| {
            let text = char_slice(&sentence.context, start, end);
            serde_json::json!({ "start": start, "end": end, "label": label, "text": text })
        })
    };
    serde_json::json!({
        "kind": outcome.kind.name(),
        "gold": entity(outcome.gold),
        "predicted": entity(outcome.predicted),
        "context": sentence.context,
        "doc": sentence.doc,
        "sentence": sentence.number,
    })
}
