//! One process at a time writes a run folder.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The lock of a run folder, held until it is dropped; a process that ends, however, leaves none.
///
/// Some file systems have no locks: there nothing is locked.
#[derive(Debug)]
pub struct RunLock {
    _folder: File,
}

impl RunLock {
    /// Locks a folder, which is created if it is missing.
    ///
    /// # Errors
    /// Another process holds the lock; the folder cannot be created or opened.
    pub fn acquire(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let folder = File::open(dir).with_context(|| format!("cannot open {}", dir.display()))?;
        if let Err(TryLockError::WouldBlock) = folder.try_lock() {
            bail!("another process is training the run {}; wait until it ends, or choose another folder with --out", dir.display());
        }
        Ok(Self { _folder: folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_lock() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("runs/one");
        let lock = RunLock::acquire(&run).unwrap();
        let error = RunLock::acquire(&run).unwrap_err().to_string();
        assert!(error.starts_with("another process is training the run "), "{error}");
        drop(lock);
        RunLock::acquire(&run).unwrap();
    }
}
