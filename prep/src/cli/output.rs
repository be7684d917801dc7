//! Arguments of the commands that write a folder of shards.

use std::path::PathBuf;

use clap::Args;

/// Where shards go.
#[derive(Debug, Clone, Args)]
pub(super) struct OutputArgs {
    /// Folder for the shards and their manifest
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace what an earlier run wrote there
    #[arg(long)]
    pub overwrite: bool,
    /// Resume an earlier run with the same inputs and settings from its last checkpoint; start at the beginning if there was none
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
}
