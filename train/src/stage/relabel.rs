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

use super::initial_state::InitialState;
use super::objective::{Objective, SpanObjective};
use super::settings::{RelabelMode, RelabelSettings, StageSettings};
use super::train_state::TrainState;
use crate::data::{Batch, Dataset, EncodedContext, TrainingSet, TripleEncoder, TripleFolder, WordPieceCache, in_order};
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
    settings: &'a StageSettings,
    relabel: RelabelSettings,
    device: &'a B::Device,
    encoder: TripleEncoder<'a>,
    inference: InferenceSettings,
    run: &'a Path,
    /// What each round is made of.
    sources: Vec<RoundSource<'a>>,
    /// The word pieces of the newest round's rows.
    round_pieces: Arc<WordPieceCache>,
}

/// A folder of triples that becomes a part of each round.
struct RoundSource<'a> {
    dir: &'a Path,
    labels: LabelSource,
    word_pieces: Arc<WordPieceCache>,
}

/// Where the answers of a round come from.
#[derive(Debug, Clone, Copy)]
enum LabelSource {
    /// From those that were given, and from the model.
    Given(RelabelMode),
    /// From the model alone. A triple with an answer of a lower score is skipped.
    Model { confidence: f32 },
}

impl<'a, B: TrainBackend> SelfTrainingObjective<'a, B> {
    /// The objective of a run in the folder `run`; `inference` is how the model answers, but for the threshold.
    ///
    /// # Errors
    /// The run folder cannot be written to.
    pub fn new(
        settings: &'a StageSettings,
        relabel: RelabelSettings,
        device: &'a B::Device,
        encoder: TripleEncoder<'a>,
        inference: InferenceSettings,
        run: &'a Path,
    ) -> Result<Self> {
        let cache = || WordPieceCache::create(run).map(Arc::new);
        let mut sources = vec![RoundSource { dir: &settings.data, labels: LabelSource::Given(relabel.mode), word_pieces: cache()? }];
        if let Some(dir) = &settings.unlabelled {
            let labels = LabelSource::Model { confidence: relabel.confidence as f32 };
            sources.push(RoundSource { dir, labels, word_pieces: cache()? });
        }
        Ok(Self { settings, relabel, device, encoder, inference, run, sources, round_pieces: cache()? })
    }
}

impl<B: TrainBackend> Objective<B> for SelfTrainingObjective<'_, B> {
    /// The first epoch trains on the training set as it is, each later one on the round of the epoch before.
    fn begin_epoch(
        &mut self,
        epoch: usize,
        resumed: bool,
        state: &mut TrainState<B>,
        data: &mut TrainingSet<'_>,
        _: &dyn Reporter,
    ) -> Result<()> {
        if epoch == 1 {
            *data = data.clone().with_cache(self.sources[0].word_pieces.clone());
            return Ok(());
        }
        let round = layout::relabelled_round(self.run, epoch - 1);
        *data = data.reopen(&round).with_context(|| format!("cannot read {}", round.display()))?.with_cache(self.round_pieces.clone());
        if self.relabel.restart && !resumed {
            *state = InitialState::<B>::fresh(self.settings, self.device)?.train;
        }
        Ok(())
    }

    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        SpanObjective { loss: self.settings.loss }.loss(model, batch, step, dropouts)
    }

    fn end_epoch(&mut self, epoch: usize, model: &MrcModel<B::InnerBackend>, reporter: &dyn Reporter) -> Result<()> {
        let dir = layout::relabelled_round(self.run, epoch);
        if ShardFolder::open::<Triple>(&dir).is_ok() {
            // It was written before training was stopped, after the last checkpoint of this epoch. Its rows may be others than those of
            // the round before.
            self.round_pieces = Arc::new(WordPieceCache::create(self.run)?);
            return Ok(());
        }
        self.round_pieces = self.relabel(epoch, &dir, model, reporter).with_context(|| format!("cannot write {}", dir.display()))?;
        Ok(())
    }
}

impl<B: TrainBackend> SelfTrainingObjective<'_, B> {
    /// Writes a round, and returns the word pieces of its rows. Triples are read and tokenised, labelled, and written at the same time, on
    /// threads of their own.
    fn relabel(&self, round: usize, dir: &Path, model: &MrcModel<B::InnerBackend>, reporter: &dyn Reporter) -> Result<Arc<WordPieceCache>> {
        let open = |source: &RoundSource<'_>| -> Result<TripleFolder<'_>> {
            Ok(TripleFolder::open(source.dir, self.encoder, TripleFolder::SLICE)?.with_cache(source.word_pieces.clone()))
        };
        let folders = self.sources.iter().map(open).collect::<Result<Vec<_>>>()?;
        let threshold = self.relabel.threshold(round);
        let mut settings = serde_json::json!({ "round": round, "threshold": threshold, "mode": self.relabel.mode });
        if self.settings.unlabelled.is_some() {
            settings["confidence"] = self.relabel.confidence.into();
        }
        let manifest = Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "nee", settings);
        let word_pieces = Arc::new(WordPieceCache::create(self.run)?);
        let mut writer = RoundWriter {
            writer: ShardWriter::create(dir, true, manifest)?,
            word_pieces: word_pieces.clone(),
            triples: Counter::default(),
            answers: Counter::default(),
        };
        let inference = InferenceSettings { threshold, ..self.inference };
        let task = Task::start(reporter, "relabelling", folders.iter().map(TripleFolder::triples).sum());
        let (sender, labelled) = sync_channel::<LabelledSlice>(SLICES_TO_WRITE);
        let writer = thread::scope(|scope| -> Result<RoundWriter> {
            let written = scope.spawn(move || labelled.into_iter().try_for_each(|slice| writer.write(slice)).map(|()| writer));
            let sent = self.sources.iter().zip(&folders).try_for_each(|(source, folder)| {
                let read = |slice: &RowSlice| -> Result<(Vec<Triple>, Dataset)> {
                    let batches = folder.shards().read_slice(slice, None)?;
                    let data = folder.encode_batches(slice, &batches)?;
                    let rows = batches.iter().map(Triple::from_batch).collect::<Result<Vec<_>, _>>()?;
                    Ok((rows.concat(), data))
                };
                in_order(folder.slices(), read, |(triples, data)| {
                    let predicted = match source.labels {
                        LabelSource::Given(RelabelMode::Keep) => {
                            task.step(triples.len());
                            vec![Vec::new(); triples.len()]
                        }
                        _ => inference::predict_spans(model, &data, inference, self.device, &task),
                    };
                    let contexts = data.contexts().collect();
                    sender.send(LabelledSlice { triples, contexts, predicted, labels: source.labels }).context("writing failed")
                })
            });
            drop(sender);
            // If writing failed, sending did only for that.
            let writer = written.join().expect("the writer does not panic")?;
            sent.map(|()| writer)
        })?;
        drop(task);
        let RoundWriter { writer, triples, answers, .. } = writer;
        reporter.message(&format!("round {round}, threshold {threshold:.2}: answers {answers}"));
        if self.settings.unlabelled.is_some() {
            reporter.message(&format!("triples of --data and --unlabelled: {triples}"));
        }
        if answers.seen == 0 {
            let then = match self.relabel.mode {
                RelabelMode::Replace => {
                    "so the next epoch has none to learn from; train stage 1 first, or keep the given answers by --relabel union"
                }
                RelabelMode::Union | RelabelMode::Keep => "so this round adds none to the given ones; train stage 1 first, or for longer",
            };
            reporter.message(&format!("warning: the model predicts no answers at all, {then}"));
        }
        let shards_of = |folder: &TripleFolder<'_>| folder.shards().manifest().shards.clone();
        let inputs = folders.iter().flat_map(|folder| {
            shards_of(folder).into_iter().map(|shard| InputFile {
                path: folder.dir().join(&shard.file).display().to_string(),
                bytes: shard.bytes,
                blake3: shard.blake3,
            })
        });
        let counters = BTreeMap::from([("triples".to_owned(), triples), ("answers".to_owned(), answers)]);
        writer.finish(inputs.collect(), counters, None)?;
        Ok(word_pieces)
    }
}

/// Triples with the answers that were predicted for them.
struct LabelledSlice {
    triples: Vec<Triple>,
    contexts: Vec<EncodedContext>,
    predicted: Vec<Vec<ScoredSpan>>,
    labels: LabelSource,
}

/// Writes the triples of a round, and counts them and their answers.
struct RoundWriter {
    writer: ShardWriter<Triple>,
    word_pieces: Arc<WordPieceCache>,
    triples: Counter,
    answers: Counter,
}

impl RoundWriter {
    fn write(&mut self, slice: LabelledSlice) -> Result<()> {
        let first_row = self.triples.out as usize;
        let mut contexts = Vec::with_capacity(slice.contexts.len());
        for ((mut triple, context), predicted) in slice.triples.into_iter().zip(slice.contexts).zip(slice.predicted) {
            let given = std::mem::take(&mut triple.spans);
            let (mut given, mode) = match slice.labels {
                LabelSource::Given(mode) => (given, mode),
                LabelSource::Model { confidence } if predicted.iter().any(|span| span.score < confidence) => {
                    self.triples.skip("the model is not sure");
                    continue;
                }
                LabelSource::Model { .. } => (Vec::new(), RelabelMode::Replace),
            };
            // As the encoder reads them.
            given.iter_mut().for_each(Span::trim);
            let predicted = predicted.into_iter().map(|span| inference::to_model_span(span, &triple.context)).collect();
            triple.spans = merge(given, predicted, mode, &mut self.answers);
            triple.impossible = triple.spans.is_empty();
            self.writer.write(triple)?;
            self.triples.keep();
            contexts.push(context);
        }
        self.word_pieces.write(first_row, &contexts)
    }
}

/// The new answers of a triple, by offset; `count` counts the predicted ones that are kept and skipped.
fn merge(given: Vec<Span>, predicted: Vec<Span>, mode: RelabelMode, count: &mut Counter) -> Vec<Span> {
    let mut spans = if mode == RelabelMode::Replace { Vec::new() } else { given };
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
        let mut count = Counter::default();
        assert_eq!((merge(given(), Vec::new(), RelabelMode::Keep, &mut count), count.seen), (given(), 0));
    }
}
