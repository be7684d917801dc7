//! The training loop that all stages share.

use std::time::Instant;

use anyhow::{Result, bail};
use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::TrainConfig;
use crate::data::batch::Specials;
use crate::data::{Batch, DataSet, shuffled_batches};
use crate::device::TrainBackend;
use crate::metric::Scores;
use crate::model::{Dropouts, Reader};
use crate::optim::{AdamW, Schedule};
use crate::progress::Progress;
use crate::run::{Position, RunWriter};

/// What a stage is trained and judged on.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// The training set.
    pub train: &'a DataSet,
    /// The set that the best weights are chosen by.
    pub dev: Option<&'a DataSet>,
    /// Numbers of the special pieces.
    pub specials: Specials,
}

/// Trains `reader` to lower `objective`, which gives a batch's loss as `[1]`, and writes weights and metrics to the run.
///
/// The run's weights are the best ones on dev by F1, the later of equal ones, and what they scored is returned; without dev,
/// they are the last ones.
///
/// # Errors
/// A loss that is not a number, by its step; failed writes.
pub fn train<B: TrainBackend>(
    config: &TrainConfig,
    data: Data<'_>,
    mut reader: Reader<B>,
    objective: impl Fn(&Reader<B>, &Batch, &mut Dropouts) -> Tensor<B, 1>,
    run: &mut RunWriter,
    device: &B::Device,
) -> Result<Option<Best>> {
    let sequences = &data.train.sequences;
    let per_epoch = sequences.len().div_ceil(config.batch);
    let total = (per_epoch * config.epochs).min(config.max_steps.unwrap_or(usize::MAX));
    let schedule = Schedule::new(config.lr, config.warmup, total);
    let mut optimizer = AdamW::<B::InnerBackend>::new(config.optimizer);
    let mut shuffler = ChaCha8Rng::seed_from_u64(config.seed);
    let mut dropout_seeds = ChaCha8Rng::seed_from_u64(config.seed);
    dropout_seeds.set_stream(1);
    let target = config.environment.device;
    let mut judge = Judge::default();
    let mut meter = Meter::start();
    let mut progress = Progress::start("training", total, config.environment.quiet);
    let mut position = Position { step: 0, epoch: 0 };
    if !config.environment.quiet {
        progress.say(&format!("{}: {} sequences, {total} steps of {}", config.stage, sequences.len(), config.batch));
        if data.dev.is_none() {
            progress.say("no --dev: the last weights will be the result");
        }
    }

    'training: while position.step < total {
        position.epoch += 1;
        let epoch = shuffled_batches(sequences, config.batch, &mut shuffler);
        let last_of_epoch = epoch.len() - 1;
        for (number, numbers) in epoch.into_iter().enumerate() {
            let batch = Batch::new(numbers.iter().map(|&number| &sequences[number]), data.specials, target.length_multiple());
            let mut dropouts = Dropouts::seeded(config.dropout as f32, dropout_seeds.next_u64());
            let lr = schedule.at(position.step);
            let loss = objective(&reader, &batch, &mut dropouts);
            let gradients = loss.backward();
            reader = optimizer.step(reader, gradients, lr);
            position.step += 1;
            meter.sequences += batch.size;

            let done = position.step == total;
            if position.step.is_multiple_of(target.steps_per_reading()) || done {
                meter.read(loss, position.step)?;
                run.record(&meter.line(position, lr))?;
            }
            progress.step(|| format!("loss {:.4} {:.1} seq/s lr {lr:.2e}", meter.smooth, meter.rate()));

            let due = if config.eval_every == 0 { number == last_of_epoch } else { position.step.is_multiple_of(config.eval_every) };
            if due || done {
                let best = match data.dev {
                    None => true,
                    Some(dev) => {
                        let scores = progress.pause(|| super::evaluate::<B>(&reader.valid(), dev, config, data.specials, device))?;
                        let mut line = meter.line(position, lr);
                        line["dev"] = scores.to_json();
                        run.record(&line)?;
                        let f1 = scores.micro().f1();
                        let best = judge.judge(scores, position);
                        let remark = if best { ", best so far" } else { "" };
                        progress.say(&format!("step {} epoch {} dev F1 {f1:.4}{remark}", position.step, position.epoch));
                        best
                    }
                };
                run.save(&reader, position, best)?;
                meter.resume();
            }
            if done {
                break 'training;
            }
            if config.patience.is_some_and(|patience| judge.without_better >= patience) {
                progress.say(&format!("no better F1 in {} evaluations: stopped at step {}", judge.without_better, position.step));
                break 'training;
            }
        }
    }
    Ok(judge.best)
}

/// The evaluation whose weights a run keeps.
#[derive(Debug, Clone)]
pub struct Best {
    /// Scores on dev.
    pub scores: Scores,
    /// When it was.
    pub position: Position,
}

/// Knows the best evaluation.
#[derive(Default)]
struct Judge {
    best: Option<Best>,
    without_better: usize,
}

impl Judge {
    /// Whether this evaluation is the best: of equal ones, the later, which has seen more.
    fn judge(&mut self, scores: Scores, position: Position) -> bool {
        let (f1, last) = (scores.micro().f1(), self.best.as_ref().map(|best| best.scores.micro().f1()));
        self.without_better = if last.is_none_or(|last| f1 > last) { 0 } else { self.without_better + 1 };
        let best = last.is_none_or(|last| f1 >= last);
        if best {
            self.best = Some(Best { scores, position });
        }
        best
    }
}

/// Loss and speed.
struct Meter {
    started: Instant,
    since: Instant,
    busy: f64,
    sequences: usize,
    loss: f32,
    smooth: f32,
}

impl Meter {
    fn start() -> Self {
        let now = Instant::now();
        Self { started: now, since: now, busy: 0.0, sequences: 0, loss: f32::NAN, smooth: f32::NAN }
    }

    fn read<B: TrainBackend>(&mut self, loss: Tensor<B, 1>, step: usize) -> Result<()> {
        self.loss = loss.into_data().convert::<f32>().to_vec::<f32>().map_or(f32::NAN, |loss| loss[0]);
        if !self.loss.is_finite() {
            bail!("the loss is {} at step {step}; lower --lr or raise --warmup (weights saved so far are kept)", self.loss);
        }
        self.smooth = if self.smooth.is_nan() { self.loss } else { 0.95 * self.smooth + 0.05 * self.loss };
        self.busy += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        Ok(())
    }

    /// Time spent on evaluation is no training.
    fn resume(&mut self) {
        self.since = Instant::now();
    }

    fn rate(&self) -> f64 {
        self.sequences as f64 / self.busy.max(1e-9)
    }

    fn line(&self, position: Position, lr: f64) -> serde_json::Value {
        serde_json::json!({
            "step": position.step,
            "epoch": position.epoch,
            "loss": self.loss,
            "lr": lr,
            "seconds": (self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Counts;

    #[test]
    fn the_later_of_equal_evaluations_is_best_but_no_better() {
        let mut judge = Judge::default();
        let mut check = |correct: u64, best: bool, without_better: usize| {
            let counts = Counts { correct, predicted: 9, support: 9 };
            let scores = Scores { labels: [("PER".to_owned(), counts)].into() };
            let position = Position { step: 1, epoch: 1 };
            assert_eq!((judge.judge(scores, position), judge.without_better), (best, without_better), "{correct}");
        };
        check(0, true, 0);
        check(5, true, 0);
        check(5, true, 1);
        check(4, false, 2);
        check(6, true, 0);
    }
}
