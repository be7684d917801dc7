//! The files of `--predictions` and `--errors`, and the comparison behind them, written sentence by sentence.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use schemas::{AtomicFile, TripleView, char_slice};

use super::confusion::{ConfusionCounts, Entity, Outcome, OutcomeKind, compare};
use crate::data::GoldSpans;
use crate::decode::ScoredSpan;

/// The columns of triples that are evaluated and reported.
pub const COLUMNS: [&str; 8] = ["id", "doc", "sentence", "label", "query", "context", "spans.start", "spans.end"];

/// Takes the triples in order. Memory: the entities of one sentence.
pub struct SentenceReport {
    predictions: Option<AtomicFile>,
    errors: Option<AtomicFile>,
    confusion: ConfusionCounts,
    sentence: Option<SentenceEntities>,
}

/// The entities of all labels in a sentence, whose triples follow each other.
struct SentenceEntities {
    doc: String,
    number: u32,
    context: String,
    labels: Vec<LabelEntities>,
}

/// The entities of one label: start and end of each.
struct LabelEntities {
    label: String,
    gold: Vec<(u32, u32)>,
    predicted: Vec<(u32, u32)>,
}

impl SentenceReport {
    /// Creates the files that are asked for.
    ///
    /// # Errors
    /// A file cannot be created.
    pub fn create(predictions: Option<&Path>, errors: Option<&Path>) -> Result<Self> {
        let create = |path: Option<&Path>| path.map(AtomicFile::create).transpose();
        let (predictions, errors) = (create(predictions)?, create(errors)?);
        Ok(Self { predictions, errors, confusion: ConfusionCounts::default(), sentence: None })
    }

    /// Adds a triple with its predicted spans.
    ///
    /// # Errors
    /// A failed write.
    pub fn add(&mut self, triple: TripleView<'_>, gold: &GoldSpans, predicted: &[ScoredSpan]) -> Result<()> {
        if let Some(file) = &mut self.predictions {
            write_line(file, &prediction_line(triple, predicted))?;
        }
        let is_next = |sentence: &SentenceEntities| (sentence.doc.as_str(), sentence.number) != (triple.doc(), triple.sentence());
        if self.sentence.as_ref().is_none_or(is_next) {
            self.end_sentence()?;
            let (doc, context) = (triple.doc().to_owned(), triple.context().to_owned());
            self.sentence = Some(SentenceEntities { doc, number: triple.sentence(), context, labels: Vec::new() });
        }
        if let Some(sentence) = &mut self.sentence {
            let predicted = predicted.iter().map(|span| (span.start, span.end)).collect();
            sentence.labels.push(LabelEntities { label: triple.label().to_owned(), gold: gold.spans.clone(), predicted });
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
        let entities = |of: fn(&LabelEntities) -> &[(u32, u32)]| -> Vec<Entity<'_>> {
            let of_label = |entities| of(entities).iter().map(|&(start, end)| Entity { start, end, label: &entities.label });
            sentence.labels.iter().flat_map(of_label).collect()
        };
        for outcome in compare(&entities(|label| &label.gold), &entities(|label| &label.predicted)) {
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
fn prediction_line(triple: TripleView<'_>, predicted: &[ScoredSpan]) -> serde_json::Value {
    let span = |&ScoredSpan { start, end, score }: &ScoredSpan| {
        let text = char_slice(triple.context(), start, end);
        serde_json::json!({ "start": start, "end": end, "text": text, "score": score })
    };
    serde_json::json!({
        "id": triple.id(),
        "doc": triple.doc(),
        "sentence": triple.sentence(),
        "label": triple.label(),
        "spans": predicted.iter().map(span).collect::<Vec<_>>(),
    })
}

/// A mistake with its sentence.
fn error_line(sentence: &SentenceEntities, outcome: &Outcome<'_>) -> serde_json::Value {
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
