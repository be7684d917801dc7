//! `train warm-up`: computes a step of every shape that a training may have, so that its kernels are compiled and tuned before.

mod processes;

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use burn::module::AutodiffModule;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::terminal::{TerminalReporter, to_stdout};
use crate::config::{Share, WarmUpConfig};
use crate::data::{Batch, BatchSize, Dataset, GoldSpans, PaddingRule, Sequence};
use crate::decode::Decoding;
use crate::device::{DeviceJob, TrainBackend};
use crate::inference::{self, InferenceSettings};
use crate::model::{OptionalHeads, SpanLoss, weights};
use crate::optim::{AdamW, AdamWConfig};
use crate::progress::{Reporter, Silent, Task};
use crate::run_folder::ModelFolder;
use crate::stage::objective::SpanObjective;
use crate::stage::train_state::TrainState;
use crate::stage::train_step::train_step;
use processes::compile_side_by_side;

/// Word pieces of a sequence that are not context: a query of 12, and three special tokens.
const NOT_CONTEXT: usize = 15;

/// Dropout rate of the steps; its kernels do not depend on it.
const DROPOUT: f32 = 0.1;

/// Computes a training step, an evaluation of a batch of twice the size, and what surrounds them, for each length that batches are padded
/// to.
///
/// Compiling is most of the time and CubeCL compiles on one core. So other processes, one for each core, compute a share of these first:
/// the kernels that they compile are in the cache for this one, which then tunes alone.
///
/// # Errors
/// The encoder cannot be read; the device is a CPU, which has nothing to compile, or fails.
pub fn warm_up(config: WarmUpConfig) -> Result<()> {
    let device = config.runtime.device;
    ensure!(device.is_gpu(), "--device {device} compiles no kernels; warm-up is for a GPU: --device cuda");
    if config.share.is_none() {
        let tasks = tasks(padded_lengths(device.into(), config.max_length));
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let processes = if config.processes == 0 { cores() } else { config.processes };
        if processes > 1 {
            compile_side_by_side(processes.min(tasks.len()), tasks.len(), &TerminalReporter::new(config.runtime.quiet))?;
        }
    }
    device.run(WarmUp { config })
}

/// What is computed for a length of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    TrainingStep,
    Prediction,
}

fn tasks(lengths: Vec<usize>) -> Vec<(usize, Work)> {
    lengths.into_iter().flat_map(|length| [(length, Work::TrainingStep), (length, Work::Prediction)]).collect()
}

struct WarmUp {
    config: WarmUpConfig,
}

impl DeviceJob for WarmUp {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let WarmUpConfig { model, batch, max_length, nested, share, runtime, .. } = self.config;
        let reporter = TerminalReporter::new(runtime.quiet || share.is_some());
        let ModelFolder { bert, tokenizer, .. } = ModelFolder::open_encoder(&model).context("cannot use MODEL")?;
        let padding = PaddingRule::from(runtime.device);
        let tasks: Vec<_> =
            share.unwrap_or(Share { number: 0, count: 1 }).of(tasks(padded_lengths(padding, max_length)).into_iter()).collect();
        let random = weights::random_model::<B>(&bert, OptionalHeads { nested, clusters: None }, 1, device);
        let mut replicas =
            vec![TrainState { model: random.with_precision(runtime.precision), optimizer: AdamW::new(AdamWConfig::default()) }];
        let objective = SpanObjective { loss: SpanLoss::CROSS_ENTROPY };
        let settings = InferenceSettings {
            special: tokenizer.special_tokens(),
            batch: batch.times(2),
            padding,
            threshold: 0.5,
            decoding: Decoding::Nearest,
            word_pieces_per_thread: 0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let task = Task::start(&reporter, "compiling and tuning", tasks.len());
        for &(length, work) in &tasks {
            let shape = || format!("sequences of {length} word pieces");
            match work {
                Work::TrainingStep => {
                    let training = sequences(&mut rng, batch, length, bert.vocab_size);
                    let indices: Vec<usize> = (0..training.sequences.len()).collect();
                    let batches = [Batch::new(&training.sequences, &indices, settings.special, padding)];
                    drop(train_step(&mut replicas, &objective, &batches, DROPOUT, &mut rng, 0.0));
                }
                Work::Prediction => {
                    let evaluation = sequences(&mut rng, settings.batch, length, bert.vocab_size);
                    let silent = Task::start(&Silent, "predicting", 0);
                    drop(inference::predict_spans(&replicas[0].model.valid(), &evaluation, settings, device, &silent));
                }
            }
            B::sync(device).map_err(|error| anyhow!("the device failed at {}: {error:?}", shape()))?;
            reporter.step(1, &shape);
            if share.is_some() {
                to_stdout(&shape())?;
            }
        }
        drop(task);
        reporter.message(&format!("kernels for lengths up to {max_length} word pieces are compiled and tuned"));
        Ok(())
    }
}

/// The lengths that batches are padded to, longest first, so that a batch that does not fit into memory fails at once.
fn padded_lengths(padding: PaddingRule, max_length: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = (NOT_CONTEXT + 1..=max_length.max(NOT_CONTEXT + 1)).map(|length| padding.padded(length)).collect();
    lengths.dedup();
    lengths.reverse();
    lengths
}

/// A batch of random sequences of one length.
fn sequences(rng: &mut ChaCha8Rng, batch: BatchSize, length: usize, vocabulary: usize) -> Dataset {
    let count = match batch {
        BatchSize::Sequences(count) => count,
        BatchSize::Tokens(tokens) => (tokens / length).max(1),
    };
    let mut text = |count: usize| -> Arc<[u32]> { (0..count).map(|_| rng.random_range(0..vocabulary as u32)).collect() };
    let query = text(NOT_CONTEXT - 3);
    let mut data = Dataset { labels: vec![String::new()], ..Dataset::default() };
    for triple in 0..count {
        let context = text(length - NOT_CONTEXT);
        let window = 0..context.len();
        data.offsets.push((0..context.len() as u32).map(|at| (at, at + 1)).collect());
        data.gold.push(GoldSpans { label: 0, spans: Vec::new() });
        data.sequences.push(Sequence { triple, query: query.clone(), context, window, answers: vec![(0, 0)], answers_before: 0 });
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_comes_once_and_the_longest_first() {
        assert_eq!(padded_lengths(PaddingRule::FewLengths, 100), [128, 96, 64, 48, 32, 16]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let data = sequences(&mut rng, BatchSize::Tokens(1000), 64, 50);
        assert_eq!(data.sequences.len(), 15);
        assert!(data.sequences.iter().all(|sequence| sequence.length() == 64));
    }
}
