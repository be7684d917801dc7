//! Events of a run, for whoever shows them.

use crate::counters::Counters;

/// Receives the events of a run, on the thread that writes the rows.
pub trait RunObserver: Send {
    /// A fault that does not end the run: a page was skipped, or a damaged stretch.
    fn warn(&mut self, warning: &str);

    /// A batch was written; `counters` are those of the run so far.
    fn progress(&mut self, counters: &Counters);
}
