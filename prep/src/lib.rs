//! `prep`: dumps and annotated corpora to Parquet shards of MRC triples.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | arguments, parsed and nothing more |
//! | [`source`] | a dump's bytes to pages of wikitext |
//! | [`wikitext`] | wikitext to clean text with anchors by char offset |
//! | [`sentence`] | text to sentences |
//! | [`gazetteer`] | lists of names, and names found in text |
//! | [`extract`] | `prep pages`, `prep esi` and `prep nee` |
//! | [`plan`], [`merge`] | their work in parts, on several machines |
//! | [`pipeline`], [`strings`] | work in order on several threads; many strings in little memory |
//! | [`mrc`] | `prep mrc`: annotated corpora |
//! | [`export`] | `prep export`: triples back to annotated corpora |
//! | [`queries`], `inspect` (a feature, on by default), [`verify`] | the commands of these names |
//! | [`numbers`] | numbers as people read them |
//!
//! Nothing but [`source`], [`plan`], [`gazetteer::files`] and the shard writer of `schemas` touches the disk; no module knows `train`.

pub mod cli;
pub mod export;
pub mod extract;
pub mod gazetteer;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod merge;
pub mod mrc;
pub mod numbers;
pub mod pipeline;
pub mod plan;
pub mod queries;
pub mod sentence;
pub mod source;
pub mod strings;
pub mod verify;
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
        Command::Pages(args) => extract::pages(args, &cli.common),
        Command::Esi(args) => extract::esi(args, &cli.common),
        Command::Nee(args) => extract::nee(args, &cli.common),
        Command::Plan(args) => plan::run(args, &cli.common),
        Command::Merge(args) => merge::run(args, &cli.common),
        Command::Mrc(args) => mrc::run(args, &cli.common),
        Command::Export(args) => export::run(args, &cli.common),
        Command::Queries(args) => queries::run(args),
        #[cfg(feature = "inspect")]
        Command::Inspect(args) => inspect::run(args, &cli.common),
        Command::Verify(args) => verify::run(args, &cli.common),
    }
}
