//! The training loop that all stages share.

use std::time::Instant;

use anyhow::{Result, bail};
use burn::module::{AutodiffModule, Module};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use rand::RngCore;

use super::checkpoint_state::{self, Position, State, Use};
use super::objective::Objective;
use super::prefetch;
use super::throughput::Meter;
use crate::answer::{self, Reading};
use crate::commands::progress::Progress;
use crate::config::TrainConfig;
use crate::data::{Batch, DataSet, Steps};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Reader, weights};
use crate::optim::{AdamW, List, Schedule};
use crate::run::{RunWriter, checkpoint};

/// Triples that an error names at most.
const NAMED: usize = 8;

/// What a stage is trained and judged on.
#[derive(Debug)]
pub struct Data<'a> {
    /// The training set.
    pub train: DataSet,
    /// The set that the best weights are chosen by.
    pub dev: Option<&'a DataSet>,
    /// How sequences are read in evaluation.
    pub reading: Reading,
}

/// What learns.
pub struct Learner<B: TrainBackend> {
    /// The model.
    pub reader: Reader<B>,
    /// Its optimizer.
    pub optimizer: AdamW<B::InnerBackend>,
}

/// Trains from where `state` says that it stands, and writes weights, checkpoints and metrics to the run. With several devices,
/// each computes every so many-th batch of a step, and all make the same update.
///
/// The run's weights are the best ones on dev by F1, the later of equal ones; without dev, they are the last ones.
///
/// # Errors
/// A loss that is not a number, by its step and triples; failed writes; what the objective says.
pub fn train<B: TrainBackend>(
    config: &TrainConfig,
    mut data: Data<'_>,
    learner: Learner<B>,
    mut state: State,
    objective: &mut impl Objective<B>,
    run: &mut RunWriter,
    devices: &[B::Device],
) -> Result<State> {
    let target = config.environment.device;
    let steps = Steps { batch: config.batch, accumulate: config.accumulate, device: target };
    let shuffler = checkpoint_state::generator(config.seed, Use::Shuffle, 0);
    let total = steps.count(&data.train.sequences, config.epochs, shuffler).min(config.max_steps.unwrap_or(usize::MAX));
    let schedule = Schedule::new(config.lr, config.warmup, total);
    let mut dropout_seeds = checkpoint_state::generator(config.seed, Use::Dropout, state.dropout_words);
    let mut meter = Meter::start(state.seconds, target.is_gpu());
    let mut progress = Progress::start("training", total, config.environment.quiet);
    progress.skip(state.position.step);
    progress.say(&format!("{}: {} sequences, {total} steps", config.stage.name(), data.train.sequences.len()));
    if data.dev.is_none() {
        progress.say("no --dev: the last weights will be the result");
    }
    let mut learners = vec![learner];
    let over = |state: &State| state.position.step == total || config.patience.is_some_and(|most| state.judge.without_better >= most);

    loop {
        let Position { epoch, of_epoch, .. } = state.position;
        progress.pause(|| objective.begin_epoch(epoch, of_epoch > 0, &mut learners[0], &mut data.train))?;
        meter.resume();
        // Alike from here on: each makes every update.
        let others: Vec<Learner<B>> = devices.iter().skip(1).map(|device| learners[0].on(device)).collect();
        learners.extend(others);
        let mut shuffler = checkpoint_state::generator(config.seed, Use::Shuffle, state.shuffle_words);
        let epoch_steps = steps.of_epoch(&data.train.sequences, &mut shuffler);
        let mut unread: Vec<Unread<B::InnerBackend>> = Vec::new();
        prefetch::with_batches(&data.train, data.reading, &epoch_steps[of_epoch..], |batches| -> Result<()> {
            while !over(&state) {
                let asked = Instant::now();
                let Ok(batches) = batches.recv() else { break };
                meter.begin(&batches, asked.elapsed());
                let lr = schedule.at(state.position.step);
                let loss = update(&mut learners, &*objective, &batches, config.dropout as f32, &mut dropout_seeds, lr);
                meter.end();
                let position = &mut state.position;
                position.step += 1;
                position.of_epoch += 1;
                unread.push(Unread { step: position.step, loss, batches });

                let (done, epoch_done) = (position.step == total, position.of_epoch == epoch_steps.len());
                let every = |steps: usize| steps > 0 && position.step.is_multiple_of(steps);
                let evaluate = done || epoch_done || every(config.eval_every);
                let save = done || epoch_done || config.save_every.map_or(evaluate, every);
                if every(target.steps_per_reading()) || evaluate || save {
                    meter.read(&read(std::mem::take(&mut unread), &data.train)?);
                    run.record(&meter.line(*position, lr))?;
                }
                progress.step(|| meter.message(lr, state.judge.best.as_ref().map(|best| best.scores.micro().f1())));

                let best = match data.dev {
                    _ if !evaluate => false,
                    None => true,
                    Some(dev) => {
                        let answers = progress.pause(|| answer::answers(&learners[0].reader.valid(), dev, data.reading, &devices[0]))?;
                        let scores = answer::score(dev, &answers);
                        let mut line = meter.line(state.position, lr);
                        line["dev"] = scores.to_json();
                        run.record(&line)?;
                        let f1 = scores.micro().f1();
                        let best = state.judge.judge(scores, state.position);
                        let remark = if best { ", best so far" } else { "" };
                        progress.say(&format!("step {} epoch {epoch} dev F1 {f1:.4}{remark}", state.position.step));
                        best
                    }
                };
                if best || save {
                    state.dropout_words = checkpoint_state::words(&dropout_seeds);
                    state.seconds = meter.seconds();
                    store(&learners[0], &mut state, best, run)?;
                }
                if evaluate || save {
                    meter.resume();
                }
            }
            Ok(())
        })?;
        learners.truncate(1);
        progress.pause(|| objective.end_epoch(epoch, &learners[0].reader.valid(), &data.train))?;
        if over(&state) {
            break;
        }
        state.position = Position { step: state.position.step, epoch: epoch + 1, of_epoch: 0 };
        state.shuffle_words = checkpoint_state::words(&shuffler);
    }
    if let Some(warm_up) = meter.of_warm_up() {
        progress.say(&warm_up);
    }
    if state.position.step < total {
        progress.say(&format!("no better F1 in {} evaluations: stopped at step {}", state.judge.without_better, state.position.step));
    }
    Ok(state)
}

/// The loss of a step, on the device still.
struct Unread<B: Backend> {
    step: usize,
    loss: Tensor<B, 1>,
    batches: Vec<Batch>,
}

/// Reads losses from the device, which it is waited for, once.
fn read<B: Backend>(unread: Vec<Unread<B>>, data: &DataSet) -> Result<Vec<f32>> {
    let losses = Tensor::cat(unread.iter().map(|step| step.loss.clone()).collect(), 0);
    let losses = losses.into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32");
    let wrong = losses.iter().zip(&unread).find(|(loss, _)| !loss.is_finite());
    let Some((loss, Unread { step, batches, .. })) = wrong else { return Ok(losses) };
    let triples: Vec<usize> = batches.iter().flat_map(|batch| &batch.numbers).map(|&number| data.sequences[number].triple).collect();
    let first: Vec<String> = triples.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if triples.len() > NAMED { format!(" and {} more", triples.len() - NAMED) } else { String::new() };
    bail!(
        "the loss is {loss} at step {step}, whose batch holds the triples {}{more} of the training set, counted from 0; lower --lr or raise \
         --warmup (weights saved so far are kept)",
        first.join(", ")
    )
}

/// One step: the gradients of all its batches, those of all devices added up, then the optimizer on each device. Gives the step's
/// loss.
fn update<B: TrainBackend>(
    learners: &mut Vec<Learner<B>>,
    objective: &impl Objective<B>,
    batches: &[Batch],
    dropout: f32,
    dropout_seeds: &mut impl RngCore,
    lr: f64,
) -> Tensor<B::InnerBackend, 1> {
    let mut gradients: Vec<Option<List<B::InnerBackend>>> = learners.iter().map(|_| None).collect();
    let mut sum: Option<Tensor<B::InnerBackend, 1>> = None;
    for (at, batch) in batches.iter().enumerate() {
        let number = at % learners.len();
        let reader = &learners[number].reader;
        let loss = objective.loss(reader, batch, batches, &mut Dropouts::seeded(dropout, dropout_seeds.next_u64()));
        let value = loss.clone().inner();
        sum = Some(match sum {
            Some(sum) => sum.clone() + value.to_device(&sum.device()),
            None => value,
        });
        let more = List::of(reader, loss.backward());
        match &mut gradients[number] {
            Some(sum) => sum.add(more),
            none => *none = Some(more),
        }
    }
    let mut gradients: Vec<List<B::InnerBackend>> = gradients.into_iter().map(Option::unwrap_or_default).collect();
    if learners.len() > 1 {
        let devices: Vec<B::Device> = learners.iter().map(|learner| learner.reader.device()).collect();
        gradients = List::all_reduce(gradients, &devices);
    }
    let updated = learners.drain(..).zip(gradients).map(|(Learner { reader, mut optimizer }, gradients)| {
        let reader = optimizer.step(reader, gradients, lr);
        Learner { reader, optimizer }
    });
    *learners = updated.collect();
    sum.expect("a step has a batch")
}

impl<B: TrainBackend> Learner<B> {
    /// The same on another device.
    fn on(&self, device: &B::Device) -> Self {
        Self { reader: self.reader.clone().fork(device), optimizer: self.optimizer.on(device) }
    }
}

/// Writes a checkpoint, and before it the run's weights if they are the best: were the program killed in between, they would
/// be written again on the way from the checkpoint before.
fn store<B: TrainBackend>(learner: &Learner<B>, state: &mut State, best: bool, run: &RunWriter) -> Result<()> {
    let weights = weights::to_safetensors(&learner.reader)?;
    if best {
        run.keep(&weights)?;
    }
    state.metrics_bytes = run.sync_metrics()?;
    let moments = learner.optimizer.to_safetensors()?;
    let files = checkpoint::Files { weights: &weights, moments: &moments, state: &serde_json::to_value(&*state)? };
    checkpoint::write(run.dir(), state.position.step, &files)
}
