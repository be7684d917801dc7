//! Byte streams in chunks: shared, not copied, from where they are read or decompressed to where pages are parsed.

use std::io::{self, BufRead, Read};

pub use bytes::Bytes;

/// Bytes in a chunk that is read from a file or decompressed from a stream.
pub(super) const CHUNK_BYTES: usize = 1 << 19;

/// A stream of bytes in chunks.
pub trait ChunkReader: Send {
    /// The next chunk, which is not empty; `None` at the end.
    ///
    /// # Errors
    /// The stream cannot be read. Whether more chunks follow an error depends on the format.
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>>;
}

impl<R: ChunkReader + ?Sized> ChunkReader for Box<R> {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        (**self).next_chunk()
    }
}

/// The bytes as one chunk, which is a copy.
impl ChunkReader for &[u8] {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let bytes = std::mem::take(self);
        Ok((!bytes.is_empty()).then(|| Bytes::copy_from_slice(bytes)))
    }
}

/// A stream whose first bytes were taken to look at them; they are returned first.
pub(super) struct Peeked<R> {
    start: Bytes,
    source: R,
}

impl<R: ChunkReader> Peeked<R> {
    /// Takes at least `bytes` bytes of a stream; fewer if it ends before.
    ///
    /// # Errors
    /// The stream's errors.
    pub fn new(mut source: R, bytes: usize) -> io::Result<Self> {
        let mut start = Bytes::new();
        while start.len() < bytes {
            match source.next_chunk()? {
                Some(chunk) if start.is_empty() => start = chunk,
                Some(chunk) => start = [start, chunk].concat().into(),
                None => break,
            }
        }
        Ok(Self { start, source })
    }

    /// The first bytes.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// Leaves out so many of the first bytes.
    pub fn skip(&mut self, bytes: usize) {
        self.start = self.start.slice(bytes..);
    }

    /// The stream from which they were taken.
    pub fn source(&mut self) -> &mut R {
        &mut self.source
    }
}

impl<R: ChunkReader> ChunkReader for Peeked<R> {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if self.start.is_empty() { self.source.next_chunk() } else { Ok(Some(std::mem::take(&mut self.start))) }
    }
}

/// Chunks as a buffered reader, for decoders that want one.
pub(super) struct ChunkBufReader<R> {
    source: R,
    /// What is left of the last chunk.
    rest: Bytes,
}

impl<R: ChunkReader> ChunkBufReader<R> {
    pub fn new(source: R) -> Self {
        Self { source, rest: Bytes::new() }
    }
}

impl<R: ChunkReader> BufRead for ChunkBufReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.is_empty() {
            self.rest = self.source.next_chunk()?.unwrap_or_default();
        }
        Ok(&self.rest)
    }

    fn consume(&mut self, bytes: usize) {
        self.rest = self.rest.slice(bytes..);
    }
}

impl<R: ChunkReader> Read for ChunkBufReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
