//! Parallel bzip2 decompression. A bzip2 file, one stream or many, is a sequence of blocks that can be decoded independently.
//!
//! | module | task |
//! |---|---|
//! | `block_finder` | finds the magic numbers of blocks and stream ends at any bit, and splits the file there |
//! | `block_decoder` | decodes one block, with `bit_reader`, `huffman_decoder`, `move_to_front`, `inverse_bwt`, `derandomize`, `run_length` and `crc32` |
//! | `parallel_reader` | passes candidate blocks to worker threads, restores their order, and checks the checksums of streams |
//!
//! A block begins with a 48-bit magic number at any bit of the file. The same bits may, rarely, occur inside a block. So a match is only a
//! candidate: one that does not decode is joined with the next ones before it is reported as corrupt. The checksums of all blocks and
//! streams are verified.
//!
//! Memory per thread: about 12 MB for the decoder, and two candidates with their output, each about 900 kB. A block of long runs, which has
//! up to 46 MB, is told before its runs are written and decoded when its turn comes, so that there is one such output at a time.

mod bit_reader;
mod block_decoder;
mod block_finder;
mod crc32;
mod derandomize;
mod format;
mod huffman_decoder;
mod inverse_bwt;
mod move_to_front;
mod not_decoded;
mod parallel_reader;
mod run_length;
#[cfg(test)]
mod tests;

pub use block_decoder::BlockDecoder;
pub(crate) use format::BLOCK_MAGIC;
pub use not_decoded::NotDecoded;
pub(in crate::source) use parallel_reader::Bzip2Reader;
