//! Files that are there whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::FolderError;
use crate::manifest::{FILE_NAME, PROGRESS_NAME, Shard};

/// Writes a value as JSON: the file is there whole, also after a loss of power, or it is what it was.
///
/// # Errors
/// A failed write.
pub fn save_json(dir: &Path, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
    let path = dir.join(name);
    let temporary = dir.join(temporary(name));
    let mut json = serde_json::to_vec_pretty(value).expect("what is saved is plain data");
    json.push(b'\n');
    let written = File::create(&temporary).and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        // On a full disk every byte counts.
        let _ = fs::remove_file(&temporary);
        io_error("write", &path)(error)
    })?;
    rename(dir, name)
}

pub(super) fn shard_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}

pub(super) fn temporary(name: &str) -> String {
    format!(".{name}.tmp")
}

pub(super) fn rename(dir: &Path, name: &str) -> Result<(), FolderError> {
    let path = dir.join(name);
    fs::rename(dir.join(temporary(name)), &path).map_err(io_error("rename", &path))?;
    // The rename itself lies in the folder: without this it may be lost with the power.
    sync(dir)
}

pub(super) fn sync(dir: &Path) -> Result<(), FolderError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("sync", dir))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), FolderError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(super) fn io_error(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let what = format!("cannot {doing} {}", path.display());
    move |error| FolderError::Io(what, error)
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).unwrap_or(name);
    name == FILE_NAME || name == PROGRESS_NAME || (name.starts_with("part-") && name.ends_with(".parquet"))
}

/// Whether a folder of that name is a partition, as in `entities=1-3`.
fn is_partition(name: &str) -> bool {
    name.split_once('=').is_some_and(|(column, value)| !column.is_empty() && !value.is_empty())
}

/// A folder that nobody else writes to.
pub(super) struct Claimed {
    dir: PathBuf,
    /// Paths within the folder.
    files: Vec<String>,
    partitions: Vec<PathBuf>,
    /// Held for as long as the folder is written to; not all file systems have such locks.
    lock: File,
}

impl Claimed {
    /// Makes the folder if it is not there, and sees what is in it.
    pub(super) fn new(dir: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(dir).map_err(io_error("make", dir))?;
        let lock = File::open(dir).map_err(io_error("open", dir))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(FolderError::Busy(dir.to_owned()));
        }
        let mut claimed = Self { dir: dir.to_owned(), files: Vec::new(), partitions: Vec::new(), lock };
        for name in names_in(dir)? {
            let path = dir.join(&name);
            if is_partition(&name) && path.is_dir() {
                claimed.files.extend(names_in(&path)?.into_iter().map(|file| format!("{name}/{file}")));
                claimed.partitions.push(path);
            } else {
                claimed.files.push(name);
            }
        }
        Ok(claimed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.partitions.is_empty()
    }

    /// Removes what earlier runs wrote, but for `shards`.
    pub(super) fn keep(self, shards: &[Shard]) -> Result<File, FolderError> {
        let Self { dir, mut files, partitions, lock } = self;
        if let Some(foreign) = files.iter().find(|name| !is_ours(name.rsplit('/').next().unwrap_or_default())) {
            return Err(FolderError::Foreign(dir, foreign.clone()));
        }
        for shard in shards {
            let path = dir.join(&shard.file);
            let bytes = fs::metadata(&path).map_err(io_error("read", &path))?.len();
            if bytes != shard.bytes {
                return Err(FolderError::Shard { path, what: format!("has {bytes} bytes, expected {}", shard.bytes) });
            }
        }
        let kept: BTreeSet<&str> = shards.iter().map(|shard| shard.file.as_str()).collect();
        files.retain(|name| !kept.contains(name.as_str()));
        // The manifest goes first, a folder half removed must not look finished; what can be gone on from goes last.
        files.sort_by_key(|name| if name == FILE_NAME { 0 } else { 1 + usize::from(name == PROGRESS_NAME) });
        files.retain(|name| name != PROGRESS_NAME || kept.is_empty());
        files.iter().try_for_each(|name| remove(&dir.join(name)))?;
        for folder in partitions {
            if names_in(&folder)?.is_empty() {
                fs::remove_dir(&folder).map_err(io_error("remove", &folder))?;
            }
        }
        Ok(lock)
    }
}

fn names_in(dir: &Path) -> Result<Vec<String>, FolderError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error("read", dir))? {
        names.push(entry.map_err(io_error("read", dir))?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// A file that knows the hash of what was written to it.
pub(super) struct HashingFile {
    file: BufWriter<File>,
    hash: blake3::Hasher,
    bytes: u64,
}

impl HashingFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 18, File::create(path)?), hash: blake3::Hasher::new(), bytes: 0 })
    }

    pub(super) fn finish(self) -> io::Result<(u64, String)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((self.bytes, self.hash.finalize().to_string()))
    }
}

impl Write for HashingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
