//! Constants of the bzip2 format.

/// Magic number of a block: the digits of π in BCD.
pub(crate) const BLOCK_MAGIC: u64 = 0x3141_5926_5359;
/// Magic number of the end of a stream: the digits of √π in BCD.
pub(super) const STREAM_END_MAGIC: u64 = 0x1772_4538_5090;
/// Length of either magic number in bits.
pub(super) const MAGIC_BITS: u64 = 48;
/// Length in bits of a magic number and of the checksum that follows it.
pub(super) const MAGIC_AND_CRC_BITS: u64 = MAGIC_BITS + 32;
