//! The command line, checked once. Nothing deeper sees it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::QuerySet;
use serde::{Deserialize, Serialize};

use crate::cli::{Cli, Command, CommonArgs, EvaluateArgs, FetArgs, NeeArgs, PredictArgs, ResumeArgs, StageArgs};
use crate::commands::bench_step::BenchStepArgs;
use crate::commands::pipeline::Pipeline;
use crate::commands::plot;
use crate::data::BatchSize;
use crate::device::Device;
use crate::model::{Noise, Precision, Weighting};
use crate::optim::AdamWConfig;
use crate::run;
use crate::stage::Stage;
use crate::stage::pseudo_labels::Clustering;
use crate::stage::relabel::{self, Relabel};

/// A command line that makes no sense, whatever the files hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// What is wrong, with what would be right.
    pub fn new(what: String) -> Self {
        Self(what)
    }
}

/// What to do, checked.
#[derive(Debug)]
pub enum Config {
    /// Train a stage.
    Train(Box<TrainConfig>),
    /// Go on with one.
    Resume(Box<TrainConfig>),
    /// Train the stages in a row.
    Pipeline(Pipeline),
    /// Write a run as other programs read it.
    Export(ExportConfig),
    /// Measure a step.
    BenchStep(Box<BenchStepArgs>),
    /// Compare a device with the CPU.
    CheckDevice {
        /// The device.
        device: Device,
        /// Threads of the processor; 0: one for each core.
        threads: usize,
    },
    /// Draw a run.
    Plot(PlotConfig),
    /// Score a run.
    Evaluate(EvaluateConfig),
    /// Mark entities.
    Predict(Box<PredictConfig>),
}

/// Where and how loudly.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Environment {
    /// Where to compute.
    pub device: Device,
    /// Numbers of the encoder's matrix products.
    #[serde(default)]
    pub precision: Precision,
    /// Threads of the processor; 0: one for each core.
    #[serde(skip)]
    pub threads: usize,
    /// Print nothing but results and errors.
    #[serde(skip)]
    pub quiet: bool,
}

/// A stage's settings. Written to `run.toml` before work starts, and read from there to go on with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The stage.
    pub stage: Stage,
    /// Folder of triples to train on.
    pub data: PathBuf,
    /// Folder of triples that the best weights are chosen by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<PathBuf>,
    /// Folder of triples to score the best weights on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Folder of the run.
    #[serde(skip)]
    pub out: PathBuf,
    /// Whether an earlier run there is replaced.
    #[serde(skip)]
    pub overwrite: bool,
    /// Where and how loudly.
    #[serde(flatten)]
    pub environment: Environment,
    /// Seed of shuffling, dropout and fresh weights.
    pub seed: u64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Steps after which to stop at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// What a batch may hold.
    pub batch: BatchSize,
    /// Batches of a step, of all devices together.
    pub accumulate: usize,
    /// Devices that share a step, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Word pieces of a sequence.
    pub max_length: usize,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Share of the steps in which it rises.
    pub warmup: f64,
    /// Dropout rate.
    pub dropout: f64,
    /// Steps between evaluations, beside those at the end of each epoch; 0: none.
    pub eval_every: usize,
    /// Steps between checkpoints; without it there is one at each evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_every: Option<usize>,
    /// Evaluations without a better F1 after which to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Whether nested answers are found.
    pub nested: bool,
    /// How much each label's loss weighs.
    pub weighting: Weighting,
    /// Whether the metrics are written as TensorBoard's events too.
    #[serde(default)]
    pub tensorboard: bool,
    /// What to start from.
    pub start: Start,
    /// The optimizer.
    pub optimizer: AdamWConfig,
}

/// What training starts from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// A BERT in the Hugging Face layout; its heads are fresh.
    Encoder(PathBuf),
    /// An earlier run.
    Init(PathBuf),
    /// A small random encoder.
    Tiny {
        /// Its vocabulary; without one it is learned.
        #[serde(skip_serializing_if = "Option::is_none")]
        vocab: Option<PathBuf>,
        /// Whether case and accents are ignored.
        lowercase: bool,
    },
}

/// Settings of `export`.
#[derive(Debug)]
pub struct ExportConfig {
    /// The run.
    pub run: PathBuf,
    /// Folder to write.
    pub output: PathBuf,
    /// Whether files there are replaced.
    pub overwrite: bool,
}

/// Settings of `plot`.
#[derive(Debug)]
pub struct PlotConfig {
    /// The run.
    pub run: PathBuf,
    /// Folder of the pictures.
    pub output: PathBuf,
}

/// Settings of `evaluate`.
#[derive(Debug)]
pub struct EvaluateConfig {
    /// The run.
    pub run: PathBuf,
    /// Folder of gold triples.
    pub data: PathBuf,
    /// Print JSON rather than a table.
    pub json: bool,
    /// File for each triple's answers.
    pub predictions: Option<PathBuf>,
    /// File for each mistake.
    pub errors: Option<PathBuf>,
    /// Sequences read at once.
    pub batch: usize,
    /// Where and how loudly.
    pub environment: Environment,
}

/// Settings of `predict`.
#[derive(Debug)]
pub struct PredictConfig {
    /// The run.
    pub run: PathBuf,
    /// Labels to look for.
    pub queries: QuerySet,
    /// Where the text comes from.
    pub input: Input,
    /// Where the answers go.
    pub output: Output,
    /// Language of the triples.
    pub lang: String,
    /// Sequences read at once.
    pub batch: usize,
    /// Where and how loudly.
    pub environment: Environment,
}

/// Where text comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input, a sentence a line.
    Stdin,
    /// A sentence a line.
    Text(PathBuf),
    /// A JSON object with `text` a line.
    Jsonl(PathBuf),
    /// A folder of triples: their contexts.
    Triples(PathBuf),
    /// A column `text`, or triples: their contexts.
    Parquet(PathBuf),
}

/// Where answers go.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output: text with entities marked.
    Marked,
    /// Standard output: a JSON object a line.
    Json,
    /// A JSON object a line.
    Jsonl(PathBuf),
    /// Triples.
    Parquet(PathBuf),
}

/// Checks a command line.
///
/// # Errors
/// [`UsageError`] for values that make no sense, and files that it names and are not there.
pub fn resolve(cli: Cli) -> Result<Config> {
    match cli.command {
        Command::Esi(args) => train(Stage::Esi, args, false),
        Command::Nee(args) => nee(args),
        Command::Fet(args) => fet(args),
        Command::Finetune(args) => train(Stage::Finetune, args, false),
        Command::Resume(args) => resume(args),
        Command::Pipeline(args) => Ok(Config::Pipeline(Pipeline::read(&args.file, args.quiet, args.threads)?)),
        Command::Export(args) => Ok(Config::Export(ExportConfig { run: args.run, output: args.output, overwrite: args.overwrite })),
        Command::BenchStep(args) => Ok(Config::BenchStep(Box::new(args))),
        Command::CheckDevice(args) => Ok(Config::CheckDevice { device: args.device, threads: args.threads }),
        Command::Plot(args) => {
            let output = args.output.unwrap_or_else(|| args.run.join(plot::FOLDER));
            Ok(Config::Plot(PlotConfig { run: args.run, output }))
        }
        Command::Evaluate(args) => evaluate(args),
        Command::Predict(args) => predict(args),
    }
}

fn nee(args: NeeArgs) -> Result<Config> {
    let NeeArgs { stage, relabel_threshold: threshold, relabel_growth: growth, relabel: mode, noise_weighting } = args;
    check(threshold > 0.0 && threshold < 1.0, || format!("--relabel-threshold {threshold} is not between 0 and 1"))?;
    train(Stage::Nee(Relabel { threshold, growth, mode }), stage, noise_weighting)
}

fn fet(args: FetArgs) -> Result<Config> {
    let FetArgs { stage, clusters, gamma, clustering: method, cluster_iterations: iterations, cluster_start: start, pca, pool, .. } = args;
    check(clusters > 1, || "--clusters must be at least 2".to_owned())?;
    check(iterations > 0, || "--cluster-iterations must be at least 1".to_owned())?;
    check(pca > 0, || "--pca must be at least 1".to_owned())?;
    check(gamma >= 0.0 && gamma.is_finite(), || format!("--gamma {gamma} is negative or no number"))?;
    let settings = Clustering { clusters, gamma, method, iterations, start, pca, pool, head: args.cluster_head };
    train(Stage::Fet(settings), stage, args.noise_weighting)
}

fn train(stage: Stage, args: StageArgs, noise_weighting: bool) -> Result<Config> {
    let StageArgs { lr, epochs, warmup, positive_weight: positive, .. } = args;
    check(lr > 0.0 && lr.is_finite(), || format!("--lr {lr} is not a positive number"))?;
    check(epochs > 0, || "--epochs must be at least 1".to_owned())?;
    check((0.0..=1.0).contains(&warmup), || format!("--warmup {warmup} is not a share of the steps, from 0 to 1"))?;
    check((0.0..1.0).contains(&args.dropout), || format!("--dropout {} is not in [0, 1)", args.dropout))?;
    check(args.weight_decay >= 0.0, || format!("--weight-decay {} is negative", args.weight_decay))?;
    check(args.clip > 0.0, || format!("--clip {} is not positive", args.clip))?;
    check(positive > 0.0 && positive.is_finite(), || format!("--positive-weight {positive} is not a positive number"))?;
    check(args.max_steps != Some(0), || "--max-steps must be at least 1".to_owned())?;
    check(args.patience != Some(0), || "--patience must be at least 1".to_owned())?;
    check(args.save_every != Some(0), || "--save-every must be at least 1".to_owned())?;
    check(args.accumulate > 0, || "--accumulate must be at least 1".to_owned())?;
    check_batch(args.batch)?;
    let batch = args.max_tokens.map_or(BatchSize::Sequences(args.batch), BatchSize::Tokens);
    if let BatchSize::Tokens(tokens) = batch {
        let length = args.max_length;
        check(tokens >= length, || format!("--max-tokens {tokens} is less than one sequence of --max-length {length}"))?;
    }
    let devices = args.devices.clone();
    let alike = devices.iter().all(|device| std::mem::discriminant(device) == std::mem::discriminant(&devices[0]));
    check(alike, || "--devices must be of one kind".to_owned())?;
    let mut environment = environment(&args.common)?;
    environment.device = devices.first().copied().unwrap_or(environment.device);
    let noise = if noise_weighting { Noise::Confidence } else { Noise::Even };
    let start = start(&args)?;
    let optimizer = AdamWConfig { weight_decay: args.weight_decay as f32, clip_norm: args.clip as f32, ..AdamWConfig::default() };
    Ok(Config::Train(Box::new(TrainConfig {
        stage,
        data: triples(args.data)?,
        dev: args.dev,
        test: args.test,
        out: args.out,
        overwrite: args.overwrite,
        environment,
        seed: args.seed,
        epochs,
        max_steps: args.max_steps,
        batch,
        accumulate: args.accumulate * devices.len().max(1),
        devices,
        max_length: args.max_length,
        lr,
        warmup,
        dropout: args.dropout,
        eval_every: args.eval_every,
        save_every: args.save_every,
        patience: args.patience,
        nested: args.nested,
        weighting: Weighting { noise, positive },
        tensorboard: args.tensorboard,
        start,
        optimizer,
    })))
}

/// Where the triples of `--data` are: there, or in the last round of a run.
fn triples(data: PathBuf) -> Result<PathBuf> {
    if !run::is_run(&data) {
        return Ok(data);
    }
    let round = relabel::last_round(&data);
    round.with_context(|| format!("--data {}: the run has no finished round of triples; only runs of nee make them", data.display()))
}

fn resume(args: ResumeArgs) -> Result<Config> {
    let mut config = run::settings(&args.run)?;
    if let Some(device) = args.device {
        config.environment.device = device;
        config.devices.clear();
    }
    config.environment = Environment { threads: args.threads, quiet: args.quiet, ..config.environment };
    Ok(Config::Resume(Box::new(config)))
}

fn start(args: &StageArgs) -> Result<Start> {
    let tiny = args.encoder.as_deref() == Some(Path::new("tiny"));
    check(tiny || args.vocab.is_none(), || "--vocab goes with --encoder tiny only; other encoders have their own".to_owned())?;
    check(tiny || !args.lowercase, || "--lowercase goes with --encoder tiny only; other encoders have their own".to_owned())?;
    Ok(match (&args.encoder, &args.init) {
        (Some(_), _) if tiny => Start::Tiny { vocab: args.vocab.clone(), lowercase: args.lowercase },
        (Some(dir), _) => Start::Encoder(dir.clone()),
        (None, Some(run)) => Start::Init(run.clone()),
        (None, None) => return Err(UsageError("give --encoder or --init".to_owned()).into()),
    })
}

fn evaluate(args: EvaluateArgs) -> Result<Config> {
    check_batch(args.batch)?;
    Ok(Config::Evaluate(EvaluateConfig {
        run: args.run,
        data: args.data,
        json: args.json,
        predictions: args.predictions,
        errors: args.errors,
        batch: args.batch,
        environment: environment(&args.common)?,
    }))
}

fn predict(args: PredictArgs) -> Result<Config> {
    check_batch(args.batch)?;
    let has_extension = |path: &Path, extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    let input = if args.input == Path::new("-") {
        Input::Stdin
    } else if args.input.is_dir() {
        Input::Triples(args.input)
    } else if has_extension(&args.input, "jsonl") {
        Input::Jsonl(args.input)
    } else if has_extension(&args.input, "parquet") {
        Input::Parquet(args.input)
    } else {
        Input::Text(args.input)
    };
    let output = match args.output {
        None if args.json => Output::Json,
        None => Output::Marked,
        Some(path) if has_extension(&path, "jsonl") => Output::Jsonl(path),
        Some(path) if has_extension(&path, "parquet") => Output::Parquet(path),
        Some(path) => {
            return Err(UsageError(format!("cannot tell the format of -o {}; expected .jsonl or .parquet", path.display())).into());
        }
    };
    if let Output::Jsonl(path) | Output::Parquet(path) = &output {
        anyhow::ensure!(
            args.overwrite || !path.exists(),
            "{} exists; give another with -o, or replace it with --overwrite",
            path.display()
        );
    }
    let queries = QuerySet::load(&args.queries).context("cannot use --queries")?;
    let lang = args.lang.unwrap_or_else(|| queries.lang.clone());
    let environment = environment(&args.common)?;
    Ok(Config::Predict(Box::new(PredictConfig { run: args.run, queries, input, output, lang, batch: args.batch, environment })))
}

fn environment(args: &CommonArgs) -> Result<Environment> {
    Ok(Environment { device: args.device, precision: args.precision, threads: args.threads, quiet: args.quiet })
}

fn check_batch(batch: usize) -> Result<()> {
    check(batch > 0, || "--batch must be at least 1".to_owned())
}

fn check(right: bool, wrong: impl FnOnce() -> String) -> Result<()> {
    if right { Ok(()) } else { Err(UsageError(wrong()).into()) }
}
