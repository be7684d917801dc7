//! Shards to rows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::disk::io_error;
use super::{BATCH_ROWS, FolderError};
use crate::SCHEMA_VERSION;
use crate::manifest::{FILE_NAME, Manifest};
use crate::row::Row;

/// A finished folder, opened for reading.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
    manifest: Manifest,
}

impl Folder {
    /// Opens a complete folder whose shards hold rows of `R`.
    ///
    /// # Errors
    /// A folder without a manifest, one that is not complete, or one of other rows.
    pub fn open<R: Row>(dir: &Path) -> Result<Self, FolderError> {
        let folder = Self::open_any(dir)?;
        let manifest = &folder.manifest;
        if manifest.schema != R::SCHEMA || manifest.schema_version != SCHEMA_VERSION {
            let (found, version) = (manifest.schema.clone(), manifest.schema_version);
            return Err(FolderError::Schema { path: dir.to_owned(), found, version, expected: R::SCHEMA });
        }
        if !manifest.complete {
            let why = manifest.error.clone().unwrap_or_else(|| "the run that wrote it did not end".to_owned());
            return Err(FolderError::Incomplete(dir.to_owned(), why));
        }
        Ok(folder)
    }

    /// Opens a folder whatever its schema and state, to look into it.
    ///
    /// # Errors
    /// A folder without a readable manifest.
    pub fn open_any(dir: &Path) -> Result<Self, FolderError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Err(FolderError::NoManifest(dir.to_owned()));
        }
        let json = fs::read(&path).map_err(io_error("read", &path))?;
        let manifest = serde_json::from_slice(&json).map_err(|error| FolderError::Manifest(path, error))?;
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// What the folder says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Paths of the shards, in row order.
    pub fn shards(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.manifest.shards.iter().map(|shard| self.dir.join(&shard.file))
    }

    /// All rows in order, a batch of some hundred at a time.
    ///
    /// Memory: one row group's pages and one batch of rows. Errors come as items, and nothing comes after one.
    pub fn rows<'a, R: Row + 'a>(&'a self) -> impl Iterator<Item = Result<Vec<R>, FolderError>> + 'a {
        let rows = self.batches_from(0).map(|batch| {
            let (path, batch) = batch?;
            R::from_batch(&batch).map_err(|error| FolderError::Row(path, error))
        });
        until_error(rows)
    }

    /// The same as batches, each with its shard's path, without the first `skip` rows; shards of these are not read. Whether a batch has
    /// the columns of a schema is not looked at.
    pub fn batches_from(&self, skip: u64) -> impl Iterator<Item = Result<(PathBuf, RecordBatch), FolderError>> + '_ {
        let mut before = 0;
        let batches = self.manifest.shards.iter().flat_map(move |shard| -> Box<dyn Iterator<Item = _>> {
            let skip = skip.saturating_sub(before);
            before += shard.rows;
            if skip >= shard.rows && skip > 0 {
                return Box::new(std::iter::empty());
            }
            let path = self.dir.join(&shard.file);
            match open_shard_at(&path, skip) {
                Ok(batches) => Box::new(batches.map(move |batch| match batch {
                    Ok(batch) => Ok((path.clone(), batch)),
                    Err(error) => Err(FolderError::Parquet(path.clone(), error.into())),
                })),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        });
        until_error(batches)
    }
}

fn until_error<T>(items: impl Iterator<Item = Result<T, FolderError>>) -> impl Iterator<Item = Result<T, FolderError>> {
    let mut failed = false;
    items.take_while(move |item| !std::mem::replace(&mut failed, item.is_err()))
}

/// The batches of a shard.
///
/// # Errors
/// A file that is missing or not Parquet.
pub fn open_shard(path: &Path) -> Result<ParquetRecordBatchReader, FolderError> {
    open_shard_at(path, 0)
}

fn open_shard_at(path: &Path, skip: u64) -> Result<ParquetRecordBatchReader, FolderError> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let skip = usize::try_from(skip).expect("fewer rows than a shard has");
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).with_offset(skip).build())
        .map_err(|error| FolderError::Parquet(path.to_owned(), error))
}
