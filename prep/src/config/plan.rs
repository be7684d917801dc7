//! Settings of `prep plan` and `prep merge`.

use std::path::PathBuf;

/// Settings of `prep plan`.
#[derive(Debug, Clone)]
pub struct PlanConfig {
    /// The dumps.
    pub inputs: Vec<PathBuf>,
    /// Most parts of the plan.
    pub parts: usize,
    /// File of the plan.
    pub output: PathBuf,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
}

/// Settings of `prep merge`.
#[derive(Debug, Clone)]
pub struct MergeConfig {
    /// The folders of all parts.
    pub dirs: Vec<PathBuf>,
    /// The output folder.
    pub output: PathBuf,
    /// Whether an existing folder is replaced.
    pub overwrite: bool,
}
