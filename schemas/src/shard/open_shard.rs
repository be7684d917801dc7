//! A shard whose row groups are still being gathered, encoded and appended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::error::FolderError;
use super::row_group::{EncodedRowGroup, RowGroup, RowGroupBuffer};
use super::shard_file::ShardFile;
use crate::manifest::Shard;
use crate::row::{Row, SCHEMA_VERSION};

/// Most row groups that are being encoded, or wait until an earlier one is.
pub(super) const MAX_IN_FLIGHT: usize = 16;

/// A shard that is not complete.
pub(super) struct OpenShard {
    file: SerializedFileWriter<ShardFile>,
    path: PathBuf,
    column_writers: Arc<ArrowRowGroupWriterFactory>,
    buffer: RowGroupBuffer,
    rows: u64,
    /// Bytes of the values of all row groups that were taken to be encoded, and their number.
    value_bytes: usize,
    row_groups: usize,
    /// Of each row group that was appended: bytes of its values, and bytes in the file.
    appended: Vec<(usize, usize)>,
}

impl OpenShard {
    pub(super) fn create<R: Row>(
        dir: &Path,
        partition: &str,
        number: usize,
        program: &str,
        row_group_rows: usize,
    ) -> Result<Self, FolderError> {
        let file = ShardFile::create(dir, partition, number)?;
        let path = file.path().to_owned();
        // The Arrow writer adds the Arrow schema to the metadata.
        let writer = ArrowWriter::try_new(file, R::schema(), Some(properties::<R>(program))).and_then(ArrowWriter::into_serialized_writer);
        let (file, column_writers) = writer.map_err(|error| FolderError::Parquet(path.clone(), error))?;
        Ok(Self {
            file,
            path,
            column_writers: Arc::new(column_writers),
            buffer: RowGroupBuffer::new(row_group_rows),
            rows: 0,
            value_bytes: 0,
            row_groups: 0,
            appended: Vec::new(),
        })
    }

    /// What makes the writers of a row group's columns.
    pub(super) fn column_writers(&self) -> Arc<ArrowRowGroupWriterFactory> {
        Arc::clone(&self.column_writers)
    }

    /// Takes rows up to the end of the row group. Returns the rest; `None` while the row group is not full.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Option<RecordBatch> {
        let rest = self.buffer.push(batch);
        self.rows += (batch.num_rows() - rest.as_ref().map_or(0, RecordBatch::num_rows)) as u64;
        rest
    }

    /// The rows gathered since the last row group; `None` if there are none.
    pub(super) fn take_row_group(&mut self) -> Option<RowGroup> {
        let row_group = self.buffer.take()?;
        self.value_bytes += row_group.bytes();
        self.row_groups += 1;
        Some(row_group)
    }

    /// Appends an encoded row group.
    pub(super) fn append(&mut self, row_group: EncodedRowGroup) -> Result<(), ParquetError> {
        let value_bytes = row_group.value_bytes();
        self.appended.push((value_bytes, row_group.append_to(&mut self.file)?));
        Ok(())
    }

    /// Estimated size of the file with all rows so far, in bytes.
    ///
    /// Which row groups are encoded already depends on the threads. So the estimate is made from those that must be, since at most
    /// [`MAX_IN_FLIGHT`] are not: it depends on the rows alone. 0 if there are none.
    pub(super) fn estimated_bytes(&self) -> usize {
        let known = &self.appended[..self.row_groups.saturating_sub(MAX_IN_FLIGHT)];
        let (values, encoded) = known.iter().fold((0, 0), |sum, row_group| (sum.0 + row_group.0, sum.1 + row_group.1));
        let all = self.value_bytes + self.buffer.bytes();
        // In u128: gigabytes of values times megabytes of file.
        usize::try_from(all as u128 * encoded as u128 / (values as u128).max(1)).unwrap_or(usize::MAX)
    }

    /// Writes the footer and gives the file its final name. All row groups must be appended.
    pub(super) fn close(self) -> Result<Shard, FolderError> {
        let file = self.file.into_inner().map_err(|error| FolderError::Parquet(self.path, error))?;
        let shard = file.shard(self.rows);
        file.commit()?;
        Ok(shard)
    }
}

/// How a shard of rows of `R` is stored: zstd, the row's column policy, schema name and version in the metadata.
fn properties<R: Row>(program: &str) -> WriterProperties {
    let column_path = |column: &str| ColumnPath::new(column.split('.').map(str::to_owned).collect());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(None)
        .set_created_by(program.to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("schema".to_owned(), R::SCHEMA_NAME.to_owned()),
            KeyValue::new("schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        ]));
    for column in R::NO_DICTIONARY {
        properties = properties.set_column_dictionary_enabled(column_path(column), false);
    }
    for column in R::DELTA_ENCODED {
        let path = column_path(column);
        properties = properties.set_column_dictionary_enabled(path.clone(), false);
        properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for column in R::NO_STATISTICS {
        properties = properties.set_column_statistics_enabled(column_path(column), EnabledStatistics::None);
    }
    properties.build()
}
