//! Word pieces of contexts that were tokenised before, on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};

use super::tokenized_text::EncodedContext;

/// The word pieces of the contexts of a folder of triples, by row.
///
/// Folders with the same contexts in the same rows, such as the rounds of self-training, share one. It is a file without a name, which is
/// gone with the program.
///
/// Disk: 12 bytes for each word piece of each distinct context. Memory: some 50 bytes for each slice that was written.
#[derive(Debug)]
pub struct WordPieceCache(Mutex<Blocks>);

#[derive(Debug)]
struct Blocks {
    file: File,
    /// By the number of their first row.
    blocks: BTreeMap<usize, Block>,
    bytes: u64,
}

/// The contexts of consecutive rows.
#[derive(Debug, Clone, Copy)]
struct Block {
    rows: usize,
    /// Where it is in the file.
    start: u64,
    bytes: usize,
}

impl WordPieceCache {
    /// An empty cache, whose file is in `dir`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(dir: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(dir).with_context(|| format!("cannot create a file in {}", dir.display()))?;
        Ok(Self(Mutex::new(Blocks { file, blocks: BTreeMap::new(), bytes: 0 })))
    }

    /// The contexts of rows, one a row, or `None` where not all of them were written.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, rows: Range<usize>) -> Result<Option<Vec<EncodedContext>>> {
        let mut contexts = Vec::with_capacity(rows.len());
        let mut next = rows.start;
        while next < rows.end {
            let Some((first, bytes)) = self.block_of(next).context("cannot read word pieces again")? else { return Ok(None) };
            let block = decode(&bytes);
            let end = rows.end.min(first + block.len());
            contexts.extend_from_slice(&block[next - first..end - first]);
            next = end;
        }
        Ok(Some(contexts))
    }

    /// The first row and the bytes of the block that holds a row.
    fn block_of(&self, row: usize) -> std::io::Result<Option<(usize, Vec<u8>)>> {
        let blocks = &mut *self.0.lock().expect("no thread panics with the lock");
        let last = blocks.blocks.range(..=row).next_back().map(|(first, block)| (*first, *block));
        let Some((first, block)) = last.filter(|(first, block)| row < first + block.rows) else { return Ok(None) };
        let mut bytes = vec![0; block.bytes];
        blocks.file.seek(SeekFrom::Start(block.start))?;
        blocks.file.read_exact(&mut bytes)?;
        Ok(Some((first, bytes)))
    }

    /// Keeps the contexts of consecutive rows, of which `first_row` is the first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, first_row: usize, contexts: &[EncodedContext]) -> Result<()> {
        let bytes = encode(contexts);
        let blocks = &mut *self.0.lock().expect("no thread panics with the lock");
        let start = blocks.bytes;
        let written = blocks.file.seek(SeekFrom::Start(start)).and_then(|_| blocks.file.write_all(&bytes));
        written.context("cannot keep word pieces in the run folder")?;
        blocks.bytes += bytes.len() as u64;
        blocks.blocks.insert(first_row, Block { rows: contexts.len(), start, bytes: bytes.len() });
        Ok(())
    }
}

/// Each context that neighbouring rows share once: how many rows share it, how many word pieces it has, their ids, and their first and last
/// chars; each number in four bytes.
fn encode(contexts: &[EncodedContext]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for rows in contexts.chunk_by(EncodedContext::is_shared_with) {
        let EncodedContext { ids, offsets } = &rows[0];
        let offsets = offsets.iter().flat_map(|&(start, end)| [start, end]);
        let numbers = [rows.len() as u32, ids.len() as u32].into_iter().chain(ids.iter().copied()).chain(offsets);
        numbers.for_each(|number| bytes.extend(number.to_le_bytes()));
    }
    bytes
}

/// The contexts of a block, one a row.
fn decode(bytes: &[u8]) -> Vec<EncodedContext> {
    let mut numbers = bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number));
    let mut contexts = Vec::new();
    while let (Some(rows), Some(pieces)) = (numbers.next(), numbers.next()) {
        let ids = numbers.by_ref().take(pieces as usize).collect();
        let ends: Vec<u32> = numbers.by_ref().take(2 * pieces as usize).collect();
        let offsets = ends.as_chunks().0.iter().map(|[start, end]| (*start, *end)).collect();
        contexts.extend(std::iter::repeat_n(EncodedContext { ids, offsets }, rows as usize));
    }
    contexts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A context for each group of rows, by how many rows share it.
    fn contexts(groups: &[usize]) -> Vec<EncodedContext> {
        let mut contexts = Vec::new();
        for (number, rows) in groups.iter().enumerate() {
            let ids = (0..number as u32).map(|id| id * 70_000).collect();
            let offsets = (0..number as u32).map(|start| (start, start + 1)).collect();
            contexts.extend(std::iter::repeat_n(EncodedContext { ids, offsets }, *rows));
        }
        contexts
    }

    #[test]
    fn rows_are_read_across_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let cache = WordPieceCache::create(dir.path()).unwrap();
        assert!(cache.read(0..1).unwrap().is_none());
        let all = contexts(&[3, 1, 0, 4, 2, 1]);
        cache.write(6, &all[6..]).unwrap();
        assert!(cache.read(0..all.len()).unwrap().is_none());
        cache.write(0, &all[..6]).unwrap();
        for start in 0..all.len() {
            for end in start..=all.len() {
                assert_eq!(cache.read(start..end).unwrap().unwrap(), all[start..end]);
            }
        }
        assert!(cache.read(0..all.len() + 1).unwrap().is_none());
        let read = cache.read(0..4).unwrap().unwrap();
        assert!(read[0].is_shared_with(&read[2]) && !read[2].is_shared_with(&read[3]));
    }
}
