//! How work is cut into chunks for threads.

/// Elements of a chunk: some microseconds of work, and its buffers stay in the second-level cache.
pub const CHUNK: usize = 16 * 1024;

/// Rows of a chunk of rows of this width.
pub fn rows_per_chunk(width: usize) -> usize {
    (CHUNK / width.max(1)).max(1)
}
