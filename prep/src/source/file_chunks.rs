//! The bytes of an input file in chunks, counted and hashed while they are read.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::buffer_pool::BufferPool;
use super::chunk::{Bytes, CHUNK_BYTES, ChunkReader};
use super::input_hash::HashThread;

/// Number of input bytes read so far, before decompression. Clones share the counter, so that a progress bar can read it.
#[derive(Debug, Clone, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// The number of bytes.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds bytes that were read, or that were skipped and need not be read.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Reads a file in chunks, counts its bytes, and hands those that lie in a range of the file to the thread that hashes them.
pub(super) struct FileChunks {
    file: Box<dyn Read + Send>,
    pool: BufferPool,
    hash: HashThread,
    bytes_read: BytesRead,
    /// Offset in the file of the next byte.
    position: u64,
    /// Bytes of the file that are still to be hashed.
    to_hash: Range<u64>,
    /// An error that followed the last chunk.
    error: Option<io::Error>,
}

impl FileChunks {
    /// `position` is the offset in the file at which `file` stands; bytes in `to_hash` are hashed.
    pub fn new(file: Box<dyn Read + Send>, position: u64, to_hash: Range<u64>, hash: HashThread, bytes_read: BytesRead) -> Self {
        Self { file, pool: BufferPool::default(), hash, bytes_read, position, to_hash, error: None }
    }
}

impl ChunkReader for FileChunks {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut buffer = self.pool.take();
        buffer.resize(CHUNK_BYTES, 0);
        let (read, error) = read_full(&mut self.file, &mut buffer);
        self.error = error;
        if read == 0 {
            self.pool.give_back(buffer);
            return self.error.take().map_or(Ok(None), Err);
        }
        let chunk = self.pool.share(buffer, read);
        let range = self.position..self.position + read as u64;
        let to_hash = self.to_hash.start.clamp(range.start, range.end)..self.to_hash.end.clamp(range.start, range.end);
        if !to_hash.is_empty() {
            let index = |offset: u64| usize::try_from(offset - range.start).expect("the offset lies in the chunk");
            self.hash.add(chunk.slice(index(to_hash.start)..index(to_hash.end)));
        }
        self.position = range.end;
        self.bytes_read.add(read as u64);
        Ok(Some(chunk))
    }
}

/// Reads until a buffer is full. Returns the number of bytes, fewer at the end, and the error that followed them.
pub(super) fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (length, Some(error)),
        }
    }
    (length, None)
}
