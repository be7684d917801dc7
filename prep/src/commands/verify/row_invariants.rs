//! The trait of checks on the rows of a folder.

use schemas::Row;

/// Checks what must hold for rows beyond [`Row::check`], which looks at each row alone.
pub trait RowInvariants<R: Row> {
    /// Checks the next row, and reports what does not hold.
    fn check_row(&mut self, row: R, report: &mut dyn FnMut(String));
    /// Rows are missing here, because a shard could not be read.
    fn rows_missing(&mut self);
    /// Checks what only the end of the folder can tell.
    fn check_end(&mut self, report: &mut dyn FnMut(String));
}
