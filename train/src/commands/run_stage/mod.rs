//! Runs a training stage, from the beginning or from its last checkpoint: what `train`, `resume` and `pipeline` share.

mod first_look;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::terminal::{TerminalReporter, to_stdout};
use crate::config::TrainConfig;
use crate::data::{EvaluationSet, TrainingSet, TripleEncoder, TripleFolder};
use crate::device::{DeviceJob, TrainBackend};
use crate::inference::{self, InferenceSettings};
use crate::progress::Reporter;
use crate::run_folder::{CreateOptions, ModelFolder, RunLock, RunWriter, checkpoint, layout, write_model_description};
use crate::stage::{
    CheckpointState, ClusterObjective, DataHashes, InitialState, InitialWeights, PseudoLabels, SelfTrainingObjective, SpanObjective, Stage,
    TrainingLoop, last_round,
};

/// Where a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// At its first step.
    Beginning,
    /// At its last checkpoint, or its first step if it was stopped before the first checkpoint.
    LastCheckpoint,
}

/// Trains a stage, writes its run folder, and prints its scores.
///
/// # Errors
/// Input that cannot be read, a run that cannot be started or resumed, a device that cannot be used, a failed write, a loss that is
/// not finite.
pub fn run_stage(config: TrainConfig, from: StartFrom) -> Result<()> {
    config.settings.device.run(StageJob { config, from })
}

/// The configuration with the last round of `--data` in its place, if that is a run of stage 2.
///
/// # Errors
/// It is a run without a finished round.
pub fn with_last_round(mut config: TrainConfig) -> Result<TrainConfig> {
    let data = &config.settings.data;
    if layout::is_run(data) {
        config.settings.data = last_round(data).with_context(|| {
            format!("--data {}: the run has no finished round of relabelled triples; only runs of `train nee` have them", data.display())
        })?;
    }
    Ok(config)
}

struct StageJob {
    config: TrainConfig,
    from: StartFrom,
}

impl DeviceJob for StageJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let TrainConfig { settings, run: dir, overwrite, quiet, .. } = &self.config;
        let reporter = TerminalReporter::new(*quiet);
        let devices = devices::<B>(&self.config, device)?;
        let resume = self.from == StartFrom::LastCheckpoint;
        let lock = resume.then(|| RunLock::acquire(dir)).transpose()?;
        ensure!(!resume || !layout::is_finished(dir), "run {} is finished", dir.display());
        let stored = if resume { checkpoint::newest(dir)? } else { None };
        let InitialState { bert, tokenizer, train: initial, checkpoint: mut state, left_out } = match &stored {
            Some(checkpoint) => InitialState::<B>::from_checkpoint(settings, dir, checkpoint, device)?,
            None => InitialState::<B>::fresh(settings, device)?,
        };
        let positions = bert.max_length();
        ensure!(
            settings.max_length <= positions,
            "--max-length {} is more than the {positions} position embeddings of the encoder",
            settings.max_length
        );
        first_look::report_left_out(&left_out, &reporter);
        if let (InitialWeights::Run(run), None) = (&settings.initial, &stored) {
            layout::unfinished_warning(run).iter().for_each(|warning| reporter.message(warning));
        }
        let encoder = TripleEncoder::new(&tokenizer, settings.max_length);
        let mut data = TrainingSet::open(&settings.data, encoder, settings.shuffle_buffer).context("cannot read --data")?;
        ensure!(!data.folder().is_empty(), "{} holds no triples to train on", settings.data.display());
        let open = |dir: &Path, option: &str| {
            EvaluationSet::open(dir, encoder, settings.shuffle_buffer).with_context(|| format!("cannot read --{option}"))
        };
        let dev = settings.dev.as_deref().map(|dir| open(dir, "dev")).transpose()?;
        let test = settings.test.as_deref().map(|dir| open(dir, "test")).transpose()?;
        let unlabelled = settings.unlabelled.as_deref().map(|dir| TripleFolder::open(dir, encoder, TripleFolder::SLICE));
        let unlabelled = unlabelled.transpose().context("cannot read --unlabelled")?;
        let hashes = DataHashes::of(
            data.folder(),
            unlabelled.as_ref(),
            dev.as_ref().map(EvaluationSet::folder),
            test.as_ref().map(EvaluationSet::folder),
        );
        if let Some(changed) = hashes.changed_since(&state.hashes) {
            let folder = [
                ("data", Some(&settings.data)),
                ("unlabelled", settings.unlabelled.as_ref()),
                ("dev", settings.dev.as_ref()),
                ("test", settings.test.as_ref()),
            ];
            let folder = folder.into_iter().find(|(option, _)| *option == changed).and_then(|(_, dir)| dir);
            bail!(
                "cannot resume {}: --{changed} {} holds other triples than when the run began; put those back, or start a new run",
                dir.display(),
                folder.map_or(String::new(), |dir| dir.display().to_string())
            );
        }
        state.hashes = hashes;
        first_look::report(&mut data, dev.as_ref(), test.as_ref(), &reporter)?;

        let mut run = match &stored {
            Some(checkpoint) => {
                checkpoint::keep_only(checkpoint)?;
                RunWriter::resume(dir, lock.context("a run is locked before it is resumed")?, state.metrics_bytes, settings.tensorboard)?
            }
            None => {
                let lock = lock.map_or_else(|| RunLock::acquire(dir), Ok)?;
                // A run that was stopped before its first checkpoint has nothing to keep.
                let options = CreateOptions { overwrite: *overwrite || resume, tensorboard: settings.tensorboard };
                let run = RunWriter::create(dir, lock, settings, options)?;
                write_model_description(dir, &bert, &tokenizer)?;
                run
            }
        };
        // Without gradients, a batch twice as large takes less memory than a training step.
        let inference = InferenceSettings::new(&tokenizer, settings.batch.times(2), settings.decoding, settings.device);
        let training = TrainingLoop { settings, devices: &devices, dev: dev.as_ref(), inference, run: &mut run, reporter: &reporter };
        let loss = settings.loss;
        let state = match settings.stage {
            Stage::Esi | Stage::Finetune => training.train(data, initial, state, &mut SpanObjective { loss })?,
            Stage::Nee(relabel) => {
                let mut objective = SelfTrainingObjective::<B>::new(settings, relabel, device, encoder, inference, dir)?;
                training.train(data, initial, state, &mut objective)?
            }
            Stage::Fet(clusters) => {
                let mut objective = ClusterObjective::<B> {
                    device,
                    settings: clusters,
                    loss,
                    inference,
                    run: dir,
                    seed: settings.seed,
                    deviation: bert.initializer_range,
                    labels: PseudoLabels::default(),
                };
                training.train(data, initial, state, &mut objective)?
            }
        };
        let mut result = result(settings.stage, &state);
        if let Some(test) = &test {
            // Loaded from the folder, so that the weights that are scored are those that others will find there.
            let best = ModelFolder::open_run(dir)?.load_trained::<B::InnerBackend>(device)?.with_precision(settings.precision);
            let scores = inference::evaluate(&best, test, inference, device, &reporter).context("cannot read --test")?;
            run.record(&serde_json::json!({ "test": scores.to_json() }))?;
            result["test"] = scores.to_json();
            print_scores(&format!("test\n{scores}\n"));
        }
        run.finish(&result)?;
        reporter.message(&format!("finished after {} steps: {}", state.position.step, dir.display()));
        Ok(())
    }
}

/// Writes scores to standard output. `result.json` holds them too, so that nothing is lost where nobody can read them.
fn print_scores(text: &str) {
    let _ = to_stdout(text);
}

/// The run's `result.json`, without the scores on test; prints the best scores on dev.
fn result(stage: Stage, state: &CheckpointState) -> serde_json::Value {
    let mut result = serde_json::json!({ "stage": stage.name(), "steps": state.position.step, "epochs": state.position.epoch });
    if let Some(best) = &state.best.evaluation {
        print_scores(&format!("best on dev: step {}, epoch {}\n{}\n", best.position.step, best.position.epoch, best.scores));
        result["best_step"] = best.position.step.into();
        result["dev"] = best.scores.to_json();
    }
    result
}

/// The devices that share each step: those of `--devices`, or the one.
fn devices<B: TrainBackend>(config: &TrainConfig, device: &B::Device) -> Result<Vec<B::Device>> {
    let names = &config.settings.devices;
    if names.len() < 2 {
        return Ok(vec![device.clone()]);
    }
    let devices: Vec<B::Device> = names.iter().map(|&device| B::backend_device(device)).collect();
    B::check_all_reduce(names)?;
    Ok(devices)
}
