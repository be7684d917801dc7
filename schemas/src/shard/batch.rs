//! Batches of rows whose invariants were checked, ready to be written.

use std::marker::PhantomData;

use arrow::array::RecordBatch;

use crate::row::{Row, RowError};

/// Most rows handed to the Parquet library at once. Fixed, so that the bytes of a shard do not depend on how rows arrive.
pub(crate) const BATCH_ROWS: usize = 512;
/// Bytes of rows handed to the Parquet library at once, where rows are large.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// A batch of rows of `R` whose invariants were checked.
#[derive(Debug)]
pub struct CheckedBatch<R> {
    batch: RecordBatch,
    rows: PhantomData<R>,
}

impl<R: Row> CheckedBatch<R> {
    /// Checks rows and makes batches of about 8 MiB of them.
    ///
    /// # Errors
    /// The first row that violates an invariant.
    pub fn from_rows(rows: impl IntoIterator<Item = R>) -> Result<Vec<Self>, RowError> {
        let mut batches = Vec::new();
        let (mut pending, mut bytes) = (Vec::new(), 0);
        for row in rows {
            row.check()?;
            bytes += row.memory_bytes();
            pending.push(row);
            if bytes >= BATCH_BYTES {
                batches.push(Self::of_valid_rows(R::to_batch(&pending)));
                pending.clear();
                bytes = 0;
            }
        }
        if !pending.is_empty() {
            batches.push(Self::of_valid_rows(R::to_batch(&pending)));
        }
        Ok(batches)
    }

    /// A batch of the schema whose rows are known to hold the invariants.
    pub(crate) fn of_valid_rows(batch: RecordBatch) -> Self {
        debug_assert_eq!(batch.schema(), R::schema());
        Self { batch, rows: PhantomData }
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}
