//! Batches: what a worker gets at once.

use std::sync::Arc;

use schemas::manifest::{Damage, InputFile};
use schemas::{RowSlice, ShardFolder};

use super::position::PendingPosition;
use crate::source::PageXml;

/// Size at which a batch of pages of a dump is full, in bytes of XML.
const BATCH_BYTES: u64 = 1 << 19;
/// Number of pages at which a batch is full.
pub(super) const BATCH_PAGES: usize = 64;
/// A page of at least this many bytes weighs [`LARGE_PAGE_WEIGHT`] times its size: all its intermediate forms are in memory at once.
const LARGE_PAGE_BYTES: usize = 256 << 10;
const LARGE_PAGE_WEIGHT: u64 = 8;

/// Pages of one input with what the reader learned on the way.
///
/// Where a batch ends depends on the input alone, so a resumed run makes the same batches.
pub struct PageBatch {
    /// The pages.
    pub content: BatchContent,
    /// Bytes of their XML; 0 for rows that are not read yet.
    pub bytes: u64,
    /// Weight against the in-flight budget.
    pub(super) weight: u64,
    /// Damage that was skipped before or in this batch.
    pub damage: Vec<Damage>,
    /// The error that ends the run after this batch.
    pub fatal: Option<String>,
    /// Inputs that were read to their end with this batch.
    pub finished_inputs: Vec<InputFile>,
    /// Position after this batch.
    pub next: PendingPosition,
}

/// Pages that are not processed yet.
pub enum BatchContent {
    /// Pages of a dump, as XML.
    Pages {
        /// Number of the dump among the inputs.
        dump: usize,
        /// The pages.
        pages: Vec<PageXml>,
    },
    /// Rows of a folder of pages, which the worker reads.
    Rows {
        /// The folder.
        folder: Arc<ShardFolder>,
        /// Which of its rows.
        slice: RowSlice,
        /// Whether a slice that cannot be read is skipped and recorded.
        skip_damaged: bool,
    },
    /// No pages.
    Empty,
}

impl PageBatch {
    /// A batch without pages.
    pub(super) fn empty() -> Self {
        Self::new(BatchContent::Empty)
    }

    pub(super) fn new(content: BatchContent) -> Self {
        let (damage, finished_inputs, next) = (Vec::new(), Vec::new(), PendingPosition::default());
        Self { content, bytes: 0, weight: 0, damage, fatal: None, finished_inputs, next }
    }

    /// Adds a page to a batch of [`BatchContent::Pages`].
    pub(super) fn push(&mut self, page: PageXml) {
        let bytes = page.xml_bytes();
        self.bytes += bytes as u64;
        self.weight += page_weight(bytes);
        if let BatchContent::Pages { pages, .. } = &mut self.content {
            pages.push(page);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let BatchContent::Pages { pages, .. } = &self.content else { return false };
        self.bytes >= BATCH_BYTES || pages.len() >= BATCH_PAGES
    }
}

/// Weight of a page of this many bytes against the in-flight budget.
pub(super) fn page_weight(bytes: usize) -> u64 {
    bytes as u64 * if bytes < LARGE_PAGE_BYTES { 1 } else { LARGE_PAGE_WEIGHT }
}
