//! Arguments of `prep plan` and `prep merge`.

use std::path::PathBuf;

use clap::Args;

/// `prep plan`
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// MediaWiki dumps
    #[arg(required = true, value_name = "DUMP")]
    pub inputs: Vec<PathBuf>,
    /// Number of parts, of about the same size
    #[arg(long, value_name = "N", value_parser = part_count)]
    pub parts: usize,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the file
    #[arg(long)]
    pub overwrite: bool,
}

fn part_count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|parts| (1..=100_000).contains(parts)).ok_or_else(|| "expected a number from 1 to 100000".to_owned())
}

/// `prep merge`
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Folders of all parts of a plan, in any order
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Folder for the shards and their manifest
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace what an earlier run wrote there
    #[arg(long)]
    pub overwrite: bool,
}
