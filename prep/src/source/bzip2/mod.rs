//! bzip2 on several threads: any file, one stream or many, is a row of blocks that can be decoded alone.
//!
//! | module | what it does |
//! |---|---|
//! | `cut` | finds where blocks may begin, and cuts the file there |
//! | `decode` | a piece to the block it holds, with `bits`, `huffman`, `transform`, `random`, `runs` and `crc` |
//! | `reader` | hands pieces to workers, puts what they make of them in order, and joins what was cut apart |
//!
//! A block begins with 48 bits that may stand at any bit of the file, and that may, rarely, occur inside a block too: so a piece that does not
//! decode is joined with the next one before it is called corrupt. The checksums of all blocks and of all streams are checked.

mod bits;
mod crc;
mod cut;
mod decode;
mod huffman;
mod random;
mod reader;
mod runs;
mod transform;

pub use decode::Decoder;
pub(in crate::source) use reader::BlockReader;

/// What a block begins with.
pub(crate) const BLOCK: u64 = 0x3141_5926_5359;
/// What the end of a stream begins with.
const END: u64 = 0x1772_4538_5090;
/// Length of either.
const MAGIC_BITS: u64 = 48;
/// Length of either with the checksum that follows it.
const HEAD_BITS: u64 = MAGIC_BITS + 32;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
