//! The folder that is written to: locked, and cleared of what earlier runs left.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::FolderError;
use crate::manifest::{MANIFEST_FILE, PROGRESS_FILE, Shard};

/// How names of files begin and end that a run puts aside until it makes rows of them.
const SPILL_PREFIX: &str = "spill-";
const SPILL_EXTENSION: &str = ".bin";

/// The file with what a unit of a run put aside, by its number. A complete folder has none.
pub fn spill_file(unit: u32) -> String {
    format!("{SPILL_PREFIX}{unit:05}{SPILL_EXTENSION}")
}

/// Whether a file of that name is what a unit put aside.
fn is_spill_file(name: &str) -> bool {
    name.starts_with(SPILL_PREFIX) && name.ends_with(SPILL_EXTENSION)
}

/// Whether these programs write files of that name, temporary ones included.
fn is_known_file(name: &str) -> bool {
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).unwrap_or(name);
    name == MANIFEST_FILE || name == PROGRESS_FILE || (name.starts_with("part-") && name.ends_with(".parquet")) || is_spill_file(name)
}

/// Whether a folder of that name is a partition, as in `entities=1-3`.
fn is_partition(name: &str) -> bool {
    name.split_once('=').is_some_and(|(column, value)| !column.is_empty() && !value.is_empty())
}

/// An output folder, locked against other writers.
pub(super) struct OutputFolder {
    dir: PathBuf,
    /// Paths within the folder.
    files: Vec<String>,
    partitions: Vec<PathBuf>,
    /// The lock lasts as long as this file is open. Some file systems have no locks; there nothing is locked.
    lock: File,
}

impl OutputFolder {
    /// Creates the folder if it is missing, locks it and lists its files.
    ///
    /// # Errors
    /// [`FolderError::Busy`], or an I/O error.
    pub(super) fn lock(dir: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(dir).map_err(FolderError::io("create", dir))?;
        let lock = File::open(dir).map_err(FolderError::io("open", dir))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(FolderError::Busy(dir.to_owned()));
        }
        let mut folder = Self { dir: dir.to_owned(), files: Vec::new(), partitions: Vec::new(), lock };
        for name in entry_names(dir)? {
            let path = dir.join(&name);
            if is_partition(&name) && path.is_dir() {
                folder.files.extend(entry_names(&path)?.into_iter().map(|file| format!("{name}/{file}")));
                folder.partitions.push(path);
            } else {
                folder.files.push(name);
            }
        }
        Ok(folder)
    }

    /// As [`lock`](Self::lock), but the folder must be empty unless it is to be overwritten.
    ///
    /// # Errors
    /// Also [`FolderError::Exists`].
    pub(super) fn lock_new(dir: &Path, overwrite: bool) -> Result<Self, FolderError> {
        let folder = Self::lock(dir)?;
        let is_empty = folder.files.is_empty() && folder.partitions.is_empty();
        if is_empty || overwrite { Ok(folder) } else { Err(FolderError::Exists(dir.to_owned())) }
    }

    /// Removes what earlier runs wrote, except `shards` and the files of the first `spilled` units; with any of them, the checkpoint stays
    /// too. Returns the lock.
    ///
    /// # Errors
    /// [`FolderError::Foreign`] before anything is removed, [`FolderError::Shard`] where a shard has another size than it
    /// had, or an I/O error.
    pub(super) fn clear_except(self, shards: &[Shard], spilled: u32) -> Result<File, FolderError> {
        let Self { dir, mut files, partitions, lock } = self;
        if let Some(foreign) = files.iter().find(|name| !is_known_file(name.rsplit('/').next().unwrap_or_default())) {
            return Err(FolderError::Foreign(dir, foreign.clone()));
        }
        for shard in shards {
            let path = dir.join(&shard.file);
            let bytes = fs::metadata(&path).map_err(FolderError::io("read", &path))?.len();
            if bytes != shard.bytes {
                return Err(FolderError::Shard { path, what: format!("has {bytes} bytes, expected {}", shard.bytes) });
            }
        }
        let kept: BTreeSet<String> = shards.iter().map(|shard| shard.file.clone()).chain((0..spilled).map(spill_file)).collect();
        files.retain(|name| !kept.contains(name));
        files.retain(|name| name != PROGRESS_FILE || kept.is_empty());
        // The manifest goes first: a folder that is half removed must not look complete. The checkpoint goes last: until
        // then the run can be resumed.
        files.sort_by_key(|name| if name == MANIFEST_FILE { 0 } else { 1 + usize::from(name == PROGRESS_FILE) });
        files.iter().try_for_each(|name| remove_if_exists(&dir.join(name)))?;
        for partition in partitions {
            if entry_names(&partition)?.is_empty() {
                fs::remove_dir(&partition).map_err(FolderError::io("remove", &partition))?;
            }
        }
        Ok(lock)
    }
}

/// Removes what a run that was killed right after it had written the manifest of a complete folder leaves there: its checkpoint, and what its
/// units put aside. Removes nothing while a run writes to the folder.
///
/// # Errors
/// An I/O error.
pub fn remove_leftovers(dir: &Path) -> Result<(), FolderError> {
    let lock = File::open(dir).map_err(FolderError::io("open", dir))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(()),
        _ => remove_checkpoint(dir),
    }
}

/// Removes the checkpoint of a folder that is complete, and what its units put aside.
pub(super) fn remove_checkpoint(dir: &Path) -> Result<(), FolderError> {
    let names = entry_names(dir)?.into_iter().filter(|name| name == PROGRESS_FILE || is_spill_file(name));
    names.map(|name| dir.join(name)).try_for_each(|path| remove_if_exists(&path))
}

/// Removes a file that may not exist.
pub(super) fn remove_if_exists(path: &Path) -> Result<(), FolderError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FolderError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn entry_names(dir: &Path) -> Result<Vec<String>, FolderError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(FolderError::io("read", dir))? {
        names.push(entry.map_err(FolderError::io("read", dir))?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}
