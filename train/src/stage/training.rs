//! The training loop that all stages share.

use anyhow::Result;
use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use rand::RngCore;

use super::meter::Meter;
use super::objective::Objective;
use super::state::{self, Position, State, Use};
use crate::answer::{self, Reading};
use crate::config::TrainConfig;
use crate::data::{Batch, DataSet, Steps};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Reader, weights};
use crate::optim::{AdamW, Schedule, add_gradients};
use crate::progress::Progress;
use crate::run::{RunWriter, checkpoint};

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

/// Trains from where `state` says that it stands, and writes weights, checkpoints and metrics to the run.
///
/// The run's weights are the best ones on dev by F1, the later of equal ones; without dev, they are the last ones.
///
/// # Errors
/// A loss that is not a number, by its step; failed writes; what the objective says.
pub fn train<B: TrainBackend>(
    config: &TrainConfig,
    mut data: Data<'_>,
    mut learner: Learner<B>,
    mut state: State,
    objective: &mut impl Objective<B>,
    run: &mut RunWriter,
    device: &B::Device,
) -> Result<State> {
    let steps = Steps { batch: config.batch, accumulate: config.accumulate };
    let shuffler = state::generator(config.seed, Use::Shuffle, 0);
    let total = steps.count(&data.train.sequences, config.epochs, shuffler).min(config.max_steps.unwrap_or(usize::MAX));
    let schedule = Schedule::new(config.lr, config.warmup, total);
    let mut dropout_seeds = state::generator(config.seed, Use::Dropout, state.dropout_words);
    let target = config.environment.device;
    let mut meter = Meter::start(state.seconds);
    let mut progress = Progress::start("training", total, config.environment.quiet);
    progress.skip(state.position.step);
    progress.say(&format!("{}: {} sequences, {total} steps", config.stage.name(), data.train.sequences.len()));
    if data.dev.is_none() {
        progress.say("no --dev: the last weights will be the result");
    }
    let over = |state: &State| state.position.step == total || config.patience.is_some_and(|most| state.judge.without_better >= most);

    loop {
        let Position { epoch, of_epoch, .. } = state.position;
        progress.pause(|| objective.begin_epoch(epoch, of_epoch > 0, &mut learner, &mut data.train))?;
        meter.resume();
        let mut shuffler = state::generator(config.seed, Use::Shuffle, state.shuffle_words);
        let epoch_steps = steps.of_epoch(&data.train.sequences, &mut shuffler);
        for step in &epoch_steps[of_epoch..] {
            if over(&state) {
                break;
            }
            let batches: Vec<Batch> = step.iter().map(|numbers| data.reading.batch(&data.train, numbers)).collect();
            let lr = schedule.at(state.position.step);
            let loss;
            (learner, loss) = update(learner, &*objective, &batches, config.dropout as f32, &mut dropout_seeds, lr);
            let position = &mut state.position;
            position.step += 1;
            position.of_epoch += 1;
            meter.count(step.iter().map(Vec::len).sum());

            let (done, epoch_done) = (position.step == total, position.of_epoch == epoch_steps.len());
            if position.step.is_multiple_of(target.steps_per_reading()) || done {
                meter.read(loss, position.step)?;
                run.record(&meter.line(*position, lr))?;
            }
            progress.step(|| meter.message(lr));

            let every = |steps: usize| steps > 0 && state.position.step.is_multiple_of(steps);
            let evaluate = done || epoch_done || every(config.eval_every);
            let save = done || epoch_done || config.save_every.map_or(evaluate, every);
            let best = match data.dev {
                _ if !evaluate => false,
                None => true,
                Some(dev) => {
                    let answers = progress.pause(|| answer::answers(&learner.reader.valid(), dev, data.reading, device))?;
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
                state.dropout_words = state::words(&dropout_seeds);
                state.seconds = meter.seconds();
                store(&learner, &mut state, best, run)?;
            }
            meter.resume();
        }
        progress.pause(|| objective.end_epoch(epoch, &learner.reader.valid(), &data.train))?;
        if over(&state) {
            break;
        }
        state.position = Position { step: state.position.step, epoch: epoch + 1, of_epoch: 0 };
        state.shuffle_words = state::words(&shuffler);
    }
    if state.position.step < total {
        progress.say(&format!("no better F1 in {} evaluations: stopped at step {}", state.judge.without_better, state.position.step));
    }
    Ok(state)
}

/// One step: the gradients of all its batches, then the optimizer. Gives the step's loss too.
fn update<B: TrainBackend>(
    Learner { reader, mut optimizer }: Learner<B>,
    objective: &impl Objective<B>,
    batches: &[Batch],
    dropout: f32,
    dropout_seeds: &mut impl RngCore,
    lr: f64,
) -> (Learner<B>, Tensor<B::InnerBackend, 1>) {
    let mut backward = |batch: &Batch| {
        let loss = objective.loss(&reader, batch, batches, &mut Dropouts::seeded(dropout, dropout_seeds.next_u64()));
        (loss.clone().inner(), loss.backward())
    };
    let (first, rest) = batches.split_first().expect("a step has a batch");
    let (mut loss, mut gradients) = backward(first);
    for batch in rest {
        let (more_loss, more) = backward(batch);
        loss = loss + more_loss;
        add_gradients(&reader, &mut gradients, &more);
    }
    let reader = optimizer.step(reader, gradients, lr);
    (Learner { reader, optimizer }, loss)
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
