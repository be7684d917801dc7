//! Buffers that return to where they are filled when nobody needs their bytes any more.
//!
//! A buffer is filled on one thread and its bytes are last used on another. Freed and allocated anew, each would cost a lock of the
//! allocator and page faults.

use std::sync::{Arc, Mutex, MutexGuard};

use super::chunk::Bytes;

/// Most buffers kept for later.
const MAX_BUFFERS: usize = 64;
/// A buffer that grew larger than this is freed.
const MAX_BUFFER_BYTES: usize = 4 << 20;

/// Buffers that are not in use. Clones share them.
#[derive(Clone, Default)]
pub(super) struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

impl BufferPool {
    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().expect("nobody panics while holding the lock")
    }

    /// A buffer with any content, or an empty one.
    pub fn take(&self) -> Vec<u8> {
        self.buffers().pop().unwrap_or_default()
    }

    /// The first bytes of a buffer, which returns to the pool when they are dropped.
    pub fn share(&self, buffer: Vec<u8>, length: usize) -> Bytes {
        Bytes::from_owner(PooledBuffer { buffer, length, pool: self.clone() })
    }

    /// Takes a buffer back.
    pub fn give_back(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_BUFFER_BYTES {
            let mut buffers = self.buffers();
            if buffers.len() < MAX_BUFFERS {
                buffers.push(buffer);
            }
        }
    }
}

struct PooledBuffer {
    buffer: Vec<u8>,
    length: usize,
    pool: BufferPool,
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_with_its_last_bytes() {
        let pool = BufferPool::default();
        let mut buffer = Vec::with_capacity(100);
        buffer.extend_from_slice(b"abcdef");
        let bytes = pool.share(buffer, 4);
        let part = bytes.slice(1..3);
        drop(bytes);
        assert_eq!((&part[..], pool.take().capacity()), (&b"bc"[..], 0));
        drop(part);
        assert_eq!(pool.take().capacity(), 100);
    }
}
