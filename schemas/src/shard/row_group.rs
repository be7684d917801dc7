//! Row groups: rows are gathered up to a border, then encoded and compressed on any thread.
//!
//! A border depends on the rows alone: on their number, and on the bytes of their values. So the bytes of a shard are the same for any
//! number of threads.

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

/// Bytes of values at which a row group ends, whatever the number of its rows: what a thread encodes at once.
pub const ROW_GROUP_BYTES: usize = 8 << 20;

/// The rows of a row group that is not full yet.
#[derive(Debug)]
pub(super) struct RowGroupBuffer {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    max_rows: usize,
}

impl RowGroupBuffer {
    pub(super) fn new(max_rows: usize) -> Self {
        Self { batches: Vec::new(), rows: 0, bytes: 0, max_rows }
    }

    /// Bytes of the values of all rows.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends the rows of a batch up to the border. Returns the rows behind it; `None` while the row group is not full.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Option<RecordBatch> {
        let most = batch.num_rows().min(self.max_rows - self.rows);
        let is_full = |rows: usize| self.bytes + value_bytes(batch, rows) >= ROW_GROUP_BYTES;
        let taken = if is_full(most) { first_row(most, is_full) } else { most };
        self.bytes += value_bytes(batch, taken);
        self.rows += taken;
        self.batches.push(batch.slice(0, taken));
        let is_full = self.rows == self.max_rows || self.bytes >= ROW_GROUP_BYTES;
        is_full.then(|| batch.slice(taken, batch.num_rows() - taken))
    }

    /// The rows, as a row group; `None` if there are none.
    pub(super) fn take(&mut self) -> Option<RowGroup> {
        let Self { batches, bytes, .. } = std::mem::replace(self, Self::new(self.max_rows));
        (!batches.is_empty()).then_some(RowGroup { batches, bytes })
    }
}

/// The least number of rows, up to `most`, for which `is_full` holds.
fn first_row(most: usize, is_full: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, most);
    while low < high {
        let middle = low.midpoint(high);
        if is_full(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

/// Bytes of the values in the first rows of a batch.
fn value_bytes(batch: &RecordBatch, rows: usize) -> usize {
    batch.columns().iter().map(|column| column_bytes(column, rows)).sum()
}

/// Bytes of the values in the first rows of a column.
fn column_bytes(column: &dyn Array, rows: usize) -> usize {
    let range = |offsets: &[i32]| {
        let [start, end] = [offsets[0], offsets[rows]].map(|offset| usize::try_from(offset).expect("offsets are not negative"));
        start..end
    };
    match column.data_type() {
        DataType::Utf8 => range(column.as_string::<i32>().value_offsets()).len() + rows * size_of::<i32>(),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let items = range(list.value_offsets());
            column_bytes(&list.values().slice(items.start, items.len()), items.len()) + rows * size_of::<i32>()
        }
        DataType::Struct(_) => column.as_struct().columns().iter().map(|column| column_bytes(column, rows)).sum(),
        other => rows * other.primitive_width().unwrap_or(size_of::<i32>()),
    }
}

/// The rows of one row group.
#[derive(Debug)]
pub(super) struct RowGroup {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl RowGroup {
    /// Bytes of the values of all rows.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Encodes and compresses the columns, one after the other.
    pub(super) fn encode(self, schema: &SchemaRef, factory: &ArrowRowGroupWriterFactory) -> Result<EncodedRowGroup, ParquetError> {
        // The number of the row group matters to encryption alone.
        let mut writers = factory.create_column_writers(0)?.into_iter();
        let mut chunks = Vec::with_capacity(writers.len());
        for (column, field) in schema.fields().iter().enumerate() {
            let mut field_writers: Vec<ArrowColumnWriter> = Vec::new();
            for batch in &self.batches {
                let leaves = compute_leaves(field, batch.column(column))?;
                if field_writers.is_empty() {
                    field_writers.extend(writers.by_ref().take(leaves.len()));
                }
                field_writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))?;
            }
            for writer in field_writers {
                chunks.push(writer.close()?);
            }
        }
        Ok(EncodedRowGroup { chunks, value_bytes: self.bytes })
    }
}

/// The column chunks of one row group, as a shard holds them.
pub(super) struct EncodedRowGroup {
    chunks: Vec<ArrowColumnChunk>,
    value_bytes: usize,
}

impl EncodedRowGroup {
    /// Bytes of the values that were encoded.
    pub(super) fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// Appends the row group to a shard. Returns its bytes there.
    pub(super) fn append_to<W: Write + Send>(self, shard: &mut SerializedFileWriter<W>) -> Result<usize, ParquetError> {
        let before = shard.bytes_written();
        let mut row_group = shard.next_row_group()?;
        self.chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut row_group))?;
        row_group.close()?;
        Ok(shard.bytes_written() - before)
    }
}
