//! Positions in the inputs of a run, as checkpoints store them.

use serde::{Deserialize, Serialize};

use crate::source::{PendingResumePoint, ResumePoint};

/// A position between two batches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPosition {
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

/// A position as the reader hands it on: the hash that a checkpoint stores with it may still be being computed.
#[derive(Debug, Clone)]
pub enum PendingPosition {
    /// One that is known.
    Known(ReadPosition),
    /// Between two pages of a dump.
    Xml {
        /// Number of the input, from 0.
        input: usize,
        /// Byte of the decompressed XML.
        offset: u64,
        /// Number of pages before it.
        pages: u64,
        /// Where in the file to start decompression.
        place: PendingResumePoint,
    },
}

impl PendingPosition {
    /// Waits for the hash.
    pub fn wait(&self) -> ReadPosition {
        match self {
            Self::Known(position) => position.clone(),
            Self::Xml { input, offset, pages, place } => {
                let within = InputPosition::Xml { offset: *offset, pages: *pages, place: place.wait() };
                ReadPosition { input: *input, within }
            }
        }
    }
}
