//! `prep`: Wikipedia dumps, gazetteers and annotated corpora to Parquet shards of pages and MRC triples.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the command line: arguments, resolved into settings |
//! | [`commands`] | one module for each command, and the terminal |
//! | [`config`] | the settings of each command |
//! | [`mod@run`] | jobs from inputs to an output folder: units, checkpoints, resume |
//! | [`label`] | pages to triples: spans and their labels |
//! | [`names`] | names by label, out of pages |
//! | [`input`] | dumps and folders of pages, opened and read in batches |
//! | [`gazetteer`] | lists of names, and names found in text |
//! | [`corpora`] | annotated corpora, read and written |
//! | [`sentence`] | text to sentences |
//! | [`wikitext`] | wikitext to clean text with anchors by char offset |
//! | [`source`] | bytes of a dump to fields of its pages |
//! | [`counters`], [`interner`], [`ordered_map`], [`threads`], [`number_format`] | what the others share |
//!
//! # Invariants
//! - Imports lead down this table, never up or round in a circle.
//! - Only [`cli`] and `main` know clap. Only [`commands`] and `main` write to the terminal.
//! - [`source`] knows no wikitext, [`wikitext`] no file, [`label`] no dump, [`mod@run`] no command.
//! - What is on disk between two runs ([`run::checkpoint`], [`input::plan`]) consists of plain data and depends on no reader.
//! - Every counter adds up: what comes in goes out or is skipped for a reason that is counted.
//! - The output depends on inputs and settings alone: not on threads, memory or interruptions.
//! - Memory does not grow with the size of the inputs; it grows with the names of gazetteers and the titles of redirects.
//!
#![doc = include_str!("../docs/guide.md")]

pub mod cli;
pub mod commands;
pub mod config;
pub mod corpora;
pub mod counters;
pub mod gazetteer;
pub mod input;
pub mod interner;
pub mod label;
pub mod names;
pub mod number_format;
pub mod ordered_map;
pub mod run;
pub mod sentence;
pub mod source;
pub mod threads;
pub mod wikitext;

use config::{CommandConfig, Config, Runtime};

/// Runs a command.
///
/// # Errors
/// What the command fails with.
pub fn run(config: Config) -> anyhow::Result<()> {
    let Config { command, runtime } = config;
    commands::terminal::start_log(runtime.log_level);
    let result = run_command(&command, &runtime);
    if runtime.timings {
        commands::terminal::print_timings();
    }
    result
}

fn run_command(command: &CommandConfig, runtime: &Runtime) -> anyhow::Result<()> {
    match command {
        CommandConfig::Pages(config) => commands::pages::run(config, runtime),
        CommandConfig::Esi(config) => commands::esi::run(config, runtime),
        CommandConfig::Nee(config) => commands::nee::run(config, runtime),
        CommandConfig::Names(config) => commands::names::run(config, runtime),
        CommandConfig::Plan(config) => commands::plan::run(config, runtime),
        CommandConfig::Merge(config) => commands::merge::run(config, runtime),
        CommandConfig::Mrc(config) => commands::mrc::run(config, runtime),
        CommandConfig::Export(config) => commands::export::run(config, runtime),
        CommandConfig::Queries(config) => commands::queries::run(config),
        #[cfg(feature = "inspect")]
        CommandConfig::Inspect(config) => commands::inspect::run(config, runtime),
        CommandConfig::Verify(config) => commands::verify::run(config, runtime),
    }
}
