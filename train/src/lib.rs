//! Trains a reader for named entities from folders of triples, scores it and lets it read.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`], [`config`] | the command line, and what it means once checked |
//! | [`device`] | the one place that knows backends |
//! | [`data`] | triples to batches of word pieces |
//! | [`model`] | encoder, heads, their weights in files |
//! | [`optim`] | AdamW, clipping, the learning rate's course |
//! | [`stage`] | the training loop and what each stage gives it |
//! | [`cluster`] | clusters of vectors, for stage 3 |
//! | [`decode`], [`answer`], [`metric`] | margins to answers, answers to scores |
//! | [`mod@run`] | run folders |
//! | [`memory`] | what the allocator is told |
//! | [`commands`] | one module for each command |
//!
//! Nothing below [`config`] sees the command line, nothing but [`device`] names a backend except the fused operations that a
//! backend gets ([`model::kernels`]), and only [`mod@run`], [`stage`], [`cluster::table`] and
//! the commands write files.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod answer;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod data;
pub mod decode;
pub mod device;
pub mod memory;
pub mod metric;
pub mod model;
pub mod optim;
pub mod run;
pub mod stage;

use anyhow::{Context, Result};

use commands::{bench_step, check_device, evaluate, export, plot, predict};
use config::Config;

/// Does what the command line asked for.
///
/// # Errors
/// Whatever went wrong, with what was being done.
pub fn run(config: Config) -> Result<()> {
    match config {
        Config::Train(config) => {
            threads(config.environment.threads)?;
            config.environment.device.run(stage::Training { config: *config, resume: false })
        }
        Config::Resume(config) => {
            threads(config.environment.threads)?;
            config.environment.device.run(stage::Training { config: *config, resume: true })
        }
        Config::Pipeline(pipeline) => {
            threads(pipeline.threads())?;
            pipeline.run()
        }
        Config::Plot(config) => plot::plot(&config),
        Config::Export(config) => device::Device::Cpu.run(export::Export(config)),
        Config::BenchStep(args) => {
            threads(args.common.threads)?;
            bench_step::run(*args)
        }
        Config::CheckDevice { device, threads: count } => {
            threads(count)?;
            check_device::check(device)
        }
        Config::Evaluate(config) => {
            threads(config.environment.threads)?;
            config.environment.device.run(evaluate::Evaluation(config))
        }
        Config::Predict(config) => {
            threads(config.environment.threads)?;
            config.environment.device.run(predict::Prediction(*config))
        }
    }
}

fn threads(count: usize) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(count).build_global().context("cannot start threads")
}
