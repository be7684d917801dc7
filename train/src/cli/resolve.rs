//! Turns parsed arguments into the settings of a command.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use schemas::QuerySet;

use super::command::{Cli, Command};
use super::common_args::CommonArgs;
use super::data_args::{BenchDataArgs, CheckArgs, DataArgs};
use super::measuring_args::{BenchStepArgs, WarmUpArgs};
use super::pipeline_file;
use super::resolve_stage::{at_least_one, batch_size, check_batch, esi, fet, finetune, nee};
use super::run_args::{EvaluateArgs, ExportArgs, ExportFormat, PredictArgs, PredictionFormat};
use crate::config::{
    BenchDataConfig, BenchStepConfig, CheckConfig, CheckDeviceConfig, Config, EvaluateConfig, ExportConfig, LineFormat, PlotConfig,
    PredictConfig, PredictInput, PredictOutput, ResumeConfig, Runtime, UsageError, WarmUpConfig,
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
        Command::Export(args) => Config::Export(export(args)?),
        Command::Check(args) => Config::Check(check(args)?),
        Command::BenchData(args) => Config::BenchData(bench_data(args)?),
        Command::BenchStep(args) => Config::BenchStep(Box::new(bench_step(args))),
        Command::CheckDevice(args) => Config::CheckDevice(CheckDeviceConfig { device: args.device, threads: args.threads }),
        Command::WarmUp(args) => Config::WarmUp(warm_up(args)?),
        Command::Plot(args) => {
            let output = args.output.unwrap_or_else(|| args.run.join(layout::PLOTS));
            Config::Plot(PlotConfig { run: args.run, output })
        }
        Command::Evaluate(args) => Config::Evaluate(evaluate(args)?),
        Command::Predict(args) => Config::Predict(Box::new(predict(args)?)),
    })
}

fn export(args: ExportArgs) -> Result<ExportConfig> {
    let ExportArgs { run, output, queries, overwrite, format: ExportFormat::Hf } = args;
    let queries = queries.map(|queries| QuerySet::load(&queries).context("cannot use --queries")).transpose()?;
    Ok(ExportConfig { run, output, queries, overwrite })
}

fn evaluate(args: EvaluateArgs) -> Result<EvaluateConfig> {
    check_batch(args.batch)?;
    Ok(EvaluateConfig {
        run: args.run,
        data: args.data,
        json: args.json,
        predictions: args.predictions,
        errors: args.errors,
        decoding: args.decoding,
        batch: args.batch,
        runtime: runtime(&args.common),
    })
}

fn predict(args: PredictArgs) -> Result<PredictConfig> {
    check_batch(args.batch)?;
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
    let format = args.format.or(args.json.then_some(PredictionFormat::Jsonl));
    let output = prediction_output(args.output, format, args.overlapping, args.overwrite)?;
    if let PredictOutput::Lines { path: Some(path), .. } | PredictOutput::HfParquet(path) | PredictOutput::Parquet(path) = &output {
        ensure!(args.overwrite || !path.exists(), "{} exists; choose another file with -o, or replace it with --overwrite", path.display());
    }
    // A token has one tag.
    let holds_tags = |format: &LineFormat| *format != LineFormat::Json;
    let flat = args.flat
        || matches!(&output, PredictOutput::HfParquet(_))
        || matches!(&output, PredictOutput::Lines { format, .. } if holds_tags(format));
    let queries = QuerySet::load(&args.queries).context("cannot use --queries")?;
    let lang = args.lang.unwrap_or_else(|| queries.lang.clone());
    let runtime = runtime(&args.common);
    Ok(PredictConfig { run: args.run, queries, input, output, flat, lang, decoding: args.decoding, batch: args.batch, runtime })
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Where predictions go: by the format that was named, or else by the name of the output.
fn prediction_output(path: Option<PathBuf>, format: Option<PredictionFormat>, overlapping: bool, overwrite: bool) -> Result<PredictOutput> {
    let lines = |format, path| Ok(PredictOutput::Lines { format, path });
    match (format, path) {
        (None, None) => Ok(PredictOutput::Marked { overlapping }),
        (Some(PredictionFormat::Parquet), None) => {
            Err(UsageError::new("--format parquet is not text; name a file or a folder with -o".to_owned()).into())
        }
        (Some(PredictionFormat::Jsonl), path) => lines(LineFormat::Json, path),
        (Some(PredictionFormat::Conll), path) => lines(LineFormat::Conll, path),
        (Some(PredictionFormat::Hf), Some(path)) if has_extension(&path, "parquet") => Ok(PredictOutput::HfParquet(path)),
        (Some(PredictionFormat::Hf), path) => lines(LineFormat::HuggingFace, path),
        (None, Some(path)) if has_extension(&path, "jsonl") => lines(LineFormat::Json, Some(path)),
        (None, Some(path)) if has_extension(&path, "conll") => lines(LineFormat::Conll, Some(path)),
        (_, Some(path)) if has_extension(&path, "parquet") => Ok(PredictOutput::Parquet(path)),
        (Some(PredictionFormat::Parquet), Some(path)) => Ok(PredictOutput::Folder { path, overwrite }),
        (None, Some(path)) => {
            let message = format!(
                "cannot tell the format of -o {} by its extension; expected .jsonl or .parquet, .conll, or --format",
                path.display()
            );
            Err(UsageError::new(message).into())
        }
    }
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

fn warm_up(args: WarmUpArgs) -> Result<WarmUpConfig, UsageError> {
    let WarmUpArgs { model, batch, max_tokens, max_length, nested, processes, share, common } = args;
    let batch = batch_size(batch, max_tokens, max_length)?;
    Ok(WarmUpConfig { model, batch, max_length, nested, processes, share, runtime: runtime(&common) })
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
