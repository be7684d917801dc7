//! A shard while it is written: its name, and the size and hash that the manifest gives.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::error::FolderError;
use crate::atomic_file::{AtomicFile, WriteError, sync_dir};
use crate::manifest::Shard;

/// Path of a shard within the output folder; `partition` is empty for the folder itself.
pub(super) fn shard_path(partition: &str, number: usize) -> String {
    let name = format!("part-{number:05}.parquet");
    if partition.is_empty() { name } else { format!("{partition}/{name}") }
}

/// An atomic file that hashes what is written to it.
pub(super) struct ShardFile {
    /// Path within the output folder.
    name: String,
    file: AtomicFile,
    hash: blake3::Hasher,
    bytes: u64,
}

impl ShardFile {
    /// Creates the temporary file, and the partition's folder where it is missing.
    pub(super) fn create(dir: &Path, partition: &str, number: usize) -> Result<Self, FolderError> {
        let folder = dir.join(partition);
        if !folder.is_dir() {
            fs::create_dir(&folder).map_err(FolderError::io("create", &folder))?;
            sync_dir(dir).map_err(FolderError::io("sync", dir))?;
        }
        let name = shard_path(partition, number);
        let file = AtomicFile::create(&dir.join(&name))?;
        Ok(Self { name, file, hash: blake3::Hasher::new(), bytes: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The entry of the manifest for what was written so far.
    pub(super) fn shard(&self, rows: u64) -> Shard {
        Shard { file: self.name.clone(), rows, bytes: self.bytes, blake3: self.hash.finalize().to_string() }
    }

    /// Gives the file its final name.
    pub(super) fn commit(self) -> Result<(), WriteError> {
        self.file.commit()
    }
}

impl Write for ShardFile {
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
