//! Options of the commands that look at data alone: `check`, `bench-data`.

use std::path::PathBuf;

use clap::Args;

use super::stage_args::StageArgs;

/// Options of both.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Word pieces of a sequence, query included
    #[arg(long, default_value_t = StageArgs::default().max_length, value_name = "N")]
    pub max_length: usize,
    /// Sequences of a batch [default: 16]
    #[arg(long, value_name = "N", conflicts_with = "max_tokens")]
    pub batch: Option<usize>,
    /// Word pieces of a batch, padding included, in place of --batch
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Batches of a step
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub accumulate: usize,
    /// Triples that are shuffled together
    #[arg(long, default_value_t = StageArgs::default().shuffle_buffer, value_name = "N")]
    pub shuffle_buffer: usize,
    /// CPU threads; 0 for one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder of triples to train on
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Folder of triples for --dev of a stage
    #[arg(long, value_name = "DIR")]
    pub dev: Option<PathBuf>,
    /// Folder of triples for --test of a stage
    #[arg(long, value_name = "DIR")]
    pub test: Option<PathBuf>,
    /// Encoder whose word pieces are counted, as --encoder of a stage; without it and --init, none are
    #[arg(long, value_name = "DIR", conflicts_with = "init")]
    pub encoder: Option<PathBuf>,
    /// Run whose word pieces are counted
    #[arg(long, value_name = "RUN")]
    pub init: Option<PathBuf>,
    /// Print JSON in place of a table
    #[arg(long)]
    pub json: bool,
    /// Options of a step.
    #[command(flatten)]
    pub options: DataArgs,
}

/// Options of `bench-data`.
#[derive(Debug, Args)]
pub struct BenchDataArgs {
    /// Folder of triples
    #[arg(value_name = "DATA")]
    pub data: Option<PathBuf>,
    /// Encoder whose tokenizer is used
    #[arg(long, value_name = "DIR")]
    pub encoder: Option<PathBuf>,
    /// Sequences to batch, or all of an epoch if it has fewer
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub sequences: usize,
    /// Plan an epoch of so many random sequences instead
    #[arg(long, value_name = "N")]
    pub plan: Option<usize>,
    /// Options of a step.
    #[command(flatten)]
    pub options: DataArgs,
}
