//! Clusters in a Parquet file: a row for each span, so that people can see what a cluster holds.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayRef, AsArray, Float32Array, ListArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef, UInt32Type, UInt64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use schemas::AtomicFile;

/// Rows of a batch.
const ROWS: usize = 4096;

/// Rows of a row group, which is held in memory while it is written.
const ROW_GROUP_ROWS: usize = 65_536;

/// A span and its cluster. Offsets are half-open and count chars of the context.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterRow {
    /// Id of the span's triple.
    pub id: String,
    /// Label of the triple.
    pub label: String,
    /// Context of the triple.
    pub context: String,
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The text of the span.
    pub text: String,
    /// Cluster of the span.
    pub cluster: u32,
    /// Distance from the mean of the cluster.
    pub distance: f32,
    /// The vector that was clustered: principal components, scaled to length 1. Given for a sample of the spans only.
    pub vector: Option<Vec<f32>>,
    /// Number of the triple in the training set.
    pub row: u64,
}

/// The columns that a run continues with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssignedSpan {
    /// Number of the triple in the training set.
    pub row: u64,
    /// Cluster of the span.
    pub cluster: u32,
    /// Distance from the mean of the cluster.
    pub distance: f32,
}

/// The columns that plots need of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotRow {
    /// The text of the span.
    pub text: String,
    /// Label of the triple.
    pub label: String,
    /// Cluster of the span.
    pub cluster: u32,
    /// The vector that was clustered, if the span is in the sample.
    pub vector: Option<Vec<f32>>,
}

fn schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("text", DataType::Utf8),
        field("label", DataType::Utf8),
        field("cluster", DataType::UInt32),
        field("distance", DataType::Float32),
        field("context", DataType::Utf8),
        field("start", DataType::UInt32),
        field("end", DataType::UInt32),
        field("id", DataType::Utf8),
        Field::new("vector", DataType::new_list(DataType::Float32, true), true),
        field("row", DataType::UInt64),
    ]))
}

/// Writes a cluster file. It has a temporary name until [`finish`](Self::finish).
pub struct ClusterFileWriter<'a> {
    path: &'a Path,
    writer: ArrowWriter<AtomicFile>,
    pending: Vec<ClusterRow>,
}

impl<'a> ClusterFileWriter<'a> {
    /// Creates the file and its folder.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &'a Path) -> Result<Self> {
        let open = || -> Result<ArrowWriter<AtomicFile>> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let compression = Compression::ZSTD(ZstdLevel::default());
            let properties =
                WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(ROW_GROUP_ROWS)).build();
            Ok(ArrowWriter::try_new(AtomicFile::create(path)?, schema(), Some(properties))?)
        };
        let writer = open().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, writer, pending: Vec::new() })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// The write fails.
    pub fn write(&mut self, row: ClusterRow) -> Result<()> {
        self.pending.push(row);
        if self.pending.len() == ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        let strings = |of: fn(&ClusterRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
        let numbers = |of: fn(&ClusterRow) -> u32| -> ArrayRef { Arc::new(UInt32Array::from_iter_values(rows.iter().map(of))) };
        let columns = vec![
            strings(|row| &row.text),
            strings(|row| &row.label),
            numbers(|row| row.cluster),
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.distance))),
            strings(|row| &row.context),
            numbers(|row| row.start),
            numbers(|row| row.end),
            strings(|row| &row.id),
            Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(
                rows.iter().map(|row| row.vector.as_ref().map(|vector| vector.iter().copied().map(Some))),
            )),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.row))),
        ];
        let written =
            RecordBatch::try_new(schema(), columns).map_err(anyhow::Error::from).and_then(|batch| Ok(self.writer.write(&batch)?));
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Writes what is pending and renames the file.
    ///
    /// # Errors
    /// The write fails.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        let path = self.path;
        let close = || -> Result<()> { Ok(self.writer.into_inner()?.commit()?) };
        close().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Calls `take` with each span of a file, in order.
///
/// # Errors
/// The file cannot be read, or a column is missing or of another type.
pub fn read_assignments(path: &Path, mut take: impl FnMut(AssignedSpan)) -> Result<()> {
    batches(path, &["cluster", "distance", "row"], |batch| {
        let (clusters, distances) = (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1).as_primitive::<Float32Type>());
        let rows = batch.column(2).as_primitive::<UInt64Type>();
        for ((&cluster, &distance), &row) in clusters.values().iter().zip(distances.values()).zip(rows.values()) {
            take(AssignedSpan { row, cluster, distance });
        }
    })
}

/// Calls `take` with the columns that plots need, of each span of a file, in order.
///
/// # Errors
/// The file cannot be read, or a column is missing or of another type.
pub fn read_plot_rows(path: &Path, mut take: impl FnMut(PlotRow)) -> Result<()> {
    batches(path, &["text", "label", "cluster", "vector"], |batch| {
        let (texts, labels) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let (clusters, vectors) = (batch.column(2).as_primitive::<UInt32Type>(), batch.column(3).as_list::<i32>());
        for at in 0..batch.num_rows() {
            take(PlotRow {
                text: texts.value(at).to_owned(),
                label: labels.value(at).to_owned(),
                cluster: clusters.value(at),
                vector: vectors.is_valid(at).then(|| vectors.value(at).as_primitive::<Float32Type>().values().to_vec()),
            });
        }
    })
}

/// Number of spans of a file.
///
/// # Errors
/// The file cannot be read.
pub fn row_count(path: &Path) -> Result<u64> {
    let open = || -> Result<u64> {
        let metadata = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.metadata().file_metadata().num_rows();
        Ok(u64::try_from(metadata)?)
    };
    open().with_context(|| format!("cannot read {}", path.display()))
}

/// Calls `take` with batches of some columns of a file, in the order of the schema.
fn batches(path: &Path, columns: &[&str], mut take: impl FnMut(&RecordBatch)) -> Result<()> {
    let mut read = || -> Result<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let (found, expected) = (builder.schema().clone(), schema());
        for &name in columns {
            let (found, expected) = (found.field_with_name(name).ok(), expected.field_with_name(name)?);
            ensure!(
                found.is_some_and(|found| found.data_type() == expected.data_type()),
                "its column `{name}` is {}, expected {}",
                found.map_or("missing".to_owned(), |found| found.data_type().to_string()),
                expected.data_type()
            );
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        for batch in builder.with_projection(mask).build()? {
            take(&batch?);
        }
        Ok(())
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_read_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clusters/epoch-1.parquet");
        let mut writer = ClusterFileWriter::create(&path).unwrap();
        for at in 0..5000u32 {
            let row = ClusterRow {
                id: format!("d:{at}:PER"),
                label: "PER".into(),
                context: "It was Ödön.".into(),
                start: 7,
                end: 11,
                text: "Ödön".into(),
                cluster: at % 7,
                distance: at as f32 / 3.0,
                vector: (at % 2 == 0).then(|| vec![at as f32, 0.5]),
                row: u64::from(at) * 3,
            };
            writer.write(row).unwrap();
        }
        assert!(!path.exists());
        writer.finish().unwrap();
        let mut spans = Vec::new();
        read_assignments(&path, |span| spans.push(span)).unwrap();
        assert_eq!((spans.len(), spans[4999]), (5000, AssignedSpan { row: 14_997, cluster: 1, distance: 4999.0 / 3.0 }));
        let mut rows = Vec::new();
        read_plot_rows(&path, |row| rows.push(row)).unwrap();
        assert_eq!((row_count(&path).unwrap(), rows[4998].vector.as_deref(), &rows[4999].vector), (5000, Some(&[4998.0, 0.5][..]), &None));
        assert_eq!((rows[8].text.as_str(), rows[8].label.as_str(), rows[8].cluster), ("Ödön", "PER", 1));
        assert!(read_assignments(&dir.path().join("nothing"), drop).is_err());
    }
}
