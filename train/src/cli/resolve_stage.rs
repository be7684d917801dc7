//! Turns the options of a stage into its settings.

use std::path::Path;

use super::common_args::CommonArgs;
use super::stage_args::{DEFAULT_BATCH, FetArgs, NeeArgs, StageArgs};
use crate::config::{TrainConfig, UsageError};
use crate::data::BatchSize;
use crate::device::Device;
use crate::model::{LossFunction, SpanLoss};
use crate::optim::AdamWConfig;
use crate::stage::recipe::StageDefaults;
use crate::stage::settings::{ClusterSettings, InitialWeights, RelabelMode, RelabelSettings, Stage, StageSettings};

/// Settings of stage 1.
pub fn esi(args: StageArgs) -> Result<TrainConfig, UsageError> {
    stage(Stage::Esi, args.recipe.esi(), args, false)
}

/// Settings of stage 2.
pub fn nee(args: NeeArgs) -> Result<TrainConfig, UsageError> {
    let NeeArgs { stage: mut common, relabel_threshold: threshold, relabel_growth: growth, .. } = args;
    let recipe = common.recipe;
    let (mode, restart) = (args.relabel.unwrap_or(recipe.relabel()), args.restart || recipe.restarts());
    let confidence = args.unlabelled_confidence;
    if mode == RelabelMode::Keep && args.unlabelled.is_none() && args.relabel.is_none() {
        // There is nothing that a second round would add.
        common.epochs.get_or_insert(1);
    }
    check(threshold > 0.0 && threshold < 1.0, || format!("--relabel-threshold {threshold} is not between 0 and 1"))?;
    check((0.0..=1.0).contains(&confidence), || format!("--unlabelled-confidence {confidence} is not between 0 and 1"))?;
    check(mode != RelabelMode::Keep || args.unlabelled.is_some() || common.epochs == Some(1), || {
        "--relabel keep changes nothing without --unlabelled: use --epochs 1 to train on --data as it is".to_owned()
    })?;
    let settings = RelabelSettings { threshold, growth, mode, confidence, restart };
    let mut config = stage(Stage::Nee(settings), recipe.nee(), common, args.noise_weighting)?;
    config.settings.unlabelled = args.unlabelled;
    Ok(config)
}

/// Settings of stage 3.
pub fn fet(args: FetArgs) -> Result<TrainConfig, UsageError> {
    let FetArgs { stage: common, clusters, gamma, clustering: method, cluster_iterations: iterations, .. } = args;
    check(clusters > 1, || "--clusters must be at least 2".to_owned())?;
    check(iterations > 0, || "--cluster-iterations must be at least 1".to_owned())?;
    check(args.pca > 0, || "--pca must be at least 1".to_owned())?;
    check(gamma >= 0.0 && gamma.is_finite(), || format!("--gamma {gamma} is not a number from 0 up"))?;
    let (init, pca, pool, head) = (args.cluster_start, args.pca, args.pool, args.cluster_head);
    let settings = ClusterSettings { clusters, gamma, method, iterations, init, pca, pool, head };
    stage(Stage::Fet(settings), common.recipe.fet(), common, args.noise_weighting)
}

/// Settings of stage 4.
pub fn finetune(args: StageArgs) -> Result<TrainConfig, UsageError> {
    let defaults = if args.encoder.is_some() { args.recipe.finetune_encoder() } else { args.recipe.finetune() };
    stage(Stage::Finetune, defaults, args, false)
}

/// Checks `--batch`.
pub fn check_batch(batch: usize) -> Result<(), UsageError> {
    check(batch > 0, || "--batch must be at least 1".to_owned())
}

/// Settings of a stage; `defaults` stand where the user gives none.
fn stage(stage: Stage, defaults: StageDefaults, args: StageArgs, noise_weighting: bool) -> Result<TrainConfig, UsageError> {
    let (lr, epochs) = (args.lr.unwrap_or(defaults.lr), args.epochs.unwrap_or(defaults.epochs));
    let (warmup, positive_weight) = (args.warmup.unwrap_or(defaults.warmup), args.positive_weight);
    check(lr > 0.0 && lr.is_finite(), || format!("--lr {lr} is not a positive number"))?;
    check(epochs > 0, || "--epochs must be at least 1".to_owned())?;
    check((0.0..=1.0).contains(&warmup), || format!("--warmup {warmup} is not a fraction of the steps, from 0 to 1"))?;
    check((0.0..1.0).contains(&args.dropout), || format!("--dropout {} is not in [0, 1)", args.dropout))?;
    check(args.weight_decay >= 0.0, || format!("--weight-decay {} is negative", args.weight_decay))?;
    check(args.clip > 0.0, || format!("--clip {} is not positive", args.clip))?;
    check(positive_weight > 0.0 && positive_weight.is_finite(), || {
        format!("--positive-weight {positive_weight} is not a positive number")
    })?;
    check(args.max_steps != Some(0), || "--max-steps must be at least 1".to_owned())?;
    check(args.patience != Some(0), || "--patience must be at least 1".to_owned())?;
    check(args.patience.is_none() || args.dev.is_some(), || "--patience needs --dev".to_owned())?;
    check(args.save_every != Some(0), || "--save-every must be at least 1".to_owned())?;
    at_least_one("--accumulate", args.accumulate)?;
    at_least_one("--shuffle-buffer", args.shuffle_buffer)?;
    let batch = batch_size(args.batch, args.max_tokens, args.max_length)?;
    let (device, devices) = devices(&args)?;
    let function = if noise_weighting { LossFunction::GeneralizedCrossEntropy } else { LossFunction::CrossEntropy };
    let settings = StageSettings {
        stage,
        initial: initial_weights(&args)?,
        data: args.data,
        unlabelled: None,
        dev: args.dev,
        test: args.test,
        device,
        precision: args.common.precision,
        seed: args.seed,
        epochs,
        max_steps: args.max_steps,
        batch,
        accumulate: args.accumulate * devices.len().max(1),
        devices,
        shuffle_buffer: args.shuffle_buffer,
        max_length: args.max_length,
        lr,
        warmup,
        dropout: args.dropout,
        eval_every: args.eval_every.unwrap_or(defaults.eval_every),
        save_every: args.save_every,
        patience: args.patience,
        nested: args.nested,
        decoding: args.decoding.unwrap_or(args.recipe.decoding()),
        loss: SpanLoss { function, positive_weight },
        tensorboard: args.tensorboard,
        optimizer: AdamWConfig { weight_decay: args.weight_decay as f32, clip_norm: args.clip as f32, ..AdamWConfig::default() },
    };
    let CommonArgs { threads, quiet, .. } = args.common;
    Ok(TrainConfig { settings, run: args.out, overwrite: args.overwrite, threads, quiet })
}

/// The size of a batch that `--batch` or `--max-tokens` gives.
pub fn batch_size(batch: Option<usize>, max_tokens: Option<usize>, max_length: usize) -> Result<BatchSize, UsageError> {
    let Some(tokens) = max_tokens else {
        let batch = batch.unwrap_or(DEFAULT_BATCH);
        check_batch(batch)?;
        return Ok(BatchSize::Sequences(batch));
    };
    check(batch.is_none(), || "--batch cannot be used with --max-tokens".to_owned())?;
    check(tokens >= max_length, || format!("--max-tokens {tokens} is less than one sequence of --max-length {max_length}"))?;
    Ok(BatchSize::Tokens(tokens))
}

/// The value of an option that must be at least 1.
pub fn at_least_one(option: &str, value: usize) -> Result<usize, UsageError> {
    check(value > 0, || format!("{option} must be at least 1"))?;
    Ok(value)
}

/// The device of the run, and those of `--devices`.
fn devices(args: &StageArgs) -> Result<(Device, Vec<Device>), UsageError> {
    let devices = args.devices.clone();
    let Some(&first) = devices.first() else { return Ok((args.common.device(), devices)) };
    check(args.common.device.is_none(), || "--device cannot be used with --devices".to_owned())?;
    let alike = devices.iter().all(|device| std::mem::discriminant(device) == std::mem::discriminant(&first));
    check(alike, || "--devices must be of one kind".to_owned())?;
    Ok((first, devices))
}

fn initial_weights(args: &StageArgs) -> Result<InitialWeights, UsageError> {
    let tiny = args.encoder.as_deref() == Some(Path::new("tiny"));
    check(tiny || args.vocab.is_none(), || "--vocab goes with --encoder tiny only: other encoders have their own".to_owned())?;
    check(tiny || !args.lowercase, || "--lowercase goes with --encoder tiny only: other encoders have their own".to_owned())?;
    match (&args.encoder, &args.init) {
        (Some(_), Some(_)) => Err(UsageError::new("--encoder cannot be used with --init")),
        (Some(_), None) if tiny => Ok(InitialWeights::Tiny { vocab: args.vocab.clone(), lowercase: args.lowercase }),
        (Some(dir), None) => Ok(InitialWeights::Encoder(dir.clone())),
        (None, Some(run)) => Ok(InitialWeights::Run(run.clone())),
        (None, None) => Err(UsageError::new("--encoder is missing: the weights to start from, or `tiny`")),
    }
}

/// Fails with `message` unless `condition` holds.
fn check(condition: bool, message: impl FnOnce() -> String) -> Result<(), UsageError> {
    if condition { Ok(()) } else { Err(UsageError::new(message())) }
}
