//! Stage 2: self-training. After each epoch the reader labels the training set anew, and learns from that in the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use clap::ValueEnum;
use schemas::manifest::InputFile;
use schemas::{Counter, Manifest, ShardFolder, ShardWriter, Span, Triple};
use serde::{Deserialize, Serialize};

use super::objective::{Answers, Objective};
use super::training_loop::Learner;
use crate::answer::{self, Reading};
use crate::commands::progress::Progress;
use crate::data::{Batch, DataSet, Encoder};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Reader};

/// ShardFolder of rounds in a run.
pub const FOLDER: &str = "relabelled";

/// Most that a growing threshold becomes.
const HIGHEST: f64 = 0.99;

/// Triples labelled at once: memory stays the same however many there are.
const BLOCK: usize = 4096;

/// Settings of self-training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Relabel {
    /// Probability above which a piece starts or ends an answer.
    pub threshold: f64,
    /// Whether it is multiplied by the round.
    pub growth: bool,
    /// What becomes of the answers that are there.
    pub mode: Mode,
}

/// What becomes of the answers that `--data` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The reader's take their place.
    Replace,
    /// They stay; the reader's that overlap none of them are added.
    Union,
}

impl Relabel {
    /// The threshold of a round, counted from 1.
    pub fn threshold(&self, round: usize) -> f32 {
        let factor = if self.growth { round as f64 } else { 1.0 };
        (self.threshold * factor).min(HIGHEST.max(self.threshold)) as f32
    }
}

/// The newest finished round of a run, if it has one.
pub fn last_round(run: &Path) -> Option<PathBuf> {
    (1..).map(|round| folder(run, round)).take_while(|dir| ShardFolder::open::<Triple>(dir).is_ok()).last()
}

fn folder(run: &Path, round: usize) -> PathBuf {
    run.join(FOLDER).join(format!("round-{round}"))
}

/// The stage's objective.
pub struct SelfTraining<'a, B: TrainBackend> {
    /// How it learns.
    pub answers: Answers<'a, B>,
    /// Its settings.
    pub settings: Relabel,
    /// How triples become sequences.
    pub encoder: Encoder<'a>,
    /// How the reader reads them.
    pub reading: Reading,
    /// The triples that it began with.
    pub source: &'a Path,
    /// Its run.
    pub run: &'a Path,
}

impl<B: TrainBackend> Objective<B> for SelfTraining<'_, B> {
    /// The first epoch learns from the triples as they are, each later one from the round before.
    fn begin_epoch(&mut self, epoch: usize, _again: bool, _learner: &mut Learner<B>, data: &mut DataSet) -> Result<()> {
        if epoch > 1 {
            let round = folder(self.run, epoch - 1);
            *data = self.encoder.read(&round).with_context(|| format!("cannot read {}", round.display()))?;
        }
        Ok(())
    }

    fn loss(&self, reader: &Reader<B>, batch: &Batch, step: &[Batch], dropouts: &mut Dropouts) -> Tensor<B, 1> {
        self.answers.loss(reader, batch, step, dropouts)
    }

    fn end_epoch(&mut self, epoch: usize, reader: &Reader<B::InnerBackend>, _data: &DataSet) -> Result<()> {
        let dir = folder(self.run, epoch);
        if ShardFolder::open::<Triple>(&dir).is_ok() {
            // From before a stop, after this epoch's checkpoint.
            return Ok(());
        }
        self.relabel(epoch, &dir, reader).with_context(|| format!("cannot write {}", dir.display()))
    }
}

impl<B: TrainBackend> SelfTraining<'_, B> {
    fn relabel(&self, round: usize, dir: &Path, reader: &Reader<B::InnerBackend>) -> Result<()> {
        let source = ShardFolder::open::<Triple>(self.source)?;
        let threshold = self.settings.threshold(round);
        let settings = serde_json::json!({ "round": round, "threshold": threshold, "mode": self.settings.mode });
        let manifest = Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "nee", settings);
        let mut writer = ShardWriter::create(dir, true, manifest)?;
        let reading = Reading { threshold, quiet: true, ..self.reading };
        let mut progress = Progress::start("relabelling", source.manifest().rows() as usize, self.reading.quiet);
        let (mut triples, mut answers) = (Counter::default(), Counter::default());
        let mut work = |block: Vec<Triple>| -> Result<()> {
            let data = self.encoder.keep_triples(true).encode(block)?;
            let found = answer::answers(reader, &data, reading, self.answers.device)?;
            for (mut triple, found) in data.triples.into_iter().zip(found) {
                let found = found.into_iter().map(|answer| answer.to_span(&triple.context)).collect();
                triple.spans = merge(std::mem::take(&mut triple.spans), found, self.settings.mode, &mut answers);
                triple.impossible = triple.spans.is_empty();
                writer.write(triple)?;
                triples.keep();
                progress.step(String::new);
            }
            Ok(())
        };
        let mut block = Vec::new();
        for rows in source.rows::<Triple>() {
            block.extend(rows?);
            if block.len() >= BLOCK {
                work(std::mem::take(&mut block))?;
            }
        }
        work(block)?;
        progress.say(&format!("round {round}, threshold {threshold:.2}: answers {answers}"));
        if answers.seen == 0 {
            progress.say("warning: the reader finds no answers at all; let it learn more first, by stage 1 or with --relabel union");
        }
        let inputs = source.manifest().shards.iter().map(|shard| InputFile {
            path: self.source.join(&shard.file).display().to_string(),
            bytes: shard.bytes,
            blake3: shard.blake3.clone(),
        });
        let counters = BTreeMap::from([("triples".to_owned(), triples), ("answers".to_owned(), answers)]);
        writer.finish(inputs.collect(), counters, None)?;
        Ok(())
    }
}

/// A triple's new answers, by offset. The reader's are counted.
fn merge(given: Vec<Span>, found: Vec<Span>, mode: Mode, count: &mut Counter) -> Vec<Span> {
    let mut spans = if mode == Mode::Union { given } else { Vec::new() };
    let settled = spans.len();
    for span in found {
        if spans[..settled].iter().all(|given| span.end <= given.start || given.end <= span.start) {
            count.keep();
            spans.push(span);
        } else {
            count.skip("overlaps a given one");
        }
    }
    spans.sort_by_key(|span| (span.start, span.end));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Origin;

    #[test]
    fn a_growing_threshold_stays_below_one() {
        let settings = |threshold, growth| Relabel { threshold, growth, mode: Mode::Replace };
        let rounds = |settings: Relabel| [1, 2, 6].map(|round| settings.threshold(round));
        assert_eq!(rounds(settings(0.1, false)), [0.1; 3]);
        assert_eq!(rounds(settings(0.2, true)), [0.2, 0.4, 0.99]);
        assert_eq!(rounds(settings(0.995, true)), [0.995; 3]);
    }

    #[test]
    fn answers_that_are_there_go_or_stay() {
        let span = |start, end, origin| Span { start, end, text: String::new(), origin, score: None };
        let given = || vec![span(2, 5, Origin::Gazetteer), span(9, 11, Origin::Anchor)];
        let found = || vec![span(0, 2, Origin::Model), span(4, 7, Origin::Model), span(9, 11, Origin::Model)];
        let check = |mode, expected: &[(u32, u32, Origin)], tally: &str| {
            let mut count = Counter::default();
            let merged = merge(given(), found(), mode, &mut count);
            let merged: Vec<_> = merged.iter().map(|span| (span.start, span.end, span.origin)).collect();
            assert_eq!((&merged[..], count.to_string().as_str()), (expected, tally));
        };
        let (anchor, gazetteer, model) = (Origin::Anchor, Origin::Gazetteer, Origin::Model);
        check(Mode::Replace, &[(0, 2, model), (4, 7, model), (9, 11, model)], "3 in, 3 out");
        let union = [(0, 2, model), (2, 5, gazetteer), (9, 11, anchor)];
        check(Mode::Union, &union, "3 in, 1 out, 2 skipped (overlaps a given one 2)");
    }
}
