//! Settings of the commands that check, warm up and measure a device.

use std::path::PathBuf;

use super::runtime::Runtime;
use crate::data::BatchSize;
use crate::device::Device;

/// Settings of `train check-device`.
#[derive(Debug, Clone, Copy)]
pub struct CheckDeviceConfig {
    /// The device that is compared with the CPU.
    pub device: Device,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
}

/// Settings of `train warm-up`.
#[derive(Debug)]
pub struct WarmUpConfig {
    /// Folder of an encoder or a run, for the shape of its encoder.
    pub model: PathBuf,
    /// What a batch of the training will hold.
    pub batch: BatchSize,
    /// Word pieces of the longest sequence.
    pub max_length: usize,
    /// Whether the model has the span head.
    pub nested: bool,
    /// Device, precision, threads.
    pub runtime: Runtime,
}

/// Settings of `train bench-step`.
#[derive(Debug)]
pub struct BenchStepConfig {
    /// Size of the encoder.
    pub model: BenchModel,
    /// Sequences of a batch.
    pub batch: usize,
    /// Word pieces of a sequence.
    pub seq: usize,
    /// File with a length a line, in place of `seq`.
    pub lengths: Option<PathBuf>,
    /// Word pieces of a batch, in place of `batch`.
    pub max_tokens: Option<usize>,
    /// Steps that are timed.
    pub steps: usize,
    /// Steps before them.
    pub warmup: usize,
    /// Dropout rate.
    pub dropout: f32,
    /// Whether the parts of a step are timed too.
    pub parts: bool,
    /// Random vectors to cluster, in place of training steps.
    pub cluster: Option<usize>,
    /// Folder of triples whose lengths are written to `lengths`, in place of measuring.
    pub lengths_of: Option<PathBuf>,
    /// Folder for an encoder of random weights, in place of measuring.
    pub encoder: Option<PathBuf>,
    /// Vocabulary.
    pub vocab: Option<PathBuf>,
    /// Device, precision, threads.
    pub runtime: Runtime,
}

/// Size of the encoder that `train bench-step` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchModel {
    /// 12 layers, 768 wide.
    Base,
    /// 6 layers, 384 wide.
    Mini,
}
