//! Rows of Hugging Face `datasets`: tokens and tags, as Parquet with the names of the tags in the metadata.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::Serialize;

/// Rows of a batch.
const BATCH_ROWS: usize = 1024;

/// Tokens of a sentence and their tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaggedSentence {
    /// Its name in the data set.
    pub id: String,
    /// The tokens.
    pub tokens: Vec<String>,
    /// A tag for each token.
    #[serde(rename = "ner_tags")]
    pub tags: Vec<String>,
}

/// A file or a row that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HfRowError {
    /// The file cannot be read or written.
    #[error("cannot read or write Parquet")]
    Parquet(#[from] ParquetError),
    /// The columns do not fit together.
    #[error("cannot make columns")]
    Arrow(#[from] ArrowError),
    /// A tag that has no number.
    #[error("sentence {sentence}: tag `{tag}` is none of {known}; give another --scheme")]
    UnknownTag {
        /// The sentence.
        sentence: String,
        /// Its tag.
        tag: String,
        /// The tags that have one.
        known: String,
    },
}

/// The value of the key `huggingface` in the metadata of a Parquet file, which describes the columns of a data set; `None` where it has
/// none.
///
/// # Errors
/// The file cannot be read, or is no Parquet.
pub fn read_metadata(path: &Path) -> Result<Option<String>, HfRowError> {
    let file = File::open(path).map_err(|error| ParquetError::External(Box::new(error)))?;
    let metadata = ParquetRecordBatchReaderBuilder::try_new(file)?.metadata().clone();
    let pairs = metadata.file_metadata().key_value_metadata();
    Ok(pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == "huggingface")?.value.clone()))
}

/// Writes the columns `id`, `tokens` and `ner_tags` as `datasets.Dataset.to_parquet` does. Tags are numbers of the names that the key
/// `huggingface` of the metadata lists, so that `datasets.load_dataset("parquet", …)` has a `ClassLabel`.
///
/// Memory: a batch of rows.
pub struct HfParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    names: Vec<String>,
    rows: Vec<TaggedSentence>,
}

impl<W: Write + Send> HfParquetWriter<W> {
    /// A writer of a file with these names of tags.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(out: W, names: Vec<String>) -> Result<Self, HfRowError> {
        let features = serde_json::json!({"info": {"features": {
            "id": {"dtype": "string", "_type": "Value"},
            "tokens": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
            "ner_tags": {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "Sequence"},
        }}});
        let features = features.to_string();
        let metadata = HashMap::from([("huggingface".to_owned(), features.clone())]);
        let schema = Arc::new(Schema::new_with_metadata(schema().fields().clone(), metadata));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), features)]))
            .build();
        Ok(Self { writer: ArrowWriter::try_new(out, schema, Some(properties))?, names, rows: Vec::new() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// A tag without a name, or a file that cannot be written.
    pub fn write(&mut self, row: TaggedSentence) -> Result<(), HfRowError> {
        self.rows.push(row);
        if self.rows.len() == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), HfRowError> {
        let ids: StringArray = self.rows.iter().map(|row| Some(&row.id)).collect();
        let item = |data_type| Arc::new(Field::new("element", data_type, true));
        let mut tokens = ListBuilder::new(StringBuilder::new()).with_field(item(DataType::Utf8));
        let mut tags = ListBuilder::new(Int64Builder::new()).with_field(item(DataType::Int64));
        for row in self.rows.drain(..) {
            row.tokens.iter().for_each(|token| tokens.values().append_value(token));
            tokens.append(true);
            for tag in &row.tags {
                let Some(number) = self.names.iter().position(|name| name == tag) else {
                    return Err(HfRowError::UnknownTag { sentence: row.id, tag: tag.clone(), known: self.names.join(", ") });
                };
                tags.values().append_value(i64::try_from(number).unwrap_or(i64::MAX));
            }
            tags.append(true);
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(tokens.finish()), Arc::new(tags.finish())];
        // The writer compares fields, not metadata.
        self.writer.write(&RecordBatch::try_new(Arc::new(schema()), columns)?)?;
        Ok(())
    }

    /// Ends the file and returns it. It is not flushed.
    ///
    /// # Errors
    /// A tag without a name, or a file that cannot be written.
    pub fn finish(mut self) -> Result<W, HfRowError> {
        self.flush()?;
        Ok(self.writer.into_inner()?)
    }
}

fn schema() -> Schema {
    let list = |item| DataType::List(Arc::new(Field::new("element", item, true)));
    Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("tokens", list(DataType::Utf8), true),
        Field::new("ner_tags", list(DataType::Int64), true),
    ])
}
