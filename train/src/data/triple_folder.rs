//! A folder of triples, tokenised as it is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::{RowSlice, ShardFolder, Triple};

use super::dataset::Dataset;
use super::encode::{COLUMNS, TripleEncoder};
use super::in_order::in_order;

/// A folder of triples that is read in slices of consecutive rows, each tokenised by itself.
///
/// Memory: 48 bytes a slice.
#[derive(Debug, Clone)]
pub struct TripleFolder<'a> {
    dir: PathBuf,
    folder: ShardFolder,
    encoder: TripleEncoder<'a>,
    slices: Vec<RowSlice>,
    triples: usize,
}

impl<'a> TripleFolder<'a> {
    /// Rows of a slice where nothing asks for another number: enough for batches of sequences of like length, and few enough that
    /// a slice for each thread takes little memory.
    pub const SLICE: usize = 4096;

    /// Opens a folder to be read in slices of at most `most_rows` triples. Reads the footers of its shards.
    ///
    /// # Errors
    /// A folder that is missing, not complete or not of triples; a shard that is missing or has other rows than the manifest says.
    pub fn open(dir: &Path, encoder: TripleEncoder<'a>, most_rows: usize) -> Result<Self> {
        let folder = ShardFolder::open::<Triple>(dir)?;
        let slices = folder.slices(most_rows)?;
        let triples = slices.iter().map(|slice| slice.rows).sum();
        Ok(Self { dir: dir.to_owned(), folder, encoder, slices, triples })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its shards.
    pub fn shards(&self) -> &ShardFolder {
        &self.folder
    }

    /// What tokenises it.
    pub fn encoder(&self) -> TripleEncoder<'a> {
        self.encoder
    }

    /// Its slices, in row order.
    pub fn slices(&self) -> &[RowSlice] {
        &self.slices
    }

    /// Number of triples.
    pub fn triples(&self) -> usize {
        self.triples
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.triples == 0
    }

    /// Reads and tokenises a slice.
    ///
    /// # Errors
    /// A shard that cannot be read, by its path; a query that leaves no room for a context.
    pub fn encode(&self, slice: &RowSlice) -> Result<Dataset> {
        let batches = self.folder.read_slice(slice, Some(&COLUMNS))?;
        let encoded = self.encoder.encode_batches(slice.first_row as usize, &batches);
        encoded.with_context(|| format!("cannot encode {}", self.folder.shard_of(slice).display()))
    }

    /// Calls `take` with the slices in order, each tokenised. Slices are read and tokenised ahead, on all threads.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode) and of `take`.
    pub fn for_each(&self, take: impl FnMut(Dataset) -> Result<()>) -> Result<()> {
        in_order(&self.slices, |slice| self.encode(slice), take)
    }
}
