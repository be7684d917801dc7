//! Settings of reading the inputs.

use std::path::PathBuf;

/// Which inputs are read, and how.
#[derive(Debug, Clone)]
pub struct InputSettings {
    /// The inputs.
    pub selection: InputSelection,
    /// Language of the wiki; `None`: what each dump says.
    pub lang: Option<String>,
    /// Whether the inputs are read twice, first for their redirects.
    pub resolve_redirects: bool,
    /// Whether damage is skipped and recorded instead of ending the run.
    pub skip_damaged: bool,
}

/// The inputs of a run.
#[derive(Debug, Clone)]
pub enum InputSelection {
    /// Dumps and folders of pages.
    Paths {
        /// Their paths; `-` is standard input.
        paths: Vec<PathBuf>,
        /// Multistream indexes: none, or one for each dump in the order of the dumps.
        indexes: Vec<PathBuf>,
    },
    /// One part of a plan.
    PlannedPart {
        /// File of the plan.
        plan: PathBuf,
        /// Number of the part, from 0.
        part: usize,
    },
}
