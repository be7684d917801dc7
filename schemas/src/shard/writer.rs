//! Writes rows into the shards of a folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::batch::{BATCH_BYTES, BATCH_ROWS, CheckedBatch};
use super::error::FolderError;
use super::output_folder::{OutputFolder, remove_if_exists};
use super::shard_file::ShardFile;
use crate::atomic_file::write_json;
use crate::counter::Counter;
use crate::manifest::{Damage, InputFile, MANIFEST_FILE, Manifest, PROGRESS_FILE, Shard};
use crate::row::{Row, SCHEMA_VERSION};

/// Size at which a shard is closed, in bytes.
pub const SHARD_BYTES: usize = 128 << 20;

/// Writes rows into the shards of one folder, which it locks.
///
/// Memory: one row group, encoded, for each partition. Dropped without [`finish`](Self::finish), it leaves an incomplete
/// folder with the shards closed so far.
///
/// ```
/// use std::collections::BTreeMap;
/// use schemas::{Manifest, ShardFolder, ShardWriter, Triple};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let manifest = Manifest::new("example 1.0", "none", serde_json::json!({}));
/// let mut writer = ShardWriter::create(dir.path(), false, manifest)?;
/// writer.write(Triple { context: "Clara lives in Oslo.".into(), impossible: true, ..Triple::default() })?;
/// writer.finish(Vec::new(), BTreeMap::new(), None)?;
///
/// let folder = ShardFolder::open::<Triple>(dir.path())?;
/// for rows in folder.rows::<Triple>() {
///     assert_eq!(rows?[0].context, "Clara lives in Oslo.");
/// }
/// # Ok(())
/// # }
/// ```
pub struct ShardWriter<R: Row> {
    dir: PathBuf,
    manifest: Manifest,
    shard_bytes: usize,
    partitions: Vec<Partition>,
    /// Rows of the first partition that are not yet a batch.
    pending: Vec<R>,
    pending_bytes: usize,
    /// Keeps the folder locked.
    _lock: File,
}

/// A folder of shards within the output folder.
struct Partition {
    /// Its name; empty for the output folder itself.
    folder: String,
    open: Option<OpenShard>,
    shards: Vec<Shard>,
}

struct OpenShard {
    writer: ArrowWriter<ShardFile>,
    rows: u64,
}

impl OpenShard {
    fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }
}

impl<R: Row> ShardWriter<R> {
    /// Creates the folder, locks it and writes its manifest, not complete yet.
    ///
    /// # Errors
    /// [`FolderError::Exists`] where the folder is not empty and `overwrite` is false. With `overwrite`, what earlier runs
    /// wrote is removed, and [`FolderError::Foreign`] protects everything else. [`FolderError::Busy`], or a failed write.
    pub fn create(dir: &Path, overwrite: bool, manifest: Manifest) -> Result<Self, FolderError> {
        Self::start(dir, OutputFolder::lock_new(dir, overwrite)?.clear_except(&[])?, manifest, Vec::new())
    }

    /// Continues an earlier run: keeps its `shards` and removes the rest.
    ///
    /// # Errors
    /// [`FolderError::Shard`] where a shard has another size than it had, an I/O error where it is missing;
    /// [`FolderError::Foreign`] and [`FolderError::Busy`] as in [`create`](Self::create).
    pub fn resume(dir: &Path, manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        Self::start(dir, OutputFolder::lock(dir)?.clear_except(&shards)?, manifest, shards)
    }

    fn start(dir: &Path, lock: File, mut manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        R::SCHEMA_NAME.clone_into(&mut manifest.schema);
        write_json(&dir.join(MANIFEST_FILE), &manifest)?;
        let partitions = vec![Partition { folder: String::new(), open: None, shards }];
        let (pending, pending_bytes) = (Vec::new(), 0);
        Ok(Self { dir: dir.to_owned(), manifest, shard_bytes: SHARD_BYTES, partitions, pending, pending_bytes, _lock: lock })
    }

    /// Closes shards at another size than [`SHARD_BYTES`].
    #[must_use]
    pub fn with_shard_bytes(mut self, bytes: usize) -> Self {
        self.shard_bytes = bytes;
        self
    }

    /// Divides the rows among folders within the folder, named as in `entities=1-3`: Hive partitions, which polars, DuckDB
    /// and others read as a column. The folder of a partition without rows is not created.
    #[must_use]
    pub fn with_partitions(mut self, folders: impl IntoIterator<Item = String>) -> Self {
        let kept: Vec<Shard> = self.partitions.drain(..).flat_map(|partition| partition.shards).collect();
        let partition = |folder: String| {
            let shards = kept.iter().filter(|shard| shard.partition() == folder).cloned().collect();
            Partition { folder, open: None, shards }
        };
        self.partitions = folders.into_iter().map(partition).collect();
        self
    }

    /// Appends a row to the first partition.
    ///
    /// # Errors
    /// [`FolderError::Row`] where the row violates an invariant; a failed write.
    pub fn write(&mut self, row: R) -> Result<(), FolderError> {
        row.check().map_err(|error| FolderError::Row(self.dir.clone(), error))?;
        self.pending_bytes += row.memory_bytes();
        self.pending.push(row);
        if self.pending.len() == BATCH_ROWS || self.pending_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Appends a batch to a partition, by its index in [`with_partitions`](Self::with_partitions); 0 without partitions.
    ///
    /// # Errors
    /// A failed write.
    ///
    /// # Panics
    /// There is no such partition.
    pub fn write_batch(&mut self, partition: usize, rows: &CheckedBatch<R>) -> Result<(), FolderError> {
        let mut shard = match self.partitions[partition].open.take() {
            Some(shard) => shard,
            None => self.open_shard(partition)?,
        };
        shard.writer.write(rows.batch()).map_err(|error| FolderError::Parquet(self.dir.clone(), error))?;
        shard.rows += rows.batch().num_rows() as u64;
        let full = shard.bytes() >= self.shard_bytes;
        self.partitions[partition].open = Some(shard);
        if full { self.close_shard(partition) } else { Ok(()) }
    }

    /// Sets the manifest's `report`.
    pub fn set_report(&mut self, report: serde_json::Value) {
        self.manifest.report = Some(report);
    }

    /// Sets the manifest's `damage`.
    pub fn set_damage(&mut self, damage: Vec<Damage>) {
        self.manifest.damage = damage;
    }

    /// Bytes of the largest shard that is still open.
    pub fn open_bytes(&self) -> usize {
        self.partitions.iter().filter_map(|partition| partition.open.as_ref()).map(OpenShard::bytes).max().unwrap_or_default()
    }

    /// Closes all shards and returns them. They stay, whatever happens next: a checkpoint can refer to them.
    ///
    /// # Errors
    /// A failed write.
    pub fn commit(&mut self) -> Result<Vec<Shard>, FolderError> {
        self.flush()?;
        for partition in 0..self.partitions.len() {
            self.close_shard(partition)?;
        }
        Ok(self.shards())
    }

    fn shards(&self) -> Vec<Shard> {
        self.partitions.iter().flat_map(|partition| partition.shards.iter().cloned()).collect()
    }

    /// Closes the last shards and writes the manifest: complete, unless `error` says what stopped the run. A complete folder
    /// loses its checkpoint.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(
        mut self,
        inputs: Vec<InputFile>,
        counters: BTreeMap<String, Counter>,
        error: Option<String>,
    ) -> Result<Manifest, FolderError> {
        if self.commit()?.is_empty() {
            // One empty shard is written: other programs need a file to see the columns.
            self.partitions[0].open = Some(self.open_shard(0)?);
            self.close_shard(0)?;
        }
        self.save_manifest(inputs, counters, error)
    }

    /// Discards the rows that are in no closed shard, and writes the manifest with the error that stopped the run.
    ///
    /// # Errors
    /// A failed write.
    pub fn abort(mut self, inputs: Vec<InputFile>, counters: BTreeMap<String, Counter>, error: String) -> Result<Manifest, FolderError> {
        // Dropping an open shard removes its temporary file, before the manifest needs the space.
        self.partitions.iter_mut().for_each(|partition| drop(partition.open.take()));
        self.save_manifest(inputs, counters, Some(error))
    }

    fn save_manifest(
        mut self,
        inputs: Vec<InputFile>,
        counters: BTreeMap<String, Counter>,
        error: Option<String>,
    ) -> Result<Manifest, FolderError> {
        self.manifest.shards = self.shards();
        self.manifest.inputs = inputs;
        self.manifest.counters = counters;
        self.manifest.complete = error.is_none();
        self.manifest.error = error;
        write_json(&self.dir.join(MANIFEST_FILE), &self.manifest)?;
        if self.manifest.complete {
            remove_if_exists(&self.dir.join(PROGRESS_FILE))?;
        }
        Ok(self.manifest)
    }

    fn flush(&mut self) -> Result<(), FolderError> {
        self.pending_bytes = 0;
        if self.pending.is_empty() {
            return Ok(());
        }
        let rows = CheckedBatch::of_valid_rows(R::to_batch(&self.pending));
        self.pending.clear();
        self.write_batch(0, &rows)
    }

    fn open_shard(&self, partition: usize) -> Result<OpenShard, FolderError> {
        let partition = &self.partitions[partition];
        let file = ShardFile::create(&self.dir, &partition.folder, partition.shards.len())?;
        let path = file.path().to_owned();
        let properties = properties::<R>(&self.manifest.program);
        let writer = ArrowWriter::try_new(file, R::schema(), Some(properties)).map_err(|error| FolderError::Parquet(path, error))?;
        Ok(OpenShard { writer, rows: 0 })
    }

    fn close_shard(&mut self, partition: usize) -> Result<(), FolderError> {
        let partition = &mut self.partitions[partition];
        let Some(OpenShard { writer, rows }) = partition.open.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(|error| FolderError::Parquet(self.dir.join(&partition.folder), error))?;
        let shard = file.shard(rows);
        file.commit()?;
        partition.shards.push(shard);
        Ok(())
    }
}

/// How a shard of rows of `R` is stored: zstd, the row's column policy, schema name and version in the metadata.
fn properties<R: Row>(program: &str) -> WriterProperties {
    let column_path = |column: &str| ColumnPath::new(column.split('.').map(str::to_owned).collect());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(R::ROW_GROUP_ROWS))
        .set_created_by(program.to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("schema".to_owned(), R::SCHEMA_NAME.to_owned()),
            KeyValue::new("schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        ]));
    for column in R::NO_DICTIONARY {
        properties = properties.set_column_dictionary_enabled(column_path(column), false);
    }
    for column in R::DELTA_ENCODED {
        let path = column_path(column);
        properties = properties.set_column_dictionary_enabled(path.clone(), false);
        properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for column in R::NO_STATISTICS {
        properties = properties.set_column_statistics_enabled(column_path(column), EnabledStatistics::None);
    }
    properties.build()
}
