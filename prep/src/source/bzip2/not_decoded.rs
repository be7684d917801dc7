//! Why a block was not decoded.

/// Why bits were not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDecoded {
    /// They are not exactly one block with a valid checksum.
    NoBlock,
    /// The block has more bytes than were allowed.
    TooLarge,
}
