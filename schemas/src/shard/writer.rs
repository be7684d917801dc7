//! Writes rows into the shards of a folder.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use parquet::errors::ParquetError;

use super::batch::{BATCH_BYTES, BATCH_ROWS, CheckedBatch};
use super::error::FolderError;
use super::executor::{CallingThread, Executor};
use super::open_shard::{MAX_IN_FLIGHT, OpenShard};
use super::output_folder::{OutputFolder, remove_checkpoint};
use super::row_group::{EncodedRowGroup, RowGroup};
use crate::atomic_file::write_json;
use crate::counter::Counter;
use crate::manifest::{Damage, InputFile, MANIFEST_FILE, Manifest, Shard, VanishedTemplate};
use crate::row::Row;

/// Size at which a shard is closed, in bytes.
pub const SHARD_BYTES: usize = 128 << 20;

/// Writes rows into the shards of one folder, which it locks.
///
/// Row groups are encoded and compressed where an [`Executor`] runs them; what is left to the calling thread is to append and hash
/// them, in order. So the bytes of the folder do not depend on the executor.
///
/// Memory: for each partition the rows of a row group, at most [`ROW_GROUP_BYTES`](super::ROW_GROUP_BYTES) and one batch; and at most
/// 16 row groups that are being encoded or wait for an earlier one. Dropped without [`finish`](Self::finish), it leaves an
/// incomplete folder with the shards closed so far.
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
    row_group_rows: usize,
    partitions: Vec<Partition>,
    executor: Arc<dyn Executor>,
    /// Row groups that are being encoded, each with the index of its partition, in the order in which they are appended.
    in_flight: VecDeque<(usize, EncodingResult)>,
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

/// Receives an encoded row group.
type EncodingResult = Receiver<Result<EncodedRowGroup, ParquetError>>;

impl<R: Row> ShardWriter<R> {
    /// Creates the folder, locks it and writes its manifest, not complete yet.
    ///
    /// # Errors
    /// [`FolderError::Exists`] where the folder is not empty and `overwrite` is false. With `overwrite`, what earlier runs
    /// wrote is removed, and [`FolderError::Foreign`] protects everything else. [`FolderError::Busy`], or a failed write.
    pub fn create(dir: &Path, overwrite: bool, manifest: Manifest) -> Result<Self, FolderError> {
        Self::start(dir, OutputFolder::lock_new(dir, overwrite)?.clear_except(&[], 0)?, manifest, Vec::new())
    }

    /// Continues an earlier run: keeps its `shards` and removes the rest.
    ///
    /// # Errors
    /// [`FolderError::Shard`] where a shard has another size than it had, an I/O error where it is missing;
    /// [`FolderError::Foreign`] and [`FolderError::Busy`] as in [`create`](Self::create).
    pub fn resume(dir: &Path, manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        Self::start(dir, OutputFolder::lock(dir)?.clear_except(&shards, 0)?, manifest, shards)
    }

    /// Continues an earlier run that has put aside what so many units read, before it made rows: see [`spill_file`](super::spill_file).
    /// These files and the checkpoint stay, and the rest is removed.
    ///
    /// # Errors
    /// [`FolderError::Foreign`] and [`FolderError::Busy`] as in [`create`](Self::create).
    pub fn resume_spilled(dir: &Path, manifest: Manifest, units: u32) -> Result<Self, FolderError> {
        Self::start(dir, OutputFolder::lock(dir)?.clear_except(&[], units)?, manifest, Vec::new())
    }

    fn start(dir: &Path, lock: File, mut manifest: Manifest, shards: Vec<Shard>) -> Result<Self, FolderError> {
        R::SCHEMA_NAME.clone_into(&mut manifest.schema);
        write_json(&dir.join(MANIFEST_FILE), &manifest)?;
        let partitions = vec![Partition { folder: String::new(), open: None, shards }];
        Ok(Self {
            dir: dir.to_owned(),
            manifest,
            shard_bytes: SHARD_BYTES,
            row_group_rows: R::ROW_GROUP_ROWS,
            partitions,
            executor: Arc::new(CallingThread),
            in_flight: VecDeque::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            _lock: lock,
        })
    }

    /// Encodes row groups where this executor runs its tasks, instead of on the calling thread.
    #[must_use]
    pub fn with_executor(self, executor: Arc<dyn Executor>) -> Self {
        Self { executor, ..self }
    }

    /// Ends row groups at another number of rows than [`Row::ROW_GROUP_ROWS`].
    #[must_use]
    pub fn with_row_group_rows(self, rows: usize) -> Self {
        Self { row_group_rows: rows, ..self }
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
        let mut rest = Some(rows.batch().clone());
        while let Some(batch) = rest.filter(|batch| batch.num_rows() > 0) {
            let shard = self.open_shard(partition)?;
            rest = shard.push(&batch);
            if rest.is_some() {
                self.encode_row_group(partition)?;
                // Asked at the end of a row group, so that a shard ends by its rows, not by the batches in which they came.
                if self.partitions[partition].open_bytes() >= self.shard_bytes {
                    self.append_row_groups(0)?;
                    self.close_shard(partition)?;
                }
            }
        }
        Ok(())
    }

    /// Records the templates that left nothing in the text.
    pub fn set_vanished_templates(&mut self, templates: Vec<VanishedTemplate>) {
        self.manifest.vanished_templates = templates;
    }

    /// Sets the manifest's `report`.
    pub fn set_report(&mut self, report: serde_json::Value) {
        self.manifest.report = Some(report);
    }

    /// Sets the manifest's `damage`.
    pub fn set_damage(&mut self, damage: Vec<Damage>) {
        self.manifest.damage = damage;
    }

    /// Estimated bytes of the largest shard that is still open. The estimate depends on the rows alone, not on how far their row groups
    /// are encoded; it is 0 for the first 16 row groups of a shard.
    pub fn open_bytes(&self) -> usize {
        self.partitions.iter().map(Partition::open_bytes).max().unwrap_or_default()
    }

    /// Closes all shards and returns them. They stay, whatever happens next: a checkpoint can refer to them.
    ///
    /// # Errors
    /// A failed write.
    pub fn commit(&mut self) -> Result<Vec<Shard>, FolderError> {
        self.flush()?;
        (0..self.partitions.len()).try_for_each(|partition| self.encode_row_group(partition))?;
        self.append_row_groups(0)?;
        (0..self.partitions.len()).try_for_each(|partition| self.close_shard(partition))?;
        Ok(self.shards())
    }

    fn shards(&self) -> Vec<Shard> {
        self.partitions.iter().flat_map(|partition| partition.shards.iter().cloned()).collect()
    }

    /// Closes the last shards and writes the manifest: complete, unless `error` says what stopped the run. A complete folder
    /// loses its checkpoint, and what units put aside.
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
            self.open_shard(0)?;
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
            remove_checkpoint(&self.dir)?;
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

    /// The open shard of a partition; a new one if there is none.
    fn open_shard(&mut self, partition: usize) -> Result<&mut OpenShard, FolderError> {
        let Partition { folder, open, shards } = &mut self.partitions[partition];
        let shard = match open.take() {
            Some(shard) => shard,
            None => OpenShard::create::<R>(&self.dir, folder, shards.len(), &self.manifest.program, self.row_group_rows)?,
        };
        Ok(open.insert(shard))
    }

    /// Hands the rows gathered in a partition to the executor, as a row group.
    fn encode_row_group(&mut self, partition: usize) -> Result<(), FolderError> {
        let Some(shard) = &mut self.partitions[partition].open else { return Ok(()) };
        let Some(row_group) = shard.take_row_group() else { return Ok(()) };
        let (factory, schema) = (shard.column_writers(), R::schema());
        let (sender, receiver) = sync_channel(1);
        self.executor.execute(Box::new(move || {
            // The writer may have been dropped meanwhile.
            let _ = sender.send(RowGroup::encode(row_group, &schema, &factory));
        }));
        self.in_flight.push_back((partition, receiver));
        self.append_row_groups(MAX_IN_FLIGHT)
    }

    /// Appends the row groups that are encoded, in order, and waits until at most `left` are not.
    fn append_row_groups(&mut self, left: usize) -> Result<(), FolderError> {
        while let Some((partition, receiver)) = self.in_flight.front() {
            let encoded = if self.in_flight.len() > left {
                receiver.recv().expect("the thread that encodes does not panic")
            } else {
                let Ok(encoded) = receiver.try_recv() else { break };
                encoded
            };
            let shard = self.partitions[*partition].open.as_mut().expect("a shard stays open until its row groups are appended");
            let appended = encoded.and_then(|row_group| shard.append(row_group));
            appended.map_err(|error| FolderError::Parquet(self.dir.clone(), error))?;
            self.in_flight.pop_front();
        }
        Ok(())
    }

    /// Closes the shard of a partition, whose row groups are all appended.
    fn close_shard(&mut self, partition: usize) -> Result<(), FolderError> {
        let partition = &mut self.partitions[partition];
        if let Some(shard) = partition.open.take() {
            partition.shards.push(shard.close()?);
        }
        Ok(())
    }
}

impl Partition {
    /// Estimated bytes of the open shard.
    fn open_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, OpenShard::estimated_bytes)
    }
}
