//! Settings of the commands that check, warm up and measure a device.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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
    /// Processes that compile; 0 for one per core.
    pub processes: usize,
    /// The share of the kernels to compile, in one of those processes.
    pub share: Option<Share>,
    /// Device, precision, threads.
    pub runtime: Runtime,
}

/// One of several equal shares of a list of tasks; written `K/N`, from `0/N` to `N-1/N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which share, from 0.
    pub number: usize,
    /// How many shares.
    pub count: usize,
}

impl Share {
    /// The tasks of the share: each `count`-th.
    pub fn of<T>(self, tasks: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        tasks.skip(self.number).step_by(self.count)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share =
            text.split_once('/').and_then(|(number, count)| Some(Self { number: number.parse().ok()?, count: count.parse().ok()? }));
        share.filter(|share| share.number < share.count).ok_or_else(|| format!("`{text}` is not K/N with K below N"))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_hold_each_task_once() {
        let share = |text: &str| text.parse::<Share>().unwrap();
        let mut all: Vec<usize> = ["0/3", "1/3", "2/3"].iter().flat_map(|text| share(text).of(0..8)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
        assert_eq!((share("1/3").to_string().as_str(), share("0/1").of(0..8).count()), ("1/3", 8));
        for wrong in ["", "1", "3/3", "0/0", "a/b", "-1/2"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
