//! Reads folders of shards: as rows, or as Arrow batches of some columns.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::schema::types::ColumnPath;

use super::batch::BATCH_ROWS;
use super::error::FolderError;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::row::{Row, RowError, SCHEMA_VERSION};

/// A folder of shards, opened for reading.
#[derive(Debug, Clone)]
pub struct ShardFolder {
    dir: PathBuf,
    manifest: Manifest,
}

/// What to read of a folder: which columns, and from which row on. By default everything.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    columns: Option<Vec<String>>,
    skip_rows: u64,
}

impl ReadOptions {
    /// Reads only some columns, by their names in the schema; the rest is not decoded. `spans.start` names a field of the items of
    /// the list `spans`. The order of columns in a batch stays that of the schema.
    #[must_use]
    pub fn with_columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(columns.iter().map(|&column| column.to_owned()).collect());
        self
    }

    /// Skips the first rows; shards of which all rows are skipped are not opened.
    #[must_use]
    pub fn with_skipped_rows(mut self, rows: u64) -> Self {
        self.skip_rows = rows;
        self
    }
}

impl ShardFolder {
    /// Opens a complete folder whose shards hold rows of `R`.
    ///
    /// # Errors
    /// [`FolderError::NoManifest`], [`FolderError::Manifest`], [`FolderError::Incomplete`], or [`FolderError::Schema`] where
    /// the folder holds other rows.
    pub fn open<R: Row>(dir: &Path) -> Result<Self, FolderError> {
        let folder = Self::open_any(dir)?;
        let manifest = &folder.manifest;
        if manifest.schema != R::SCHEMA_NAME || manifest.schema_version != SCHEMA_VERSION {
            let (found, version) = (manifest.schema.clone(), manifest.schema_version);
            return Err(FolderError::Schema { path: dir.to_owned(), found, version, expected: R::SCHEMA_NAME });
        }
        if let Some(reason) = manifest.incomplete_reason() {
            return Err(FolderError::Incomplete(dir.to_owned(), reason.to_owned()));
        }
        Ok(folder)
    }

    /// Opens a folder of any schema, complete or not, to inspect it.
    ///
    /// # Errors
    /// [`FolderError::NoManifest`] or [`FolderError::Manifest`].
    pub fn open_any(dir: &Path) -> Result<Self, FolderError> {
        let path = dir.join(MANIFEST_FILE);
        if !path.is_file() {
            return Err(FolderError::NoManifest(dir.to_owned()));
        }
        let json = fs::read(&path).map_err(FolderError::io("read", &path))?;
        let manifest = serde_json::from_slice(&json).map_err(|error| FolderError::Manifest(path, error))?;
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The folder's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Paths of the shards, in row order.
    pub fn shards(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..self.manifest.shards.len()).map(|shard| self.shard_path(shard))
    }

    /// Path of a shard, by its index in the manifest.
    ///
    /// # Panics
    /// There is no such shard.
    pub fn shard_path(&self, shard: usize) -> PathBuf {
        self.dir.join(&self.manifest.shards[shard].file)
    }

    /// All rows in order, owned, in chunks of at most 512.
    ///
    /// Memory: the pages of one row group and one chunk of rows.
    ///
    /// # Errors
    /// As items: [`FolderError::Parquet`], [`FolderError::Row`] or an I/O error. Nothing comes after an error.
    pub fn rows<'a, R: Row + 'a>(&'a self) -> impl Iterator<Item = Result<Vec<R>, FolderError>> + 'a {
        let rows = self.batches(ReadOptions::default()).map(|batch| {
            let (path, batch) = batch?;
            R::from_batch(&batch).map_err(|error| FolderError::Row(path, error))
        });
        until_error(rows)
    }

    /// Rows in order as Arrow batches of at most 512 rows, each with its shard's path. Read them as rows with
    /// [`Page::views`](crate::Page::views) or [`TripleViews`](crate::TripleViews).
    ///
    /// # Errors
    /// As items: [`FolderError::Parquet`], an I/O error, or [`FolderError::Row`] where a shard lacks one of the columns asked
    /// for. Types are not checked here. Nothing comes after an error.
    pub fn batches(&self, options: ReadOptions) -> impl Iterator<Item = Result<(PathBuf, RecordBatch), FolderError>> + '_ {
        let mut rows_before = 0;
        let batches = self.manifest.shards.iter().flat_map(move |shard| -> Box<dyn Iterator<Item = _>> {
            let skip = options.skip_rows.saturating_sub(rows_before);
            rows_before += shard.rows;
            if skip >= shard.rows && skip > 0 {
                return Box::new(std::iter::empty());
            }
            let path = self.dir.join(&shard.file);
            match open_shard_at(&path, options.columns.as_deref(), skip) {
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

/// The batches of one shard, or of any Parquet file.
///
/// # Errors
/// The file is missing or not Parquet.
pub fn open_shard(path: &Path) -> Result<ParquetRecordBatchReader, FolderError> {
    open_shard_at(path, None, 0)
}

fn open_shard_at(path: &Path, columns: Option<&[String]>, skip: u64) -> Result<ParquetRecordBatchReader, FolderError> {
    let skip = usize::try_from(skip).expect("fewer rows than a shard has");
    let builder = open_columns(path, columns)?;
    builder.with_offset(skip).build().map_err(|error| FolderError::Parquet(path.to_owned(), error))
}

/// A shard whose footer was read, to be read in batches of at most 512 rows of some columns.
pub(super) fn open_columns(path: &Path, columns: Option<&[String]>) -> Result<ParquetRecordBatchReaderBuilder<File>, FolderError> {
    let file = File::open(path).map_err(FolderError::io("read", path))?;
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| FolderError::Parquet(path.to_owned(), error))?;
    if let Some(columns) = columns {
        let leaves = builder.parquet_schema().columns();
        let mut wanted = vec![false; leaves.len()];
        for name in columns {
            let mut is_missing = true;
            for (_, wanted) in leaves.iter().zip(&mut wanted).filter(|(leaf, _)| is_part(leaf.path(), name)) {
                (*wanted, is_missing) = (true, false);
            }
            if is_missing {
                let (column, found, expected) = (name.clone(), "missing".to_owned(), "a column of the shard".to_owned());
                return Err(FolderError::Row(path.to_owned(), RowError::Column { column, found, expected }));
            }
        }
        let wanted = (0..wanted.len()).filter(|&leaf| wanted[leaf]);
        let mask = ProjectionMask::leaves(builder.parquet_schema(), wanted);
        builder = builder.with_projection(mask);
    }
    Ok(builder.with_batch_size(BATCH_ROWS))
}

/// Whether a leaf column is a part of the column of that name, such as `spans.list.item.start` of `spans` and of `spans.start`.
fn is_part(leaf: &ColumnPath, name: &str) -> bool {
    let parts = leaf.parts();
    let (Some(column), Some(field)) = (parts.first(), parts.last()) else { return false };
    match name.split_once('.') {
        Some(name) => name == (column, field) && parts.len() > 1,
        None => name == column,
    }
}
