//! `train bench-data`: how fast triples are read, tokenised and batched, and how fast an epoch is planned.
//!
//! It is for developers, and `train --help` does not list it.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::terminal::to_stdout;
use crate::config::BenchDataConfig;
use crate::data::{BatchSampler, PaddingRule, Sequence, TrainingSet, TripleEncoder, WordPieceTokenizer};
use crate::model_files;
use crate::stage::epoch_steps::{EpochItem, EpochStart, epoch_steps};

/// Lengths of random sequences, in word pieces.
const LENGTHS: std::ops::Range<usize> = 10..150;

/// Measures, and prints a JSON object.
///
/// # Errors
/// The folder or the tokenizer cannot be read.
pub fn run(config: &BenchDataConfig) -> Result<()> {
    let sampler = BatchSampler { batch: config.batch, accumulate: config.accumulate, padding: PaddingRule::Longest };
    to_stdout(&match &config.plan {
        Some(sequences) => plan(*sequences, sampler),
        None => stream(config, sampler)?,
    })
}

/// The time to plan an epoch of so many random sequences.
fn plan(count: usize, sampler: BatchSampler) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let sequence = |length: usize| Sequence {
        triple: 0,
        query: Default::default(),
        context: Default::default(),
        window: 0..length,
        answers: Vec::new(),
        answers_before: 0,
    };
    let sequences: Vec<Sequence> = (0..count).map(|_| sequence(rng.random_range(LENGTHS))).collect();
    let started = Instant::now();
    let steps = sampler.steps(&sequences, &mut rng).len();
    serde_json::json!({ "sequences": count, "steps": steps, "plan_s": started.elapsed().as_secs_f64() }).to_string()
}

/// The rate at which batches of an epoch come, as the training loop would get them.
fn stream(config: &BenchDataConfig, sampler: BatchSampler) -> Result<String> {
    let started = Instant::now();
    let tokenizer = config.tokenizer.as_deref().context("give --encoder")?;
    let tokenizer = WordPieceTokenizer::read(&model_files::locate(tokenizer)?).context("cannot use --encoder")?;
    let encoder = TripleEncoder::new(&tokenizer, config.max_length);
    let data = config.data.as_deref().context("give a folder of triples")?;
    let data = TrainingSet::open(data, encoder, config.shuffle_buffer)?;
    let opened_s = started.elapsed().as_secs_f64();
    let (mut sequences, mut word_pieces, mut padded) = (0, 0, 0);
    let mut first_step_s = None;
    let start = EpochStart { seed: 1, shuffle_words: 0, position: None };
    epoch_steps(&data, sampler, start, |items| {
        items.iter().try_for_each(|item| match item {
            Ok(EpochItem::Step(step)) => {
                first_step_s.get_or_insert_with(|| started.elapsed().as_secs_f64());
                for batch in &step.batches {
                    sequences += batch.size;
                    word_pieces += batch.lengths.iter().sum::<usize>();
                    padded += batch.size * batch.length;
                }
                if sequences < config.sequences { ControlFlow::Continue(()) } else { ControlFlow::Break(Ok(())) }
            }
            Ok(EpochItem::End { .. }) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Err(error)),
        })
    })
    .break_value()
    .unwrap_or(Ok(()))?;
    let seconds = started.elapsed().as_secs_f64();
    let threads = rayon::current_num_threads();
    let line = serde_json::json!({
        "triples": data.folder().triples(),
        "opened_s": opened_s,
        "first_step_s": first_step_s,
        "sequences": sequences,
        "seconds": seconds,
        "threads": threads,
        "sequences_per_s": sequences as f64 / seconds,
        "sequences_per_s_and_thread": sequences as f64 / seconds / threads as f64,
        "word_pieces_of_a_sequence": word_pieces as f64 / sequences as f64,
        "padding": 1.0 - word_pieces as f64 / padded as f64,
    });
    Ok(line.to_string())
}
