//! The BLAKE3 hash of an input, computed on a thread of its own while the input is read.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use anyhow::Context;
use crossbeam_channel::{Sender, bounded};
use schemas::manifest::InputFile;

use super::chunk::{Bytes, CHUNK_BYTES};
use super::seek_point::{FilePart, ResumePoint, SeekPoint};
use crate::threads::{ThreadKind, spawn};

/// Chunks that wait to be hashed, at most.
const WAITING_CHUNKS: usize = 8;

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

/// The hash of an input so far. Clones share it.
#[derive(Clone, Default)]
pub(super) struct SharedHash(Arc<HashState>);

#[derive(Default)]
struct HashState {
    hasher: Mutex<InputHasher>,
    changed: Condvar,
    /// Bytes that were handed over to be hashed. Apart from the hasher, whose lock is held while a chunk is hashed.
    handed_over: AtomicU64,
}

impl SharedHash {
    /// Continues with the bytes that an earlier run hashed.
    pub fn new(hasher: InputHasher) -> Self {
        let handed_over = AtomicU64::new(hasher.bytes);
        Self(Arc::new(HashState { hasher: Mutex::new(hasher), changed: Condvar::new(), handed_over }))
    }

    fn hasher(&self) -> MutexGuard<'_, InputHasher> {
        self.0.hasher.lock().expect("nobody panics while holding the lock")
    }

    fn add(&self, bytes: &[u8]) {
        let mut hasher = self.hasher();
        hasher.hash.update(bytes);
        hasher.bytes += bytes.len() as u64;
        drop(hasher);
        self.0.changed.notify_all();
    }

    /// The bytes that were handed over so far.
    pub fn prefix(&self) -> HashedPrefix {
        HashedPrefix { hash: self.clone(), at_least: self.0.handed_over.load(Ordering::Relaxed) }
    }
}

/// The first bytes of an input, which may still be being hashed.
#[derive(Clone)]
pub struct HashedPrefix {
    hash: SharedHash,
    at_least: u64,
}

impl std::fmt::Debug for HashedPrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.at_least)
    }
}

impl HashedPrefix {
    /// Waits until these bytes are hashed. Returns the number of bytes hashed by then, which may be larger, and their BLAKE3.
    pub fn wait(&self) -> (u64, String) {
        let is_behind = |hasher: &mut InputHasher| hasher.bytes < self.at_least;
        let hasher = self.hash.0.changed.wait_while(self.hash.hasher(), is_behind).expect("nobody panics while holding the lock");
        (hasher.bytes, hasher.hash.finalize().to_string())
    }
}

/// A [`ResumePoint`] whose hash may still be being computed.
#[derive(Debug, Clone)]
pub struct PendingResumePoint {
    /// Where decompression can start; `None`: only at the start of the file.
    pub seek_point: Option<SeekPoint>,
    /// The bytes that were read.
    pub(super) hashed: HashedPrefix,
}

impl PendingResumePoint {
    /// Waits for the hash.
    pub fn wait(&self) -> ResumePoint {
        let (bytes, blake3) = self.hashed.wait();
        ResumePoint { seek_point: self.seek_point, bytes, blake3 }
    }
}

/// The thread that hashes an input. It ends when this is dropped and all bytes are hashed.
pub(super) struct HashThread {
    hash: SharedHash,
    /// Leads to the thread; `None` before the first chunk.
    chunks: Option<Sender<Bytes>>,
}

impl HashThread {
    pub fn new(hash: SharedHash) -> Self {
        Self { hash, chunks: None }
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: Bytes) {
        self.hash.0.handed_over.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if self.chunks.is_none() && bytes.len() < CHUNK_BYTES {
            // A small file needs no thread.
            self.hash.add(&bytes);
            return;
        }
        let hash = &self.hash;
        let chunks = self.chunks.get_or_insert_with(|| {
            let (sender, chunks) = bounded::<Bytes>(WAITING_CHUNKS);
            let hash = hash.clone();
            spawn(ThreadKind::Hash, None, move || chunks.iter().for_each(|chunk| hash.add(&chunk)));
            sender
        });
        chunks.send(bytes).expect("the thread that hashes does not panic");
    }
}

/// Hashes bytes that an earlier run read, checks that they are unchanged, and returns the hasher to continue with.
pub(super) fn rehash(file: &mut File, start: u64, bytes: u64, blake3: &str) -> anyhow::Result<InputHasher> {
    let mut hasher = InputHasher::default();
    file.seek(SeekFrom::Start(start))?;
    io::copy(&mut io::Read::take(file, bytes), &mut hasher)?;
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
