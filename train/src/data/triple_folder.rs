//! A folder of triples, tokenised as it is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use schemas::{RowSlice, ShardFolder, Triple};

use super::dataset::Dataset;
use super::encode::{COLUMNS, TripleEncoder};
use super::in_order::in_order;
use super::word_piece_cache::WordPieceCache;

/// A folder of triples that is read in slices of consecutive rows, each tokenised by itself.
///
/// Memory: 48 bytes a slice.
#[derive(Debug, Clone)]
pub struct TripleFolder<'a> {
    dir: PathBuf,
    folder: ShardFolder,
    encoder: TripleEncoder<'a>,
    cache: Option<Arc<WordPieceCache>>,
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
        Ok(Self { dir: dir.to_owned(), folder, encoder, cache: None, slices, triples })
    }

    /// Takes contexts from a cache, and those that it lacks into it. All folders that share one must have the same contexts in the same rows.
    pub fn with_cache(self, cache: Arc<WordPieceCache>) -> Self {
        Self { cache: Some(cache), ..self }
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
        self.encode_batches(slice, &self.folder.read_slice(slice, Some(&COLUMNS))?)
    }

    /// Tokenises a slice that was read.
    ///
    /// # Errors
    /// A query that leaves no room for a context, with the path of the shard.
    pub fn encode_batches(&self, slice: &RowSlice, batches: &[RecordBatch]) -> Result<Dataset> {
        let first = slice.first_row as usize;
        let encode = || {
            let cached = self.cache.as_ref().map(|cache| cache.read(first..first + slice.rows)).transpose()?.flatten();
            let contexts = match cached {
                Some(contexts) => contexts,
                None => {
                    let contexts = self.encoder.contexts(batches)?;
                    self.cache.as_ref().map_or(Ok(()), |cache| cache.write(first, &contexts))?;
                    contexts
                }
            };
            self.encoder.encode_with_contexts(first, batches, &contexts)
        };
        encode().with_context(|| format!("cannot encode {}", self.folder.shard_of(slice).display()))
    }

    /// Calls `take` with the slices in order, each tokenised. Slices are read and tokenised ahead, on all threads.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode) and of `take`.
    pub fn for_each(&self, take: impl FnMut(Dataset) -> Result<()>) -> Result<()> {
        in_order(&self.slices, |slice| self.encode(slice), take)
    }
}
