//! Positions in an input file from which reading can start. They are stored in plans and in the progress file of a run.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A position in a file at which decompression can start.
///
/// In plain XML it is any byte, in bzip2 the first bit of a block. gzip, zstd, xz and UTF-16 have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeekPoint {
    /// Bit offset in the file.
    pub bit: u64,
    /// Number of decompressed bytes before it.
    pub offset: u64,
}

/// How far a file was read: enough to continue later, and to tell whether the file is still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// Where decompression can start; `None`: only at the start of the file.
    #[serde(rename = "mark")]
    pub seek_point: Option<SeekPoint>,
    /// Number of bytes hashed, from the start of the file or of the [`FilePart`].
    pub bytes: u64,
    /// BLAKE3 of these bytes, in hexadecimal.
    pub blake3: String,
}

/// The part of a file that one run reads, where several runs share the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    /// Where it begins; `None`: at the start of the file.
    #[serde(rename = "from")]
    pub start: Option<SeekPoint>,
    /// Bit offset at which the next part begins; `None`: this part extends to the end of the file.
    #[serde(rename = "until")]
    pub end_bit: Option<u64>,
}

impl FilePart {
    /// The whole file.
    pub const WHOLE: Self = Self { start: None, end_bit: None };

    /// The bytes of the file that belong to this part and to no other. A byte that two parts share belongs to the second.
    pub fn byte_range(&self) -> Range<u64> {
        self.start.map_or(0, |start| start.bit / 8)..self.end_bit.map_or(u64::MAX, |bit| bit / 8)
    }
}
