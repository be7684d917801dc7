//! Turns parsed arguments into the settings of a command.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use schemas::QuerySet;

use super::command::{Cli, Command};
use super::common_args::CommonArgs;
use super::data_args::{BenchDataArgs, CheckArgs, DataArgs};
use super::measuring_args::BenchStepArgs;
use super::pipeline_file;
use super::resolve_stage::{at_least_one, batch_size, check_batch, esi, fet, finetune, nee};
use super::run_args::{EvaluateArgs, PredictArgs};
use crate::config::{
    BenchDataConfig, BenchStepConfig, CheckConfig, CheckDeviceConfig, Config, EvaluateConfig, ExportConfig, PlotConfig, PredictConfig,
    PredictInput, PredictOutput, ResumeConfig, Runtime, UsageError,
};
use crate::run_folder::layout;

/// Checks a command line and resolves it into a command's settings.
///
/// # Errors
/// [`UsageError`] for values or combinations that cannot be meant; files that are named and cannot be read.
pub fn resolve(cli: Cli) -> Result<Config> {
    Ok(match cli.command {
        Command::Esi(args) => Config::Train(Box::new(esi(args)?)),
        Command::Nee(args) => Config::Train(Box::new(nee(args)?)),
        Command::Fet(args) => Config::Train(Box::new(fet(args)?)),
        Command::Finetune(args) => Config::Train(Box::new(finetune(args)?)),
        Command::Resume(args) => {
            Config::Resume(ResumeConfig { run: args.run, device: args.device, threads: args.threads, quiet: args.quiet })
        }
        Command::Pipeline(args) => Config::Pipeline(pipeline_file::read(&args)?),
        Command::Export(args) => Config::Export(ExportConfig { run: args.run, output: args.output, overwrite: args.overwrite }),
        Command::Check(args) => Config::Check(check(args)?),
        Command::BenchData(args) => Config::BenchData(bench_data(args)?),
        Command::BenchStep(args) => Config::BenchStep(Box::new(bench_step(args))),
        Command::CheckDevice(args) => Config::CheckDevice(CheckDeviceConfig { device: args.device, threads: args.threads }),
        Command::Plot(args) => {
            let output = args.output.unwrap_or_else(|| args.run.join(layout::PLOTS));
            Config::Plot(PlotConfig { run: args.run, output })
        }
        Command::Evaluate(args) => Config::Evaluate(evaluate(args)?),
        Command::Predict(args) => Config::Predict(Box::new(predict(args)?)),
    })
}

fn evaluate(args: EvaluateArgs) -> Result<EvaluateConfig> {
    check_batch(args.batch)?;
    Ok(EvaluateConfig {
        run: args.run,
        data: args.data,
        json: args.json,
        predictions: args.predictions,
        errors: args.errors,
        batch: args.batch,
        runtime: runtime(&args.common),
    })
}

fn predict(args: PredictArgs) -> Result<PredictConfig> {
    check_batch(args.batch)?;
    let has_extension = |path: &Path, extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    let input = if args.input == Path::new("-") {
        PredictInput::Stdin
    } else if args.input.is_dir() {
        PredictInput::Triples(args.input)
    } else if has_extension(&args.input, "jsonl") {
        PredictInput::Jsonl(args.input)
    } else if has_extension(&args.input, "parquet") {
        PredictInput::Parquet(args.input)
    } else {
        PredictInput::Text(args.input)
    };
    let output = match args.output {
        None if args.json => PredictOutput::Json,
        None => PredictOutput::Marked { overlapping: args.overlapping },
        Some(path) if has_extension(&path, "jsonl") => PredictOutput::Jsonl(path),
        Some(path) if has_extension(&path, "parquet") => PredictOutput::Parquet(path),
        Some(path) => {
            let message = format!("cannot tell the format of -o {} by its extension; expected .jsonl or .parquet", path.display());
            return Err(UsageError::new(message).into());
        }
    };
    if let PredictOutput::Jsonl(path) | PredictOutput::Parquet(path) = &output {
        ensure!(args.overwrite || !path.exists(), "{} exists; choose another file with -o, or replace it with --overwrite", path.display());
    }
    let queries = QuerySet::load(&args.queries).context("cannot use --queries")?;
    let lang = args.lang.unwrap_or_else(|| queries.lang.clone());
    let runtime = runtime(&args.common);
    Ok(PredictConfig { run: args.run, queries, input, output, lang, batch: args.batch, runtime })
}

fn check(args: CheckArgs) -> Result<CheckConfig> {
    let DataArgs { max_length, batch, max_tokens, accumulate, shuffle_buffer, threads } = args.options;
    Ok(CheckConfig {
        data: args.data,
        dev: args.dev,
        test: args.test,
        tokenizer: args.encoder.or(args.init),
        max_length,
        batch: batch_size(batch, max_tokens, max_length)?,
        accumulate: at_least_one("--accumulate", accumulate)?,
        shuffle_buffer: at_least_one("--shuffle-buffer", shuffle_buffer)?,
        json: args.json,
        threads,
    })
}

fn bench_data(args: BenchDataArgs) -> Result<BenchDataConfig> {
    let DataArgs { max_length, batch, max_tokens, accumulate, shuffle_buffer, threads } = args.options;
    Ok(BenchDataConfig {
        data: args.data,
        tokenizer: args.encoder,
        max_length,
        batch: batch_size(batch, max_tokens, max_length)?,
        accumulate: at_least_one("--accumulate", accumulate)?,
        shuffle_buffer: at_least_one("--shuffle-buffer", shuffle_buffer)?,
        sequences: args.sequences,
        plan: args.plan,
        threads,
    })
}

fn bench_step(args: BenchStepArgs) -> BenchStepConfig {
    BenchStepConfig {
        model: args.model,
        batch: args.batch,
        seq: args.seq,
        lengths: args.lengths,
        max_tokens: args.max_tokens,
        steps: args.steps,
        warmup: args.warmup,
        dropout: args.dropout,
        burn_fusion: args.burn_fusion,
        parts: args.parts,
        cluster: args.cluster,
        lengths_of: args.lengths_of,
        encoder: args.encoder,
        vocab: args.vocab,
        runtime: runtime(&args.common),
    }
}

fn runtime(args: &CommonArgs) -> Runtime {
    Runtime { device: args.device(), precision: args.precision, threads: args.threads, quiet: args.quiet }
}
