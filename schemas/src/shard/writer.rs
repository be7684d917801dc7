//! Rows to shards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::disk::{self, Claimed, HashingFile, io_error, save_json, shard_name, temporary};
use super::{BATCH_ROWS, FolderError};
use crate::SCHEMA_VERSION;
use crate::manifest::{Damage, FILE_NAME, Input, Manifest, PROGRESS_NAME, Shard, Tally};
use crate::row::{Row, RowError};

/// Bytes of rows handed to the Parquet library at once, where they are that large.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// Size at which a shard is closed, in bytes.
pub const SHARD_BYTES: usize = 128 << 20;

/// Columns whose values are seldom there twice: a dictionary of them costs time and saves no room.
const ONCE: [&str; 5] = ["id", "context", "spans.list.item.text", "title", "text"];
/// Those of running text: which of them comes first in the alphabet helps no query, and costs a comparison for each value.
const TEXTS: [&str; 3] = ["context", "spans.list.item.text", "text"];

/// Offsets in a page, which go up: the steps between them are small, and seldom the same.
const OFFSETS: [&str; 6] = [
    "anchors.list.item.start",
    "anchors.list.item.end",
    "segments.list.item.start",
    "segments.list.item.end",
    "sentences.list.item.start",
    "sentences.list.item.end",
];

/// Rows that are checked, and by columns, as they are written.
#[derive(Debug)]
pub struct Checked<R> {
    batch: RecordBatch,
    rows: PhantomData<R>,
}

impl<R: Row> Checked<R> {
    /// Checks rows and takes them over, as many together as the Parquet library is to have at once.
    ///
    /// # Errors
    /// A row that breaks an invariant.
    pub fn all(rows: impl IntoIterator<Item = R>) -> Result<Vec<Self>, RowError> {
        let mut batches = Vec::new();
        let (mut pending, mut bytes) = (Vec::new(), 0);
        for row in rows {
            row.check()?;
            bytes += row.size();
            pending.push(row);
            if bytes >= BATCH_BYTES {
                batches.push(Self::of(&mut pending));
                bytes = 0;
            }
        }
        if !pending.is_empty() {
            batches.push(Self::of(&mut pending));
        }
        Ok(batches)
    }

    fn of(rows: &mut Vec<R>) -> Self {
        let batch = R::to_batch(rows);
        rows.clear();
        Self::new(batch)
    }

    /// A batch of the schema, whose rows hold what must hold.
    pub(crate) fn new(batch: RecordBatch) -> Self {
        Self { batch, rows: PhantomData }
    }

    #[cfg(test)]
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}

/// Writes rows into the shards of one folder.
///
/// Memory: one row group, encoded, for each partition. Rows are checked as they are written.
pub struct ShardWriter<R: Row> {
    dir: PathBuf,
    manifest: Manifest,
    shard_bytes: usize,
    partitions: Vec<Partition>,
    /// Rows of the first partition that wait for others.
    pending: Vec<R>,
    /// Their size.
    pending_bytes: usize,
    /// Keeps others from writing to the folder.
    _lock: File,
}

/// Rows that go into the same folder.
struct Partition {
    /// Name within the output folder; empty for that folder itself.
    folder: String,
    open: Option<OpenShard>,
    shards: Vec<Shard>,
}

impl Partition {
    fn new(folder: String) -> Self {
        Self { folder, open: None, shards: Vec::new() }
    }
}

struct OpenShard {
    writer: ArrowWriter<HashingFile>,
    rows: u64,
}

impl OpenShard {
    fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }
}

impl<R: Row> ShardWriter<R> {
    /// Makes the folder and writes its manifest, not complete yet.
    ///
    /// # Errors
    /// [`FolderError::Exists`] if something is there and `overwrite` is false; with it, what an earlier run wrote is removed,
    /// and [`FolderError::Foreign`] guards everything else.
    pub fn create(dir: &Path, overwrite: bool, manifest: Manifest) -> Result<Self, FolderError> {
        let claimed = Claimed::new(dir)?;
        if !claimed.is_empty() && !overwrite {
            return Err(FolderError::Exists(dir.to_owned()));
        }
        Self::start(dir, claimed.keep(&[])?, manifest, Vec::new())
    }

    /// Goes on with what an earlier run wrote: keeps `shards` and removes the rest.
    ///
    /// # Errors
    /// A shard that is not there or has another size; [`FolderError::Foreign`] as in [`create`](Self::create).
    pub fn resume(dir: &Path, manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        Self::start(dir, Claimed::new(dir)?.keep(&shards)?, manifest, shards)
    }

    fn start(dir: &Path, lock: File, mut manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        R::SCHEMA.clone_into(&mut manifest.schema);
        let partitions = vec![Partition { shards, ..Partition::new(String::new()) }];
        save_json(dir, FILE_NAME, &manifest)?;
        let (pending, pending_bytes) = (Vec::new(), 0);
        Ok(Self { dir: dir.to_owned(), manifest, shard_bytes: SHARD_BYTES, partitions, pending, pending_bytes, _lock: lock })
    }

    /// Closes shards at another size than [`SHARD_BYTES`].
    #[must_use]
    pub fn with_shard_bytes(mut self, bytes: usize) -> Self {
        self.shard_bytes = bytes;
        self
    }

    /// Parts the rows into folders within the folder, named as in `entities=1-3`: a partition that polars, DuckDB and others read as a
    /// column. A folder without rows is not made.
    #[must_use]
    pub fn with_partitions(mut self, folders: impl IntoIterator<Item = String>) -> Self {
        let kept: Vec<Shard> = self.partitions.drain(..).flat_map(|partition| partition.shards).collect();
        let partition = |folder: String| {
            let shards = kept.iter().filter(|shard| shard.folder() == folder).cloned().collect();
            Partition { shards, ..Partition::new(folder) }
        };
        self.partitions = folders.into_iter().map(partition).collect();
        self
    }

    /// Appends a row.
    ///
    /// # Errors
    /// A row that breaks an invariant, or a failed write.
    pub fn write(&mut self, row: R) -> Result<(), FolderError> {
        row.check().map_err(|error| FolderError::Row(self.dir.clone(), error))?;
        self.pending_bytes += row.size();
        self.pending.push(row);
        if self.pending.len() == BATCH_ROWS || self.pending_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Appends rows to one of the partitions, by its place in [`Self::with_partitions`].
    ///
    /// # Errors
    /// A failed write.
    pub fn write_checked(&mut self, partition: usize, rows: &Checked<R>) -> Result<(), FolderError> {
        let mut shard = match self.partitions[partition].open.take() {
            Some(shard) => shard,
            None => self.open_shard(partition)?,
        };
        shard.writer.write(&rows.batch).map_err(|error| FolderError::Parquet(self.dir.clone(), error))?;
        shard.rows += rows.batch.num_rows() as u64;
        let full = shard.bytes() >= self.shard_bytes;
        self.partitions[partition].open = Some(shard);
        if full { self.close_shard(partition) } else { Ok(()) }
    }

    /// Keeps what a command has to report beside the counters in the manifest.
    pub fn report(&mut self, report: serde_json::Value) {
        self.manifest.report = Some(report);
    }

    /// Keeps what was lost of the inputs in the manifest.
    pub fn damage(&mut self, damage: Vec<Damage>) {
        self.manifest.damage = damage;
    }

    /// Bytes of the largest shard that is not closed yet.
    pub fn open_bytes(&self) -> usize {
        self.partitions.iter().filter_map(|partition| partition.open.as_ref()).map(OpenShard::bytes).max().unwrap_or_default()
    }

    /// Closes all shards, and says which there are: whatever happens next, they stay.
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

    /// Closes the last shard and writes the manifest: complete, unless `error` says what stopped the run.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self, inputs: Vec<Input>, counters: BTreeMap<String, Tally>, error: Option<String>) -> Result<Manifest, FolderError> {
        if self.commit()?.is_empty() {
            // A folder of no rows still opens in every reader.
            self.partitions[0].open = Some(self.open_shard(0)?);
            self.close_shard(0)?;
        }
        self.save(inputs, counters, error)
    }

    /// Gives up what is in no closed shard, and writes the manifest with what stopped the run.
    ///
    /// # Errors
    /// A failed write.
    pub fn stop(mut self, inputs: Vec<Input>, counters: BTreeMap<String, Tally>, error: String) -> Result<Manifest, FolderError> {
        for partition in &mut self.partitions {
            if partition.open.take().is_some() {
                disk::remove(&self.dir.join(&partition.folder).join(temporary(&shard_name(partition.shards.len()))))?;
            }
        }
        self.save(inputs, counters, Some(error))
    }

    fn save(mut self, inputs: Vec<Input>, counters: BTreeMap<String, Tally>, error: Option<String>) -> Result<Manifest, FolderError> {
        self.manifest.shards = self.shards();
        self.manifest.inputs = inputs;
        self.manifest.counters = counters;
        self.manifest.complete = error.is_none();
        self.manifest.error = error;
        save_json(&self.dir, FILE_NAME, &self.manifest)?;
        if self.manifest.complete {
            disk::remove(&self.dir.join(PROGRESS_NAME))?;
        }
        Ok(self.manifest)
    }

    fn flush(&mut self) -> Result<(), FolderError> {
        self.pending_bytes = 0;
        if self.pending.is_empty() {
            return Ok(());
        }
        let rows = Checked::of(&mut self.pending);
        self.write_checked(0, &rows)
    }

    fn open_shard(&self, partition: usize) -> Result<OpenShard, FolderError> {
        let partition = &self.partitions[partition];
        let dir = self.dir.join(&partition.folder);
        if !dir.is_dir() {
            fs::create_dir(&dir).map_err(io_error("make", &dir))?;
            disk::sync(&self.dir)?;
        }
        let path = dir.join(temporary(&shard_name(partition.shards.len())));
        let file = HashingFile::create(&path).map_err(io_error("write", &path))?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(R::ROWS_PER_GROUP))
            .set_created_by(self.manifest.program.clone())
            .set_key_value_metadata(Some(vec![
                KeyValue::new("schema".to_owned(), R::SCHEMA.to_owned()),
                KeyValue::new("schema_version".to_owned(), SCHEMA_VERSION.to_string()),
            ]));
        let path_of = |column: &str| ColumnPath::new(column.split('.').map(str::to_owned).collect());
        for column in ONCE {
            properties = properties.set_column_dictionary_enabled(path_of(column), false);
        }
        for column in OFFSETS {
            let path = path_of(column);
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
            properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        for column in TEXTS {
            properties = properties.set_column_statistics_enabled(path_of(column), EnabledStatistics::None);
        }
        let writer =
            ArrowWriter::try_new(file, R::schema(), Some(properties.build())).map_err(|error| FolderError::Parquet(path, error))?;
        Ok(OpenShard { writer, rows: 0 })
    }

    fn close_shard(&mut self, partition: usize) -> Result<(), FolderError> {
        let partition = &mut self.partitions[partition];
        let Some(shard) = partition.open.take() else { return Ok(()) };
        let name = shard_name(partition.shards.len());
        let dir = self.dir.join(&partition.folder);
        let path = dir.join(&name);
        let file = shard.writer.into_inner().map_err(|error| FolderError::Parquet(path.clone(), error))?;
        let (bytes, blake3) = file.finish().map_err(io_error("write", &path))?;
        disk::rename(&dir, &name)?;
        let file = if partition.folder.is_empty() { name } else { format!("{}/{name}", partition.folder) };
        partition.shards.push(Shard { file, rows: shard.rows, bytes, blake3 });
        Ok(())
    }
}
