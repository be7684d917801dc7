//! Checkpoints of a run: folders `checkpoints/step-N/`, each complete or not there at all.
//!
//! ```text
//! model.safetensors      weights
//! moments.safetensors    optimizer state
//! state.json             position in the training set, random generators, best scores
//! ```
//! A checkpoint is written under a temporary name, synced and renamed; then the older ones are removed. So there is a complete one
//! at any time, wherever the process is killed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::atomic_file;

use super::layout::CHECKPOINTS;
use crate::model::weights;

/// File of the optimizer state.
pub const OPTIMIZER_STATE: &str = "moments.safetensors";

/// File of the state of the training loop.
pub const STATE: &str = "state.json";

/// The contents of a checkpoint's files.
#[derive(Debug)]
pub struct CheckpointFiles<'a> {
    /// Weights, as a safetensors file.
    pub weights: &'a [u8],
    /// Optimizer state, as a safetensors file.
    pub optimizer_state: &'a [u8],
    /// State of the training loop.
    pub state: &'a serde_json::Value,
}

/// Writes the checkpoint of a step and removes the older ones.
///
/// # Errors
/// A failed write; the older checkpoints are then kept.
pub fn write(run: &Path, step: usize, contents: &CheckpointFiles<'_>) -> Result<()> {
    let folder = run.join(CHECKPOINTS);
    let path = folder.join(name(step));
    let temporary = atomic_file::temporary_path(&path);
    let written = (|| -> Result<()> {
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        fs::create_dir_all(&temporary)?;
        atomic_file::write(&temporary.join(weights::FILE_NAME), contents.weights)?;
        atomic_file::write(&temporary.join(OPTIMIZER_STATE), contents.optimizer_state)?;
        atomic_file::write(&temporary.join(STATE), format!("{:#}\n", contents.state).as_bytes())?;
        Ok(atomic_file::rename(&temporary, &path)?)
    })();
    written.with_context(|| format!("cannot write checkpoint {}", path.display()))?;
    keep_only(&path)
}

/// Removes all checkpoints but one, and what a killed process left half written.
///
/// # Errors
/// The folder cannot be read, or a checkpoint cannot be removed.
pub fn keep_only(checkpoint: &Path) -> Result<()> {
    let folder = checkpoint.parent().expect("a checkpoint is in the folder of checkpoints");
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let other = entry?.path();
        if other != checkpoint {
            fs::remove_dir_all(&other).with_context(|| format!("cannot remove {}", other.display()))?;
        }
    }
    Ok(())
}

/// The newest complete checkpoint of a run, if it has one.
///
/// # Errors
/// The folder cannot be read.
pub fn newest(run: &Path) -> Result<Option<PathBuf>> {
    let folder = run.join(CHECKPOINTS);
    if !folder.exists() {
        return Ok(None);
    }
    let mut newest: Option<(usize, PathBuf)> = None;
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let step = path.file_name().and_then(|name| name.to_str()?.strip_prefix("step-")?.parse().ok());
        if let Some(step) = step
            && newest.as_ref().is_none_or(|(other, _)| step > *other)
        {
            newest = Some((step, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

fn name(step: usize) -> String {
    format!("step-{step}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_checkpoint_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(dir.path()).unwrap(), None);
        let files = CheckpointFiles { weights: b"w", optimizer_state: b"m", state: &serde_json::json!({}) };
        write(dir.path(), 9, &files).unwrap();
        write(dir.path(), 10, &files).unwrap();
        let folder = dir.path().join(CHECKPOINTS);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "older ones are removed");
        keep_only(&folder.join("step-10")).unwrap();
        // Left by a process that was killed between rename and removal, or while it wrote the next one.
        fs::create_dir(folder.join("step-9")).unwrap();
        fs::create_dir(folder.join(".step-11.tmp")).unwrap();
        assert_eq!(newest(dir.path()).unwrap(), Some(folder.join("step-10")));
        write(dir.path(), 11, &files).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
