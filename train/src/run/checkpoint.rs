//! Checkpoints of a run: `checkpoints/step-N/`, each whole or not there at all.
//!
//! ```text
//! model.safetensors      the weights
//! moments.safetensors    the optimizer's memory
//! state.json             where training stood: position, generators, best scores
//! ```
//! A checkpoint is written under a temporary name, synced and renamed, and older ones are removed then; so there is one at any
//! time, whenever the program is killed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::atomic_file;

use crate::model::weights;

/// Folder of checkpoints in a run.
pub const FOLDER: &str = "checkpoints";

/// The optimizer's memory.
pub const MOMENTS: &str = "moments.safetensors";

/// Where training stood.
pub const STATE: &str = "state.json";

/// What a checkpoint holds.
#[derive(Debug)]
pub struct Files<'a> {
    /// The weights.
    pub weights: &'a [u8],
    /// The optimizer's memory.
    pub moments: &'a [u8],
    /// Where training stood.
    pub state: &'a serde_json::Value,
}

/// Writes a run's checkpoint and removes the older ones.
///
/// # Errors
/// A failed write; the older ones are there still.
pub fn write(run: &Path, step: usize, files: &Files<'_>) -> Result<()> {
    let folder = run.join(FOLDER);
    let (path, temporary) = (folder.join(name(step)), atomic_file::temporary_path(&folder.join(name(step))));
    let written = (|| -> Result<()> {
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        fs::create_dir_all(&temporary)?;
        atomic_file::write(&temporary.join(weights::FILE_NAME), files.weights)?;
        atomic_file::write(&temporary.join(MOMENTS), files.moments)?;
        atomic_file::write(&temporary.join(STATE), format!("{:#}\n", files.state).as_bytes())?;
        Ok(atomic_file::rename(&temporary, &path)?)
    })();
    written.with_context(|| format!("cannot write checkpoint {}", path.display()))?;
    keep_only(&path)
}

/// Removes all checkpoints but one, and what a kill left half written.
///
/// # Errors
/// The folder cannot be read or a checkpoint not be removed.
pub fn keep_only(checkpoint: &Path) -> Result<()> {
    let folder = checkpoint.parent().expect("checkpoints lie in their folder");
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let other = entry?.path();
        if other != checkpoint {
            fs::remove_dir_all(&other).with_context(|| format!("cannot remove {}", other.display()))?;
        }
    }
    Ok(())
}

/// A run's newest checkpoint, if it has one.
///
/// # Errors
/// The folder cannot be read.
pub fn newest(run: &Path) -> Result<Option<PathBuf>> {
    let folder = run.join(FOLDER);
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
    fn the_newest_whole_checkpoint_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(dir.path()).unwrap(), None);
        let files = Files { weights: b"w", moments: b"m", state: &serde_json::json!({}) };
        write(dir.path(), 9, &files).unwrap();
        write(dir.path(), 10, &files).unwrap();
        let folder = dir.path().join(FOLDER);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "older ones are removed");
        keep_only(&folder.join("step-10")).unwrap();
        // Killed between rename and removal, and while the next one was being written.
        fs::create_dir(folder.join("step-9")).unwrap();
        fs::create_dir(folder.join(".step-11.tmp")).unwrap();
        assert_eq!(newest(dir.path()).unwrap(), Some(folder.join("step-10")));
        write(dir.path(), 11, &files).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
