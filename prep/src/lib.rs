//! `prep`: dumps and annotated corpora to Parquet shards of MRC triples.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | arguments, parsed and nothing more |
//! | [`commands`] | one module for each command |
//! | [`input`] | dumps and folders of pages, read in batches |
//! | [`run`] | a run from inputs to an output folder: jobs, checkpoints, progress |
//! | [`label`] | pages to triples |
//! | [`source`] | a dump's bytes to pages of wikitext |
//! | [`wikitext`] | wikitext to clean text with anchors by char offset |
//! | [`sentence`] | text to sentences |
//! | [`gazetteer`] | lists of names, and names found in text |
//! | [`corpora`] | annotated corpora, read and written |
//! | [`ordered_map`] | work on several threads, results in order |
//! | [`interner`] | many strings in little memory |
//! | [`number_format`] | numbers as people read them |

pub mod cli;
pub mod commands;
pub mod corpora;
pub mod gazetteer;
pub mod input;
pub mod interner;
pub mod label;
pub mod number_format;
pub mod ordered_map;
pub mod run;
pub mod sentence;
pub mod source;
pub mod wikitext;

use cli::{Cli, Command, LogLevel};

/// Name and version, as manifests keep them.
pub const PROGRAM: &str = concat!("prep ", env!("CARGO_PKG_VERSION"));

/// Runs what the command line asks for.
///
/// # Errors
/// What the command fails with.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    let level = match cli.common.log_level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).without_time().init();
    match &cli.command {
        Command::Pages(args) => commands::pages::run(args, &cli.common),
        Command::Esi(args) => commands::esi::run(args, &cli.common),
        Command::Nee(args) => commands::nee::run(args, &cli.common),
        Command::Plan(args) => commands::plan::run(args, &cli.common),
        Command::Merge(args) => commands::merge::run(args, &cli.common),
        Command::Mrc(args) => commands::mrc::run(args, &cli.common),
        Command::Export(args) => commands::export::run(args, &cli.common),
        Command::Queries(args) => commands::queries::run(args),
        #[cfg(feature = "inspect")]
        Command::Inspect(args) => commands::inspect::run(args, &cli.common),
        Command::Verify(args) => commands::verify::run(args, &cli.common),
    }
}
