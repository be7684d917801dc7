//! Settings of the commands that train.

use std::path::PathBuf;

use crate::device::Device;
use crate::stage::StageSettings;

/// Settings of `train esi`, `nee`, `fet` and `finetune`.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainConfig {
    /// What `run.toml` keeps.
    pub settings: StageSettings,
    /// The run folder.
    pub run: PathBuf,
    /// Whether an earlier run in that folder is replaced.
    pub overwrite: bool,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
    /// Whether only results and errors are printed.
    pub quiet: bool,
}

/// Settings of `train resume`.
#[derive(Debug, Clone)]
pub struct ResumeConfig {
    /// The run.
    pub run: PathBuf,
    /// The device, if not the one where the run began.
    pub device: Option<Device>,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
    /// Whether only results and errors are printed.
    pub quiet: bool,
}

/// Settings of `train pipeline`.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// The stages in their order.
    pub stages: Vec<TrainConfig>,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
    /// Whether only results and errors are printed.
    pub quiet: bool,
}
