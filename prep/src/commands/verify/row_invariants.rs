//! The trait of checks on the rows of a folder.

use schemas::Row;

/// A problem with a row: its number, and what was found and expected.
pub type RowProblem = (u64, String);

/// Checks what must hold for rows beyond [`Row::check`], which looks at each row alone.
///
/// Rows are read in slices on several threads. What a slice tells by itself is checked there; what it takes the rows around it to tell is
/// checked when the slices are joined, in their order.
pub trait RowInvariants<R: Row>: Send {
    /// What a thread finds out about a slice.
    type Slice: Send;

    /// Checks consecutive rows, the first of which has this number.
    fn check_slice(first_row: u64, rows: Vec<R>) -> Self::Slice;

    /// Joins the next slice and adds its problems. Returns false if its rows must be checked one by one, by [`check_rows`](Self::check_rows):
    /// nothing is joined then.
    fn join(&mut self, slice: Self::Slice, problems: &mut Vec<RowProblem>) -> bool;

    /// Checks the rows of the next slice one by one.
    fn check_rows(&mut self, first_row: u64, rows: Vec<R>, problems: &mut Vec<RowProblem>);

    /// Rows are missing here, because a shard could not be read.
    fn rows_missing(&mut self);

    /// Checks what only the end of the folder can tell.
    fn check_end(&mut self, report: &mut dyn FnMut(String));
}
