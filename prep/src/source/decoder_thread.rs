//! Decompression of a format that one thread must decode from its start, on a thread of its own.

use std::io::{self, Read};

use crossbeam_channel::{Receiver, bounded};

use super::buffer_pool::BufferPool;
use super::chunk::{Bytes, CHUNK_BYTES, ChunkReader};
use super::file_chunks::read_full;
use crate::threads::{ThreadKind, spawn};

/// Decoded chunks that wait to be read, at most.
const WAITING_CHUNKS: usize = 8;
/// Errors without a byte between them after which a stream is given up.
const MAX_ERRORS_IN_A_ROW: usize = 100;

/// The decoded chunks of a stream. The thread that decodes ends with the stream, or when this is dropped.
///
/// Memory: eight chunks of 512 KiB, and what the decoder takes.
pub(super) struct DecoderThread(Receiver<io::Result<Bytes>>);

impl DecoderThread {
    /// Starts to decode.
    pub fn start(mut decoder: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = bounded(WAITING_CHUNKS);
        spawn(ThreadKind::DecodeStream, Some(0), move || {
            let pool = BufferPool::default();
            let mut errors_in_a_row = 0;
            while errors_in_a_row < MAX_ERRORS_IN_A_ROW {
                let mut buffer = pool.take();
                buffer.resize(CHUNK_BYTES, 0);
                let (length, error) = read_full(&mut decoder, &mut buffer);
                errors_in_a_row = if length > 0 { 0 } else { errors_in_a_row } + usize::from(error.is_some());
                let is_end = length < CHUNK_BYTES && error.is_none();
                if length > 0 && sender.send(Ok(pool.share(buffer, length))).is_err() {
                    return;
                }
                if error.is_some_and(|error| sender.send(Err(error)).is_err()) || is_end {
                    return;
                }
            }
        });
        Self(chunks)
    }
}

impl ChunkReader for DecoderThread {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.0.recv().map_or(Ok(None), |chunk| chunk.map(Some))
    }
}
