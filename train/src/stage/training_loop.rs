//! The training loop that all stages share.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::module::AutodiffModule;
use rand_chacha::ChaCha8Rng;

use super::cadence::Cadence;
use super::checkpoint_state::{CheckpointState, TrainPosition};
use super::epoch_steps::{EpochItem, EpochStart, TrainStep, epoch_steps};
use super::objective::Objective;
use super::pending_losses::{LossAverage, PendingLosses};
use super::rng::{self, RngStream};
use super::settings::StageSettings;
use super::throughput::Throughput;
use super::train_state::TrainState;
use super::train_step::train_step;
use crate::data::{BatchSampler, EvaluationSet, TrainingSet};
use crate::device::TrainBackend;
use crate::inference::{self, InferenceSettings};
use crate::model::weights;
use crate::optim::Schedule;
use crate::progress::{Reporter, Task};
use crate::run_folder::{RunWriter, checkpoint};

/// What the loop works with, beside training set and model.
pub struct TrainingLoop<'a, B: TrainBackend> {
    /// The run's settings.
    pub settings: &'a StageSettings,
    /// Devices that share each step.
    pub devices: &'a [B::Device],
    /// The set whose F1 selects the best weights.
    pub dev: Option<&'a EvaluationSet<'a>>,
    /// How sequences become batches, and how the model answers in evaluation.
    pub inference: InferenceSettings,
    /// The run folder.
    pub run: &'a mut RunWriter,
    /// Receives progress and messages.
    pub reporter: &'a dyn Reporter,
}

/// What changes from step to step.
struct LoopState<B: TrainBackend> {
    /// One for each device, all with equal weights.
    replicas: Vec<TrainState<B>>,
    /// What checkpoints store.
    checkpoint: CheckpointState,
    dropout_seeds: ChaCha8Rng,
    throughput: Throughput,
    losses: LossAverage,
    pending: PendingLosses<B::InnerBackend>,
    /// Learning rate of the last step.
    lr: f64,
    /// Whether all epochs are done, or `--max-steps`.
    is_complete: bool,
}

impl<B: TrainBackend> TrainingLoop<'_, B> {
    /// Trains from the position of `checkpoint` to the end, and writes weights, checkpoints and metrics to the run folder. Returns the
    /// state at the end.
    ///
    /// The weights that the run keeps are the best on dev by F1, the later of equal ones; without dev, the last ones. With several
    /// devices each computes every n-th batch of a step, and all make the same update.
    ///
    /// On the CPU the weights depend on settings, data and seed alone: not on the number of threads, nor on whether training was
    /// stopped and resumed.
    ///
    /// # Errors
    /// A training set that cannot be read; a loss that is not finite, by its step and triples; failed writes; those of the objective.
    pub fn train(
        mut self,
        mut data: TrainingSet<'_>,
        initial: TrainState<B>,
        checkpoint: CheckpointState,
        objective: &mut impl Objective<B>,
    ) -> Result<CheckpointState> {
        let StageSettings { seed, device, batch, accumulate, epochs, max_steps, .. } = *self.settings;
        let sampler = BatchSampler { batch, accumulate, padding: device.into() };
        let mut state = LoopState {
            dropout_seeds: rng::generator(seed, RngStream::Dropout, checkpoint.dropout_words),
            throughput: Throughput::start(checkpoint.seconds, device.is_gpu()),
            losses: LossAverage::default(),
            pending: PendingLosses::default(),
            replicas: vec![initial],
            lr: 0.0,
            is_complete: max_steps.is_some_and(|most| checkpoint.position.step >= most),
            checkpoint,
        };
        let task = Task::start(self.reporter, "training", max_steps.unwrap_or(0));
        self.reporter.skip(state.checkpoint.position.step);
        if self.dev.is_none() {
            self.reporter.message("no --dev: the run keeps the last weights");
        }

        loop {
            let TrainPosition { epoch, step_in_epoch, .. } = state.checkpoint.position;
            objective.begin_epoch(epoch, step_in_epoch > 0, &mut state.replicas[0], &mut data, self.reporter)?;
            if data.is_one_block() {
                data.first_look()?;
            }
            state.throughput.resume();
            state.replicate(self.devices);
            let position = state.checkpoint.block_position();
            let start = EpochStart { seed, shuffle_words: state.checkpoint.shuffle_words, position };
            let shuffle_words = epoch_steps(&data, sampler, start, |items| -> Result<Option<u64>> {
                while !self.is_over(&state) {
                    let asked = Instant::now();
                    // The sender is gone after it failed, and its error was received.
                    let Ok(item) = items.recv() else { break };
                    match item? {
                        EpochItem::Step(step) => self.step(&mut state, &*objective, step, asked.elapsed())?,
                        EpochItem::End { shuffle_words } => return Ok(Some(shuffle_words)),
                    }
                }
                Ok(None)
            })?;
            state.replicas.truncate(1);
            objective.end_epoch(epoch, &state.replicas[0].model.valid(), self.reporter)?;
            let Some(shuffle_words) = shuffle_words.filter(|_| epoch < epochs) else { break };
            let step = state.checkpoint.position.step;
            state.checkpoint.position = TrainPosition { step, epoch: epoch + 1, step_in_epoch: 0 };
            state.checkpoint.block = None;
            state.checkpoint.shuffle_words = shuffle_words;
        }
        drop(task);
        self.report_end(&state);
        Ok(state.checkpoint)
    }

    fn is_over(&self, state: &LoopState<B>) -> bool {
        state.is_complete || state.checkpoint.best.exhausts(self.settings.patience)
    }

    /// Share that is done of what the learning rate's schedule covers: an epoch where each begins anew, else the training.
    fn share_of_schedule(&self, epoch: usize, done: f64, step: usize) -> f64 {
        if self.settings.stage.restarts() { done } else { self.share_done(epoch, done, step) }
    }

    /// Share of the training that is done, by the share of its epoch and the number of steps. Training ends with its data or with
    /// `--max-steps`, whichever comes first.
    fn share_done(&self, epoch: usize, done: f64, step: usize) -> f64 {
        let of_data = ((epoch - 1) as f64 + done) / self.settings.epochs as f64;
        self.settings.max_steps.map_or(of_data, |most| of_data.max(step as f64 / most as f64))
    }

    fn step(&mut self, state: &mut LoopState<B>, objective: &impl Objective<B>, step: TrainStep, waited: Duration) -> Result<()> {
        let TrainStep { batches, position, done, ends_epoch } = step;
        state.throughput.begin_step(&batches, waited);
        let TrainPosition { step, epoch, .. } = state.checkpoint.position;
        let [before, after] = [(done[0], step), (done[1], step + 1)].map(|(done, step)| self.share_of_schedule(epoch, done, step));
        state.lr = Schedule { lr: self.settings.lr, warmup: self.settings.warmup }.at(before, after);
        let dropout = self.settings.dropout as f32;
        let loss = train_step(&mut state.replicas, objective, &batches, dropout, &mut state.dropout_seeds, state.lr);
        state.throughput.end_step();
        state.checkpoint.position.step += 1;
        state.checkpoint.position.step_in_epoch += 1;
        state.checkpoint.block = Some(position);
        state.is_complete = (ends_epoch && epoch == self.settings.epochs) || self.settings.max_steps == Some(step + 1);
        state.pending.push(step + 1, loss, batches);
        self.reporter.expect(((step + 1) as f64 / self.share_done(epoch, done[1], step + 1)).round() as usize);
        let is_last = ends_epoch || state.is_complete;
        self.after_step(state, is_last)
    }

    /// Records, evaluates and saves, as far as it is due.
    fn after_step(&mut self, state: &mut LoopState<B>, is_last: bool) -> Result<()> {
        let cadence = Cadence {
            eval_every: self.settings.eval_every,
            save_every: self.settings.save_every,
            log_every: self.settings.device.steps_between_loss_reads(),
        };
        let due = cadence.due(state.checkpoint.position.step, is_last);
        if due.log {
            state.losses.add(&state.pending.read()?);
            state.throughput.synced();
            self.run.record(&state.metrics())?;
        }
        self.reporter.step(1, &|| state.status());
        let keep = due.evaluate && self.evaluate(state)?;
        if keep || due.save {
            self.save(state, keep)?;
        }
        if due.evaluate || due.save {
            state.throughput.resume();
        }
        Ok(())
    }

    /// Evaluates on dev, if there is one. Returns whether the current weights are the ones to keep.
    fn evaluate(&mut self, state: &mut LoopState<B>) -> Result<bool> {
        let Some(dev) = self.dev else { return Ok(true) };
        let model = state.replicas[0].model.valid();
        let scores = inference::evaluate(&model, dev, self.inference, &self.devices[0], self.reporter).context("cannot read --dev")?;
        let mut line = state.metrics();
        line["dev"] = scores.to_json();
        self.run.record(&line)?;
        let f1 = scores.micro().f1();
        let TrainPosition { step, epoch, .. } = state.checkpoint.position;
        let keep = state.checkpoint.best.add(scores, state.checkpoint.position);
        let remark = if keep { ", best so far" } else { "" };
        self.reporter.message(&format!("step {step} epoch {epoch} dev F1 {f1:.4}{remark}"));
        Ok(keep)
    }

    /// Writes a checkpoint, and before it the run's weights if they are to be kept: a process that is killed in between writes
    /// them again after it resumed from the checkpoint before.
    fn save(&self, state: &mut LoopState<B>, keep: bool) -> Result<()> {
        state.checkpoint.dropout_words = rng::words_drawn(&state.dropout_seeds);
        state.checkpoint.seconds = state.throughput.seconds();
        let TrainState { model, optimizer } = &state.replicas[0];
        let weights = weights::to_safetensors(model)?;
        if keep {
            self.run.keep_weights(&weights)?;
        }
        state.checkpoint.metrics_bytes = self.run.sync_metrics()?;
        let optimizer_state = optimizer.to_safetensors()?;
        let loop_state = serde_json::to_value(&state.checkpoint)?;
        let files = checkpoint::CheckpointFiles { weights: &weights, optimizer_state: &optimizer_state, state: &loop_state };
        checkpoint::write(self.run.dir(), state.checkpoint.position.step, &files)
    }

    fn report_end(&self, state: &LoopState<B>) {
        if let Some((steps, seconds)) = state.throughput.warm_up() {
            self.reporter.message(&format!("warm-up: {seconds:.1} s in {steps} steps with batches of new shapes"));
        }
        let CheckpointState { position, best, .. } = &state.checkpoint;
        if !state.is_complete && best.exhausts(self.settings.patience) {
            let (evaluations, step) = (best.evaluations_without_gain, position.step);
            self.reporter.message(&format!("stopped early at step {step}: {evaluations} evaluations without a better F1 on --dev"));
        }
    }
}

impl<B: TrainBackend> LoopState<B> {
    /// Copies the state of the first device to the others.
    fn replicate(&mut self, devices: &[B::Device]) {
        let others: Vec<TrainState<B>> = devices.iter().skip(1).map(|device| self.replicas[0].to_device(device)).collect();
        self.replicas.extend(others);
    }

    /// A few words for the progress line.
    fn status(&self) -> String {
        let (lr, loss, speed, busy) = (self.lr, self.losses.smooth, self.throughput.sequences_per_second(), self.throughput.busy() * 100.0);
        let best = self.checkpoint.best.f1().map_or(String::new(), |f1| format!(" best dev F1 {f1:.4}"));
        format!("loss {loss:.4} lr {lr:.1e} {speed:.1} seq/s busy {busy:.0} %{best}")
    }

    /// A line of `metrics.jsonl`.
    fn metrics(&self) -> serde_json::Value {
        let mut line = serde_json::json!({
            "step": self.checkpoint.position.step,
            "epoch": self.checkpoint.position.epoch,
            "loss": self.losses.last,
            "lr": self.lr,
            "seconds": self.throughput.seconds(),
            "busy": (self.throughput.busy() * 1e4).round() / 1e4,
        });
        if let Some((_, seconds)) = self.throughput.warm_up() {
            line["warm_up_seconds"] = ((seconds * 1e3).round() / 1e3).into();
        }
        line
    }
}

#[cfg(test)]
mod tests;
