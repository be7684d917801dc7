//! Options of the commands that check, warm up and time a device: `check-device`, `warm-up`, `bench-step`.

use std::path::PathBuf;

use clap::Args;

use super::common_args::CommonArgs;
use super::stage_args::StageArgs;
use crate::config::{BenchModel, Share};
use crate::device::Device;

/// Options of `check-device`.
#[derive(Debug, Args)]
pub struct CheckDeviceArgs {
    /// Device to compare with the CPU: cpu, cuda or cuda:N
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    pub device: Device,
    /// CPU threads; 0 for one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
}

/// Options of `warm-up`.
#[derive(Debug, Args)]
pub struct WarmUpArgs {
    /// Encoder of the training, as --encoder of a stage, or a run
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Sequences of a batch [default: 16]
    #[arg(long, value_name = "N", conflicts_with = "max_tokens")]
    pub batch: Option<usize>,
    /// Word pieces of a batch, padding included, in place of --batch
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Word pieces of a sequence, query included
    #[arg(long, default_value_t = StageArgs::default().max_length, value_name = "N")]
    pub max_length: usize,
    /// With the span head
    #[arg(long)]
    pub nested: bool,
    /// Processes that compile, each with a model and a batch in the GPU's memory; 0 for one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub processes: usize,
    /// Compile the K-th of N shares of the kernels, as one of the processes
    #[arg(long, hide = true, value_name = "K/N")]
    pub share: Option<Share>,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of `bench-step`.
#[derive(Debug, Args)]
pub struct BenchStepArgs {
    /// Size of the encoder
    #[arg(long, value_enum, default_value_t = BenchModel::Mini)]
    pub model: BenchModel,
    /// Sequences of a batch
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Word pieces of a sequence
    #[arg(long, default_value_t = 128)]
    pub seq: usize,
    /// File with a length a line, in place of --seq: batches of sequences of those lengths, in their order
    #[arg(long)]
    pub lengths: Option<PathBuf>,
    /// Word pieces of a batch, in place of --batch: batches as training makes them
    #[arg(long, requires = "lengths")]
    pub max_tokens: Option<usize>,
    /// Steps that are timed
    #[arg(long, default_value_t = 20)]
    pub steps: usize,
    /// Steps before them
    #[arg(long, default_value_t = 5)]
    pub warmup: usize,
    /// Dropout rate
    #[arg(long, default_value_t = 0.1)]
    pub dropout: f32,
    /// Time the parts of a step too
    #[arg(long)]
    pub parts: bool,
    /// Cluster this many random vectors, in place of training steps
    #[arg(long, value_name = "N")]
    pub cluster: Option<usize>,
    /// Only write the lengths of the triples in this folder, in word pieces of --vocab, to --lengths
    #[arg(long, requires_all = ["lengths", "vocab"])]
    pub lengths_of: Option<PathBuf>,
    /// Only write an encoder of random weights for --vocab to this folder
    #[arg(long, requires = "vocab")]
    pub encoder: Option<PathBuf>,
    /// Vocabulary
    #[arg(long)]
    pub vocab: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}
