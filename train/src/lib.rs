//! Trains models that find named entities, from folders of MRC triples; scores them, and finds entities in text.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the command line, resolved into [`config`] |
//! | [`commands`] | one module for each command |
//! | [`config`] | resolved settings of each command |
//! | [`stage`] | the training loop, and what each stage adds to it |
//! | [`run_folder`] | run folders: settings, metrics, checkpoints, models |
//! | [`inference`] | a model applied to a dataset: logits to scored spans |
//! | [`model`] | encoder, heads, loss, and their weights in files |
//! | [`optim`] | AdamW, gradients, the learning-rate schedule |
//! | [`cluster`] | clusters of vectors, for stage 3 |
//! | [`device`] | the one module that knows backends |
//! | [`kernels`] | fused tensor operations of each backend |
//! | [`data`] | triples to batches of word pieces |
//! | [`decode`], [`metric`] | logits to spans, spans to scores |
//! | [`progress`] | progress of long work, without a terminal |
//! | [`parameter_names`] | names of the model's parameters in files |
//! | [`model_files`] | folders of models as others ship them: the hub's cache, Git LFS |
//! | [`allocator`] | settings of the allocator |
//!
//! Imports lead down this table, and `schemas` lies below all. `tests/layers.rs` holds that.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod allocator;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod data;
pub mod decode;
pub mod device;
pub mod inference;
pub mod kernels;
pub mod metric;
pub mod model;
pub mod model_files;
pub mod optim;
pub mod parameter_names;
pub mod progress;
pub mod run_folder;
pub mod stage;

use anyhow::{Context, Result};

use commands::{bench_data, bench_step, check, check_device, evaluate, export, pipeline, plot, predict, resume, train, warm_up};
use config::Config;

/// Runs a command.
///
/// # Errors
/// Those of the command, with what it was doing.
pub fn run(config: Config) -> Result<()> {
    start_threads(&config)?;
    match config {
        Config::Train(config) => train::train(*config),
        Config::Resume(config) => resume::resume(config),
        Config::Pipeline(config) => pipeline::pipeline(config),
        Config::Plot(config) => plot::plot(&config),
        Config::Export(config) => device::Device::Cpu.run(export::ExportJob(config)),
        Config::Check(config) => check::check(&config),
        Config::BenchData(config) => bench_data::run(&config),
        Config::BenchStep(config) => bench_step::run(*config),
        Config::CheckDevice(config) => check_device::check(config),
        Config::WarmUp(config) => warm_up::warm_up(config),
        Config::Evaluate(config) => config.runtime.device.run(evaluate::EvaluateJob(config)),
        Config::Predict(config) => config.runtime.device.run(predict::PredictJob(*config)),
    }
}

/// Starts the threads that the whole process computes with.
fn start_threads(config: &Config) -> Result<()> {
    let count = match config {
        Config::Train(config) => config.threads,
        Config::Resume(config) => config.threads,
        Config::Pipeline(config) => config.threads,
        Config::Check(config) => config.threads,
        Config::BenchData(config) => config.threads,
        Config::BenchStep(config) => config.runtime.threads,
        Config::CheckDevice(config) => config.threads,
        Config::WarmUp(config) => config.runtime.threads,
        Config::Evaluate(config) => config.runtime.threads,
        Config::Predict(config) => config.runtime.threads,
        Config::Plot(_) | Config::Export(_) => 0,
    };
    rayon::ThreadPoolBuilder::new().num_threads(count).build_global().context("cannot start threads")
}
