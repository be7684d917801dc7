//! `train check`: what is wrong with the data, before hours are spent on them.

mod report;
mod warnings;

use std::path::Path;

use anyhow::{Context, Result};

use crate::commands::terminal::to_stdout;
use crate::config::CheckConfig;
use crate::data::{BatchSampler, PaddingRule, SetStatistics, TrainingSet, TripleEncoder, WordPieceTokenizer};
use crate::model_files;
use crate::stage::rng::{self, RngStream};
use report::{CheckReport, CheckedSet, StepSize};

/// Reads the sets and prints what they hold, with warnings.
///
/// # Errors
/// A set or a tokenizer that cannot be read; a query that leaves no room for a context.
pub fn check(config: &CheckConfig) -> Result<()> {
    let tokenizer = config
        .tokenizer
        .as_deref()
        .map(|dir| WordPieceTokenizer::read(&model_files::locate(dir)?))
        .transpose()
        .context("cannot use --encoder or --init")?;
    let encoder = tokenizer.as_ref().map(|tokenizer| TripleEncoder::new(tokenizer, config.max_length));
    let read = |dir: &Path, others: &mut [&mut SetStatistics]| {
        SetStatistics::read(dir, encoder, others).with_context(|| format!("cannot read {}", dir.display()))
    };
    // The training set comes last: it may be large, and the others remember what it shares with them.
    let mut dev = config.dev.as_deref().map(|dir| read(dir, &mut [])).transpose()?;
    let mut test = config.test.as_deref().map(|dir| read(dir, &mut [])).transpose()?;
    let train = read(&config.data, &mut [&mut dev, &mut test].into_iter().flatten().collect::<Vec<_>>())?;
    let step = encoder.filter(|_| train.triples > 0).map(|encoder| step_size(config, encoder, &train)).transpose()?;
    let mut sets = vec![CheckedSet { name: "train", statistics: train }];
    sets.extend([("dev", dev), ("test", test)].into_iter().filter_map(|(name, set)| Some(CheckedSet { name, statistics: set? })));
    let report = CheckReport { warnings: warnings::of(&sets), sets, step };
    to_stdout(&if config.json { format!("{:#}", report.to_json()) } else { report.to_string() })
}

/// What a step holds: of the first triples as many as are shuffled together, batched as training does.
fn step_size(config: &CheckConfig, encoder: TripleEncoder<'_>, train: &SetStatistics) -> Result<StepSize> {
    let mut set = TrainingSet::open(&config.data, encoder, config.shuffle_buffer)?;
    let first = set.first_look()?;
    let padding = PaddingRule::Longest;
    let sampler = BatchSampler { batch: config.batch, accumulate: config.accumulate, padding };
    let steps = sampler.steps(&first.sequences, &mut rng::generator(0, RngStream::Shuffle, 0));
    let (mut sequences, mut word_pieces, mut padded) = (0, 0, 0);
    for batch in steps.iter().flatten() {
        let lengths = || batch.iter().map(|&index| first.sequences[index].length());
        sequences += batch.len();
        word_pieces += lengths().sum::<usize>();
        padded += batch.len() * padding.padded(lengths().max().unwrap_or(0));
    }
    let count = steps.len() as f64;
    Ok(StepSize {
        sequences: sequences as f64 / count,
        word_pieces: word_pieces as f64 / count,
        padding: 1.0 - word_pieces as f64 / padded.max(1) as f64,
        steps_of_epoch: (count * train.triples as f64 / first.counts.triples.max(1) as f64).round(),
    })
}
