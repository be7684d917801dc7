//! Folders of Parquet shards: one writer and one reader for all of them.
//!
//! A shard is written under a temporary name, synced and renamed; the manifest likewise. So whatever bears its final name is
//! whole, and a folder is finished only when its manifest says so.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::SCHEMA_VERSION;
use crate::manifest::{FILE_NAME, Input, Manifest, Shard, Tally};
use crate::row::{Row, RowError};

/// Size at which a shard is closed, in bytes.
pub const SHARD_BYTES: usize = 128 << 20;

/// Rows handed to the Parquet writer at once. Fixed, so that the bytes do not depend on how rows arrive.
const BATCH_ROWS: usize = 512;

/// What can go wrong with a folder of shards.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something is there already.
    #[error("output folder {0} is not empty; give another with -o, or replace it with --overwrite")]
    Exists(PathBuf),
    /// It is to be overwritten, but holds what these programs do not write.
    #[error("will not overwrite {0}: it holds {1}, which is not a shard or a manifest; choose another folder")]
    Foreign(PathBuf, String),
    /// There is no manifest.
    #[error("{0} is not a folder of shards: it has no {FILE_NAME}")]
    NoManifest(PathBuf),
    /// The run that wrote it did not end, or lost something.
    #[error("{0} is not complete ({1}); make it again before it is read")]
    Incomplete(PathBuf, String),
    /// Other rows than asked for.
    #[error("{path} holds {found} of schema version {version}, expected {expected} of version {SCHEMA_VERSION}")]
    Schema {
        /// The folder.
        path: PathBuf,
        /// Schema it has.
        found: String,
        /// Version it has.
        version: u32,
        /// Schema that was asked for.
        expected: &'static str,
    },
    /// The manifest cannot be read as one.
    #[error("{0} is not a manifest")]
    Manifest(PathBuf, #[source] serde_json::Error),
    /// The file system said no.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// The Parquet library said no.
    #[error("{0}")]
    Parquet(PathBuf, #[source] ParquetError),
    /// A row breaks an invariant, or a column does not fit.
    #[error("{0}")]
    Row(PathBuf, #[source] RowError),
}

fn io_error(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let what = format!("cannot {doing} {}", path.display());
    move |error| FolderError::Io(what, error)
}

/// Writes rows into the shards of one folder.
///
/// Memory: one row group, encoded, for each partition. Rows are checked as they are written.
pub struct ShardWriter<R: Row> {
    dir: PathBuf,
    manifest: Manifest,
    shard_bytes: usize,
    partitions: Vec<Partition<R>>,
}

/// Rows that go into the same folder.
struct Partition<R> {
    /// Name within the output folder; empty for that folder itself.
    folder: String,
    pending: Vec<R>,
    open: Option<OpenShard>,
    shards: Vec<Shard>,
}

impl<R> Partition<R> {
    fn new(folder: String) -> Self {
        Self { folder, pending: Vec::new(), open: None, shards: Vec::new() }
    }
}

struct OpenShard {
    writer: ArrowWriter<HashingFile>,
    rows: u64,
}

impl<R: Row> ShardWriter<R> {
    /// Makes the folder and writes its manifest, not complete yet.
    ///
    /// # Errors
    /// [`FolderError::Exists`] if something is there and `overwrite` is false; with it, what an earlier run wrote is removed,
    /// and [`FolderError::Foreign`] guards everything else.
    pub fn create(dir: &Path, overwrite: bool, mut manifest: Manifest) -> Result<Self, FolderError> {
        prepare(dir, overwrite)?;
        R::SCHEMA.clone_into(&mut manifest.schema);
        let partitions = vec![Partition::new(String::new())];
        let writer = Self { dir: dir.to_owned(), manifest, shard_bytes: SHARD_BYTES, partitions };
        save_manifest(dir, &writer.manifest)?;
        Ok(writer)
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
        self.partitions = folders.into_iter().map(Partition::new).collect();
        self
    }

    /// Appends a row.
    ///
    /// # Errors
    /// A row that breaks an invariant, or a failed write.
    pub fn write(&mut self, row: R) -> Result<(), FolderError> {
        self.write_in(0, row)
    }

    /// Appends a row to one of the partitions, by its place in [`Self::with_partitions`].
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_in(&mut self, partition: usize, row: R) -> Result<(), FolderError> {
        row.check().map_err(|error| FolderError::Row(self.dir.clone(), error))?;
        let pending = &mut self.partitions[partition].pending;
        pending.push(row);
        if pending.len() == BATCH_ROWS { self.flush(partition) } else { Ok(()) }
    }

    /// Keeps what a command has to report beside the counters in the manifest.
    pub fn report(&mut self, report: serde_json::Value) {
        self.manifest.report = Some(report);
    }

    /// Closes the last shard and writes the manifest: complete, unless `error` says what stopped the run.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self, inputs: Vec<Input>, counters: BTreeMap<String, Tally>, error: Option<String>) -> Result<Manifest, FolderError> {
        for partition in 0..self.partitions.len() {
            self.flush(partition)?;
        }
        if self.partitions.iter().all(|partition| partition.open.is_none() && partition.shards.is_empty()) {
            // A folder of no rows still opens in every reader.
            self.partitions[0].open = Some(self.open_shard(0)?);
        }
        for partition in 0..self.partitions.len() {
            self.close_shard(partition)?;
        }
        self.manifest.shards = self.partitions.into_iter().flat_map(|partition| partition.shards).collect();
        self.manifest.inputs = inputs;
        self.manifest.counters = counters;
        self.manifest.complete = error.is_none();
        self.manifest.error = error;
        save_manifest(&self.dir, &self.manifest)?;
        Ok(self.manifest)
    }

    fn flush(&mut self, partition: usize) -> Result<(), FolderError> {
        if self.partitions[partition].pending.is_empty() {
            return Ok(());
        }
        let mut shard = match self.partitions[partition].open.take() {
            Some(shard) => shard,
            None => self.open_shard(partition)?,
        };
        let pending = &mut self.partitions[partition].pending;
        shard.writer.write(&R::to_batch(pending)).map_err(|error| FolderError::Parquet(self.dir.clone(), error))?;
        shard.rows += pending.len() as u64;
        pending.clear();
        let full = shard.writer.bytes_written() + shard.writer.in_progress_size() >= self.shard_bytes;
        self.partitions[partition].open = Some(shard);
        if full { self.close_shard(partition) } else { Ok(()) }
    }

    fn open_shard(&self, partition: usize) -> Result<OpenShard, FolderError> {
        let partition = &self.partitions[partition];
        let dir = self.dir.join(&partition.folder);
        if !dir.is_dir() {
            fs::create_dir(&dir).map_err(io_error("make", &dir))?;
            sync(&self.dir)?;
        }
        let path = dir.join(temporary(&shard_name(partition.shards.len())));
        let file = HashingFile::create(&path).map_err(io_error("write", &path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(R::ROWS_PER_GROUP))
            .set_created_by(self.manifest.program.clone())
            .set_key_value_metadata(Some(vec![
                KeyValue::new("schema".to_owned(), R::SCHEMA.to_owned()),
                KeyValue::new("schema_version".to_owned(), SCHEMA_VERSION.to_string()),
            ]))
            .build();
        let writer = ArrowWriter::try_new(file, R::schema(), Some(properties)).map_err(|error| FolderError::Parquet(path, error))?;
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
        rename(&dir, &name)?;
        let file = if partition.folder.is_empty() { name } else { format!("{}/{name}", partition.folder) };
        partition.shards.push(Shard { file, rows: shard.rows, bytes, blake3 });
        Ok(())
    }
}

fn save_manifest(dir: &Path, manifest: &Manifest) -> Result<(), FolderError> {
    let path = dir.join(FILE_NAME);
    let temporary = dir.join(temporary(FILE_NAME));
    let mut json = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
    json.push(b'\n');
    File::create(&temporary).and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all())).map_err(io_error("write", &path))?;
    rename(dir, FILE_NAME)
}

fn shard_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}

fn temporary(name: &str) -> String {
    format!(".{name}.tmp")
}

fn rename(dir: &Path, name: &str) -> Result<(), FolderError> {
    let path = dir.join(name);
    fs::rename(dir.join(temporary(name)), &path).map_err(io_error("rename", &path))?;
    // The rename itself lies in the folder: without this it may be lost with the power.
    sync(dir)
}

fn sync(dir: &Path) -> Result<(), FolderError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("sync", dir))
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).unwrap_or(name);
    name == FILE_NAME || (name.starts_with("part-") && name.ends_with(".parquet"))
}

/// Whether a folder of that name is a partition, as in `entities=1-3`.
fn is_partition(name: &str) -> bool {
    name.split_once('=').is_some_and(|(column, value)| !column.is_empty() && !value.is_empty())
}

fn prepare(dir: &Path, overwrite: bool) -> Result<(), FolderError> {
    fs::create_dir_all(dir).map_err(io_error("make", dir))?;
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for name in names_in(dir)? {
        let path = dir.join(&name);
        if is_partition(&name) && path.is_dir() {
            files.extend(names_in(&path)?.into_iter().map(|file| format!("{name}/{file}")));
            folders.push(path);
        } else {
            files.push(name);
        }
    }
    if files.is_empty() && folders.is_empty() {
        return Ok(());
    }
    if !overwrite {
        return Err(FolderError::Exists(dir.to_owned()));
    }
    if let Some(foreign) = files.iter().find(|name| !is_ours(name.rsplit('/').next().unwrap_or_default())) {
        return Err(FolderError::Foreign(dir.to_owned(), foreign.clone()));
    }
    // The manifest goes first: a folder half removed must not look finished.
    files.sort_by_key(|name| name != FILE_NAME);
    for name in files {
        let path = dir.join(name);
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
    }
    folders.iter().try_for_each(|folder| fs::remove_dir(folder).map_err(io_error("remove", folder)))
}

fn names_in(dir: &Path) -> Result<Vec<String>, FolderError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error("read", dir))? {
        names.push(entry.map_err(io_error("read", dir))?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// A file that knows the hash of what was written to it.
struct HashingFile {
    file: BufWriter<File>,
    hash: blake3::Hasher,
    bytes: u64,
}

impl HashingFile {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 18, File::create(path)?), hash: blake3::Hasher::new(), bytes: 0 })
    }

    fn finish(self) -> io::Result<(u64, String)> {
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
        let mut failed = false;
        self.shards()
            .flat_map(|path| -> Box<dyn Iterator<Item = Result<Vec<R>, FolderError>> + 'a> {
                match open_shard(&path) {
                    Ok(batches) => Box::new(batches.map(move |batch| {
                        let batch = batch.map_err(|error| FolderError::Parquet(path.clone(), error.into()))?;
                        R::from_batch(&batch).map_err(|error| FolderError::Row(path.clone(), error))
                    })),
                    Err(error) => Box::new(std::iter::once(Err(error))),
                }
            })
            .take_while(move |rows| !std::mem::replace(&mut failed, rows.is_err()))
    }
}

/// The batches of a shard.
///
/// # Errors
/// A file that is missing or not Parquet.
pub fn open_shard(path: &Path) -> Result<ParquetRecordBatchReader, FolderError> {
    let file = File::open(path).map_err(io_error("read", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|error| FolderError::Parquet(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, Span, Triple};

    fn triple(number: u32) -> Triple {
        Triple {
            id: format!("d:{number}:PER"),
            doc: "d".to_owned(),
            sentence: number,
            lang: "en".to_owned(),
            label: "PER".to_owned(),
            query: "who?".to_owned(),
            context: format!("It was Ödön the {number}th."),
            spans: vec![Span { start: 7, end: 11, text: "Ödön".to_owned(), origin: Origin::Gold, score: None }],
            impossible: false,
        }
    }

    fn manifest() -> Manifest {
        Manifest::new("test 0", "none", serde_json::json!({}))
    }

    fn write(dir: &Path, overwrite: bool, rows: u32, error: Option<String>) -> Result<Manifest, FolderError> {
        let mut writer = ShardWriter::create(dir, overwrite, manifest())?.with_shard_bytes(20_000);
        (0..rows).try_for_each(|number| writer.write(triple(number)))?;
        writer.finish(Vec::new(), BTreeMap::new(), error)
    }

    #[test]
    fn rows_survive_several_shards() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write(dir.path(), false, 20_000, None).unwrap();
        assert!(manifest.shards.len() > 1, "the test wants several shards");
        assert_eq!(manifest.rows(), 20_000);
        let folder = Folder::open::<Triple>(dir.path()).unwrap();
        let rows: Vec<Triple> = folder.rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
        assert!(rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
        assert_eq!(rows.len(), 20_000);
        for shard in &manifest.shards {
            let bytes = fs::read(dir.path().join(&shard.file)).unwrap();
            assert_eq!((bytes.len() as u64, blake3::hash(&bytes).to_string()), (shard.bytes, shard.blake3.clone()));
        }
    }

    #[test]
    fn an_existing_folder_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), false, 3, None).unwrap();
        assert!(matches!(write(dir.path(), false, 3, None), Err(FolderError::Exists(_))));
        assert_eq!(write(dir.path(), true, 4, None).unwrap().rows(), 4);
        fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(write(dir.path(), true, 3, None), Err(FolderError::Foreign(..))));
        assert_eq!(Folder::open::<Triple>(dir.path()).unwrap().manifest().rows(), 4);
    }

    #[test]
    fn an_unfinished_folder_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), false, 3, Some("page 4 is cut off".to_owned())).unwrap();
        let error = Folder::open::<Triple>(dir.path()).unwrap_err().to_string();
        assert!(error.contains("page 4 is cut off"), "{error}");
        assert!(matches!(Folder::open::<crate::Page>(dir.path()), Err(FolderError::Schema { .. })));
        drop(ShardWriter::<Triple>::create(dir.path(), true, manifest()).unwrap());
        assert!(matches!(Folder::open::<Triple>(dir.path()), Err(FolderError::Incomplete(..))));
    }

    #[test]
    fn rows_are_parted_into_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folders = || ["n=few", "n=many", "n=none"].map(str::to_owned);
        let write = |overwrite| {
            let mut writer = ShardWriter::create(dir.path(), overwrite, manifest())?.with_partitions(folders());
            (0..2000).try_for_each(|number| writer.write_in(usize::from(number >= 10), triple(number)))?;
            writer.finish(Vec::new(), BTreeMap::new(), None)
        };
        let manifest = write(false).unwrap();
        let shards: Vec<(&str, u64)> = manifest.shards.iter().map(|shard| (shard.file.as_str(), shard.rows)).collect();
        assert_eq!(shards, [("n=few/part-00000.parquet", 10), ("n=many/part-00000.parquet", 1990)]);
        let rows: Vec<Triple> = Folder::open::<Triple>(dir.path()).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
        assert!(rows.len() == 2000 && rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
        assert!(matches!(write(false), Err(FolderError::Exists(_))));
        write(true).unwrap();
        fs::write(dir.path().join("n=few/thesis.txt"), "mine").unwrap();
        assert!(matches!(write(true), Err(FolderError::Foreign(_, name)) if name == "n=few/thesis.txt"));
    }

    #[test]
    fn a_wrong_span_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = ShardWriter::create(dir.path(), false, manifest()).unwrap();
        let mut wrong = triple(1);
        wrong.spans[0].end += 1;
        assert!(matches!(writer.write(wrong), Err(FolderError::Row(..))));
    }

    #[test]
    fn no_rows_make_an_empty_shard() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(write(dir.path(), false, 0, None).unwrap().shards.len(), 1);
        assert_eq!(Folder::open::<Triple>(dir.path()).unwrap().rows::<Triple>().count(), 0);
    }
}
