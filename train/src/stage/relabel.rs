//! Stage 2: self-training. After each epoch the model relabels the training set; the next epoch trains on the result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use schemas::manifest::InputFile;
use schemas::{Counter, Manifest, Row, RowSlice, ShardFolder, ShardWriter, Span, Triple};

use super::objective::{Objective, SpanObjective};
use super::settings::{RelabelMode, RelabelSettings};
use super::train_state::TrainState;
use crate::data::{Batch, Dataset, TrainingSet, TripleEncoder, TripleFolder, WordPieceCache, in_order};
use crate::decode::ScoredSpan;
use crate::device::TrainBackend;
use crate::inference::{self, InferenceSettings};
use crate::kernels::DropoutSeeds;
use crate::model::MrcModel;
use crate::progress::{Reporter, Task};
use crate::run_folder::layout;

/// Slices of labelled triples that wait to be written.
const SLICES_TO_WRITE: usize = 2;

/// The folder of the newest complete round of a run, if it has one.
pub fn last_round(run: &Path) -> Option<PathBuf> {
    (1..).map(|round| layout::relabelled_round(run, round)).take_while(|dir| ShardFolder::open::<Triple>(dir).is_ok()).last()
}

/// The objective of stage 2.
pub struct SelfTrainingObjective<'a, B: TrainBackend> {
    /// The loss.
    pub spans: SpanObjective,
    /// Device of the model that relabels.
    pub device: &'a B::Device,
    /// Its settings.
    pub settings: RelabelSettings,
    /// Encodes triples as sequences of word pieces.
    pub encoder: TripleEncoder<'a>,
    /// The word pieces of the training set, whose texts are those of each round.
    pub word_pieces: Arc<WordPieceCache>,
    /// How the model answers.
    pub inference: InferenceSettings,
    /// The training set: each round relabels it, not the round before.
    pub source: &'a Path,
    /// The run folder.
    pub run: &'a Path,
}

impl<B: TrainBackend> Objective<B> for SelfTrainingObjective<'_, B> {
    /// The first epoch trains on the training set as it is, each later one on the round of the epoch before.
    fn begin_epoch(&mut self, epoch: usize, _: bool, _: &mut TrainState<B>, data: &mut TrainingSet<'_>, _: &dyn Reporter) -> Result<()> {
        if epoch > 1 {
            let round = layout::relabelled_round(self.run, epoch - 1);
            *data = data.reopen(&round).with_context(|| format!("cannot read {}", round.display()))?;
        }
        *data = data.clone().with_cache(self.word_pieces.clone());
        Ok(())
    }

    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        self.spans.loss(model, batch, step, dropouts)
    }

    fn end_epoch(&mut self, epoch: usize, model: &MrcModel<B::InnerBackend>, reporter: &dyn Reporter) -> Result<()> {
        let dir = layout::relabelled_round(self.run, epoch);
        if ShardFolder::open::<Triple>(&dir).is_ok() {
            // It was written before training was stopped, after the last checkpoint of this epoch.
            return Ok(());
        }
        self.relabel(epoch, &dir, model, reporter).with_context(|| format!("cannot write {}", dir.display()))
    }
}

impl<B: TrainBackend> SelfTrainingObjective<'_, B> {
    /// Writes a round. Triples are read and tokenised, labelled, and written at the same time, on threads of their own.
    fn relabel(&self, round: usize, dir: &Path, model: &MrcModel<B::InnerBackend>, reporter: &dyn Reporter) -> Result<()> {
        let source = TripleFolder::open(self.source, self.encoder, TripleFolder::SLICE)?.with_cache(self.word_pieces.clone());
        let threshold = self.settings.threshold(round);
        let settings = serde_json::json!({ "round": round, "threshold": threshold, "mode": self.settings.mode });
        let manifest = Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "nee", settings);
        let writer = ShardWriter::create(dir, true, manifest)?;
        let mut writer = RoundWriter { writer, mode: self.settings.mode, triples: Counter::default(), answers: Counter::default() };
        let inference = InferenceSettings { threshold, ..self.inference };
        let task = Task::start(reporter, "relabelling", source.triples());
        let (sender, labelled) = sync_channel::<LabelledSlice>(SLICES_TO_WRITE);
        let writer = thread::scope(|scope| -> Result<RoundWriter> {
            let written = scope.spawn(move || labelled.into_iter().try_for_each(|slice| writer.write(slice)).map(|()| writer));
            let read = |slice: &RowSlice| -> Result<(Vec<Triple>, Dataset)> {
                let batches = source.shards().read_slice(slice, None)?;
                let data = source.encode_batches(slice, &batches)?;
                let rows = batches.iter().map(Triple::from_batch).collect::<Result<Vec<_>, _>>()?;
                Ok((rows.concat(), data))
            };
            let sent = in_order(source.slices(), read, |(triples, data)| {
                let predicted = inference::predict_spans(model, &data, inference, self.device, &task);
                sender.send(LabelledSlice { triples, predicted }).context("writing failed")
            });
            drop(sender);
            // If writing failed, sending did only for that.
            let writer = written.join().expect("the writer does not panic")?;
            sent.map(|()| writer)
        })?;
        drop(task);
        reporter.message(&format!("round {round}, threshold {threshold:.2}: answers {}", writer.answers));
        if writer.answers.seen == 0 {
            reporter.message(
                "warning: the model predicts no answers at all, so the next epoch has none to learn from; train stage 1 first, or keep the \
                 given answers by --relabel union",
            );
        }
        let inputs = source.shards().manifest().shards.iter().map(|shard| InputFile {
            path: self.source.join(&shard.file).display().to_string(),
            bytes: shard.bytes,
            blake3: shard.blake3.clone(),
        });
        let counters = BTreeMap::from([("triples".to_owned(), writer.triples), ("answers".to_owned(), writer.answers)]);
        writer.writer.finish(inputs.collect(), counters, None)?;
        Ok(())
    }
}

/// Triples with the answers that were predicted for them.
struct LabelledSlice {
    triples: Vec<Triple>,
    predicted: Vec<Vec<ScoredSpan>>,
}

/// Writes the triples of a round, and counts them and their answers.
struct RoundWriter {
    writer: ShardWriter<Triple>,
    mode: RelabelMode,
    triples: Counter,
    answers: Counter,
}

impl RoundWriter {
    fn write(&mut self, slice: LabelledSlice) -> Result<()> {
        for (mut triple, predicted) in slice.triples.into_iter().zip(slice.predicted) {
            // As the encoder reads them.
            triple.spans.iter_mut().for_each(Span::trim);
            let predicted = predicted.into_iter().map(|span| inference::to_model_span(span, &triple.context)).collect();
            triple.spans = merge(std::mem::take(&mut triple.spans), predicted, self.mode, &mut self.answers);
            triple.impossible = triple.spans.is_empty();
            self.writer.write(triple)?;
            self.triples.keep();
        }
        Ok(())
    }
}

/// The new answers of a triple, by offset; `count` counts the predicted ones that are kept and skipped.
fn merge(given: Vec<Span>, predicted: Vec<Span>, mode: RelabelMode, count: &mut Counter) -> Vec<Span> {
    let mut spans = if mode == RelabelMode::Union { given } else { Vec::new() };
    let given = spans.len();
    for span in predicted {
        if spans[..given].iter().all(|given| span.end <= given.start || given.end <= span.start) {
            count.keep();
            spans.push(span);
        } else {
            count.skip("overlaps a given one");
        }
    }
    spans.sort_by_key(|span| (span.start, span.end));
    // Given ones may be the same once they are trimmed.
    spans.dedup_by_key(|span| (span.start, span.end));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Origin;

    #[test]
    fn given_answers_are_replaced_or_stay() {
        let span = |start, end, origin| Span { start, end, text: String::new(), origin, score: None };
        let given = || vec![span(2, 5, Origin::Gazetteer), span(9, 11, Origin::Anchor)];
        let predicted = || vec![span(0, 2, Origin::Model), span(4, 7, Origin::Model), span(9, 11, Origin::Model)];
        let check = |mode, expected: &[(u32, u32, Origin)], counter: &str| {
            let mut count = Counter::default();
            let merged = merge(given(), predicted(), mode, &mut count);
            let merged: Vec<_> = merged.iter().map(|span| (span.start, span.end, span.origin)).collect();
            assert_eq!((&merged[..], count.to_string().as_str()), (expected, counter));
        };
        let (anchor, gazetteer, model) = (Origin::Anchor, Origin::Gazetteer, Origin::Model);
        check(RelabelMode::Replace, &[(0, 2, model), (4, 7, model), (9, 11, model)], "3 in, 3 out");
        let union = [(0, 2, model), (2, 5, gazetteer), (9, 11, anchor)];
        check(RelabelMode::Union, &union, "3 in, 1 out, 2 skipped (overlaps a given one 2)");
    }
}
