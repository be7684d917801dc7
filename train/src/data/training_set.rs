//! The training set: read anew in each epoch, block by block.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemas::RowSlice;

use super::dataset::{Dataset, EncodingCounts, Sequence};
use super::encode::TripleEncoder;
use super::triple_folder::TripleFolder;
use super::word_piece_cache::WordPieceCache;

/// Most triples of a slice: as many as `prep` writes into a row group.
const MOST_SLICE: usize = 8192;

/// A folder of triples to train on.
///
/// An epoch reads slices of row groups in a random order. As many as fit the shuffle buffer form a block, which is shuffled as a
/// whole: so a batch mixes triples of as many places of the folder as a block has slices. A folder that fits the buffer is one
/// block, in the order of its rows; it is read once and stays in memory.
///
/// Memory: two blocks, one that is trained on and one that is read. A triple takes 4 bytes for each word piece of its context,
/// which the triples of a sentence share, and some 110 bytes.
#[derive(Debug, Clone)]
pub struct TrainingSet<'a> {
    folder: TripleFolder<'a>,
    buffer: usize,
    /// The only block, once it was read.
    whole: Option<Arc<Block>>,
}

/// Triples that are shuffled together, as sequences in the order in which they were read.
#[derive(Debug, Default)]
pub struct Block {
    /// The model's inputs.
    pub sequences: Vec<Sequence>,
    /// The labels that its triples ask for.
    pub labels: BTreeSet<String>,
    /// How many triples and answers there were, and what became of them.
    pub counts: EncodingCounts,
}

impl<'a> TrainingSet<'a> {
    /// Opens a folder; `buffer` is the number of triples that are shuffled together.
    ///
    /// # Errors
    /// As [`TripleFolder::open`].
    pub fn open(dir: &Path, encoder: TripleEncoder<'a>, buffer: usize) -> Result<Self> {
        let folder = TripleFolder::open(dir, encoder, buffer.clamp(1, MOST_SLICE))?;
        Ok(Self { folder, buffer, whole: None })
    }

    /// Another folder, read in the same way.
    ///
    /// # Errors
    /// As [`TripleFolder::open`].
    pub fn reopen(&self, dir: &Path) -> Result<Self> {
        Self::open(dir, self.folder.encoder(), self.buffer)
    }

    /// Takes contexts from a cache: see [`TripleFolder::with_cache`].
    pub fn with_cache(self, cache: Arc<WordPieceCache>) -> Self {
        Self { folder: self.folder.with_cache(cache), ..self }
    }

    /// The folder, to be read in the order of its rows.
    pub fn folder(&self) -> &TripleFolder<'a> {
        &self.folder
    }

    /// Whether all triples are one block.
    pub fn is_one_block(&self) -> bool {
        self.folder.triples() <= self.buffer
    }

    /// The only block, which is kept, or else the first triples of the folder.
    ///
    /// # Errors
    /// As [`TripleFolder::encode`].
    pub fn first_look(&mut self) -> Result<Arc<Block>> {
        let slices = self.folder.slices();
        if !self.is_one_block() {
            return Ok(Arc::new(self.read(&slices[..1])?));
        }
        let block = match &self.whole {
            Some(block) => block.clone(),
            None => Arc::new(self.read(slices)?),
        };
        self.whole = Some(block.clone());
        Ok(block)
    }

    /// The blocks of the next epoch, as the slices that each is read from.
    ///
    /// They depend on the folder, the buffer and the generator's state alone, and are of like size. A block is larger than the
    /// buffer by less than a slice.
    pub fn epoch_blocks(&self, rng: &mut ChaCha8Rng) -> Vec<Vec<RowSlice>> {
        let mut slices = self.folder.slices().to_vec();
        if self.is_one_block() {
            return vec![slices];
        }
        slices.shuffle(rng);
        let triples = self.folder.triples();
        let count = triples.div_ceil(self.buffer);
        let mut blocks: Vec<Vec<RowSlice>> = Vec::new();
        let (mut before, mut current) = (0, None);
        for slice in slices {
            let number = before as u128 * count as u128 / triples as u128;
            match blocks.last_mut() {
                Some(block) if current == Some(number) => block.push(slice),
                _ => blocks.push(vec![slice]),
            }
            current = Some(number);
            before += slice.rows;
        }
        blocks
    }

    /// Reads and tokenises a block on all threads.
    ///
    /// # Errors
    /// As [`TripleFolder::encode`].
    pub fn block(&self, slices: &[RowSlice]) -> Result<Arc<Block>> {
        self.whole.as_ref().map_or_else(|| Ok(Arc::new(self.read(slices)?)), |block| Ok(block.clone()))
    }

    fn read(&self, slices: &[RowSlice]) -> Result<Block> {
        // What training does not need is dropped slice by slice.
        let parts: Vec<Block> = slices.par_iter().map(|slice| Ok(self.folder.encode(slice)?.into())).collect::<Result<_>>()?;
        let mut whole = Block::default();
        whole.sequences.reserve_exact(parts.iter().map(|part| part.sequences.len()).sum());
        for part in parts {
            whole.sequences.extend(part.sequences);
            whole.labels.extend(part.labels);
            whole.counts += part.counts;
        }
        Ok(whole)
    }
}

impl From<Dataset> for Block {
    fn from(data: Dataset) -> Self {
        Self { sequences: data.sequences, labels: data.labels.into_iter().collect(), counts: data.counts }
    }
}
