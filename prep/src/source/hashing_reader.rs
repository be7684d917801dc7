//! Hashes and counts the bytes of an input file while they are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use schemas::manifest::InputFile;

use super::seek_point::FilePart;

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

/// BLAKE3 state and length of the bytes hashed so far.
#[derive(Default)]
pub(super) struct InputHasher {
    hash: blake3::Hasher,
    bytes: u64,
}

impl io::Write for InputHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An [`InputHasher`] shared by the [`HashingReader`], which a decompression thread may own, and the stream that reports the hash.
#[derive(Clone, Default)]
pub(super) struct SharedHasher(Arc<Mutex<InputHasher>>);

impl SharedHasher {
    pub fn new(hasher: InputHasher) -> Self {
        Self(Arc::new(Mutex::new(hasher)))
    }

    /// Number and BLAKE3 of the bytes hashed so far.
    pub fn result(&self) -> (u64, String) {
        let hasher = self.0.lock().expect("no thread panics while it holds the lock");
        (hasher.bytes, hasher.hash.finalize().to_string())
    }
}

/// Passes a reader's bytes on, counts them, and hashes those that lie in a range of the file.
pub(super) struct HashingReader<R> {
    inner: R,
    hasher: SharedHasher,
    bytes_read: BytesRead,
    /// Offset in the file of the next byte.
    position: u64,
    /// Bytes of the file that are still to be hashed.
    to_hash: Range<u64>,
}

impl<R: Read> HashingReader<R> {
    /// `position` is the offset in the file at which `inner` stands; bytes in `to_hash` are hashed.
    pub fn new(inner: R, position: u64, to_hash: Range<u64>, hasher: SharedHasher, bytes_read: BytesRead) -> Self {
        Self { inner, hasher, bytes_read, position, to_hash }
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let range = self.position..self.position + read as u64;
        let to_hash = self.to_hash.start.clamp(range.start, range.end)..self.to_hash.end.clamp(range.start, range.end);
        if !to_hash.is_empty() {
            let index = |offset: u64| usize::try_from(offset - range.start).expect("the offset lies in the buffer");
            let mut hasher = self.hasher.0.lock().expect("no thread panics while it holds the lock");
            io::Write::write_all(&mut *hasher, &buffer[index(to_hash.start)..index(to_hash.end)])?;
        }
        self.position = range.end;
        self.bytes_read.add(read as u64);
        Ok(read)
    }
}

/// Hashes bytes that an earlier run read, checks that they are unchanged, and returns the hasher to continue with.
pub(super) fn rehash(file: &mut File, start: u64, bytes: u64, blake3: &str) -> anyhow::Result<InputHasher> {
    let mut hasher = InputHasher::default();
    file.seek(SeekFrom::Start(start))?;
    io::copy(&mut file.take(bytes), &mut hasher)?;
    let same = hasher.bytes == bytes && hasher.hash.finalize().to_string() == blake3;
    anyhow::ensure!(
        same,
        "the {bytes} bytes from byte {start} on, which the stopped run read, have changed; restore the file, or start again from the beginning"
    );
    Ok(hasher)
}

/// Checks that a file, or a part of it, still holds the bytes that were read before. Reads these bytes again.
///
/// # Errors
/// The file cannot be read, or its bytes differ.
pub fn check_unchanged(part: &FilePart, read: &InputFile) -> anyhow::Result<()> {
    let path = &read.path;
    let mut file = File::open(path).with_context(|| format!("cannot open {path}"))?;
    rehash(&mut file, part.byte_range().start, read.bytes, &read.blake3).with_context(|| format!("cannot resume after {path}"))?;
    Ok(())
}
