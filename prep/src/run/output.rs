//! The output folder of a run.

use std::path::PathBuf;

use schemas::{Manifest, Row, ShardWriter};

/// Where rows are written.
#[derive(Debug, Clone)]
pub struct OutputSettings {
    /// The folder.
    pub dir: PathBuf,
    /// What happens to its content.
    pub mode: OutputMode,
}

/// What happens to the content of an output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputMode {
    /// The folder must be new or empty.
    Create,
    /// What an earlier run wrote is replaced.
    Overwrite,
    /// An earlier run is resumed; if there is none, the run starts at the beginning.
    Resume,
}

impl OutputSettings {
    /// Starts an empty folder. In mode [`Resume`](OutputMode::Resume) what an earlier run left before its first checkpoint is removed.
    ///
    /// # Errors
    /// A folder that holds something else, or that cannot be written.
    pub fn create<R: Row>(&self, manifest: Manifest) -> anyhow::Result<ShardWriter<R>> {
        Ok(match self.mode {
            OutputMode::Resume => ShardWriter::resume(&self.dir, manifest, Vec::new())?,
            mode => ShardWriter::create(&self.dir, mode == OutputMode::Overwrite, manifest)?,
        })
    }
}
