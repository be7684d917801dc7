//! Positions in the inputs of a run, as checkpoints store them.

use serde::{Deserialize, Serialize};

use crate::source::{PendingResumePoint, ResumePoint};

/// A position between two batches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPosition {
    /// The inputs that are being read, in the order of their turns.
    pub open: Vec<OpenPosition>,
    /// Number of the input that is opened next, from 0.
    pub next_input: usize,
}

/// A position in an input that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPosition {
    /// Number of the input, from 0.
    pub input: usize,
    /// Position in that input.
    pub within: InputPosition,
}

/// A position in one input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputPosition {
    /// The start.
    #[default]
    Start,
    /// Between two pages of a dump.
    Xml {
        /// Byte of the decompressed XML.
        offset: u64,
        /// Number of pages before it.
        pages: u64,
        /// Where in the file to start decompression.
        place: ResumePoint,
    },
    /// In a folder of pages, after this many rows.
    Row(u64),
}

/// A [`ReadPosition`] as the reader hands it on: the hashes that a checkpoint stores with it may still be being computed.
#[derive(Debug, Clone, Default)]
pub struct PendingPosition {
    /// The inputs that are being read, with their numbers, in the order of their turns.
    pub open: Vec<(usize, PendingInputPosition)>,
    /// Number of the input that is opened next.
    pub next_input: usize,
}

/// An [`InputPosition`] whose hash may still be being computed.
#[derive(Debug, Clone)]
pub enum PendingInputPosition {
    /// One that is known.
    Known(InputPosition),
    /// Between two pages of a dump; fields as in [`InputPosition::Xml`].
    Xml {
        /// Byte of the decompressed XML.
        offset: u64,
        /// Number of pages before it.
        pages: u64,
        /// Where in the file to start decompression.
        place: PendingResumePoint,
    },
}

impl PendingPosition {
    /// Waits for the hashes.
    pub fn wait(&self) -> ReadPosition {
        let open = self.open.iter().map(|(input, within)| OpenPosition { input: *input, within: within.wait() });
        ReadPosition { open: open.collect(), next_input: self.next_input }
    }
}

impl PendingInputPosition {
    fn wait(&self) -> InputPosition {
        match self {
            Self::Known(position) => position.clone(),
            Self::Xml { offset, pages, place } => InputPosition::Xml { offset: *offset, pages: *pages, place: place.wait() },
        }
    }
}
