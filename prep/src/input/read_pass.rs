//! A pass over the inputs, and its steps.

use std::sync::atomic::AtomicBool;

use super::page_batch::PageBatch;

/// A pass over the inputs: a run may read them more than once.
#[derive(Debug, Clone, Copy)]
pub struct ReadPass<'a> {
    /// What the inputs are read for, as log events say it.
    pub name: &'static str,
    /// Whether damage is skipped and recorded instead of ending the run.
    pub skip_damaged: bool,
    /// Set when the run is to stop.
    pub interrupted: &'a AtomicBool,
}

/// The next step of an input.
pub(super) enum ReadStep {
    /// A batch, after which there is more.
    Batch(PageBatch),
    /// The last batch.
    Last(PageBatch),
    /// The last batch before an error that ends the run.
    Failed(PageBatch, String),
}
