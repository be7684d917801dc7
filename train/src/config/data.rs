//! Settings of the commands that look at data alone.

use std::path::PathBuf;

use crate::data::BatchSize;

/// Settings of `train check`.
#[derive(Debug)]
pub struct CheckConfig {
    /// The training set.
    pub data: PathBuf,
    /// The set that selects the best weights.
    pub dev: Option<PathBuf>,
    /// The set that is scored at the end.
    pub test: Option<PathBuf>,
    /// Folder of the tokenizer whose word pieces are counted.
    pub tokenizer: Option<PathBuf>,
    /// Word pieces of a sequence.
    pub max_length: usize,
    /// Size of a batch.
    pub batch: BatchSize,
    /// Batches of a step.
    pub accumulate: usize,
    /// Triples that are shuffled together.
    pub shuffle_buffer: usize,
    /// Whether JSON is printed, not a table.
    pub json: bool,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
}

/// Settings of `train bench-data`.
#[derive(Debug)]
pub struct BenchDataConfig {
    /// Folder of triples.
    pub data: Option<PathBuf>,
    /// Folder of the tokenizer.
    pub tokenizer: Option<PathBuf>,
    /// Word pieces of a sequence.
    pub max_length: usize,
    /// Size of a batch.
    pub batch: BatchSize,
    /// Batches of a step.
    pub accumulate: usize,
    /// Triples that are shuffled together.
    pub shuffle_buffer: usize,
    /// Sequences to batch.
    pub sequences: usize,
    /// Random sequences to plan an epoch of, in place of a folder.
    pub plan: Option<usize>,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
}
