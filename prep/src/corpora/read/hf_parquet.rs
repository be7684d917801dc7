//! Rows of Hugging Face `datasets` as Parquet: a column of tokens and a column of tags.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow::array::{Array, AsArray, ListArray, RecordBatch, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use arrow::error::ArrowError;
use schemas::shard::open_shard;
use schemas::{Counter, hf_rows};

use super::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence};
use super::hf_labels;
use super::json::token_tags::{TAG_FIELDS, TOKEN_FIELDS};
use super::options::ReaderOptions;
use super::tagged_tokens::{RawTag, annotate};
use crate::corpora::sentence::AnnotatedSentence;

/// The bytes with which a Parquet file begins.
pub const PARQUET_MAGIC: &[u8] = b"PAR1";

/// The tokens of a row and their tags.
type TokenRow = (Vec<String>, Vec<RawTag>);

/// Reads a Parquet file with tokens and tags. Rows are counted as lines are, from 1.
///
/// Memory: a batch of rows.
pub struct HfParquetReader<'a> {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'a>,
    options: ReaderOptions<'a>,
    /// Names that the numbers of tags stand for.
    class_names: Option<Vec<String>>,
    tokens: String,
    tags: String,
    rows: std::vec::IntoIter<TokenRow>,
    row: u64,
    next_number: u32,
    counts: Counter,
}

impl<'a> HfParquetReader<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// It is no Parquet file, or lacks a column of tokens or of tags.
    pub fn open(path: &Path, options: &ReaderOptions<'a>) -> anyhow::Result<Self> {
        let batches = open_shard(path)?;
        let schema = batches.schema();
        let names = || schema.fields().iter().map(|field| format!("`{}`", field.name())).collect::<Vec<_>>().join(", ");
        let column = |named: Option<&str>, known: &[&str], option: &str| {
            let found = named.or_else(|| known.iter().copied().find(|name| schema.column_with_name(name).is_some()));
            let found = found.filter(|name| schema.column_with_name(name).is_some());
            found.map(str::to_owned).with_context(|| {
                format!(
                    "no column `{}`, expected lists of tokens and tags; it has {}; name another with {option}",
                    named.unwrap_or(known[0]),
                    names()
                )
            })
        };
        ensure!(
            schema.column_with_name("spans").is_none() || schema.column_with_name("query").is_none(),
            "is a shard of triples; expected a corpus, with the columns `tokens` and `ner_tags`"
        );
        let tokens = column(options.text_field, &TOKEN_FIELDS, "--text-field")?;
        let tags = column(options.label_field, &TAG_FIELDS, "--label-field")?;
        check_list(&schema, &tokens, &[DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View])?;
        let own_names = hf_rows::read_metadata(path)?.and_then(|metadata| hf_labels::of_metadata(&metadata, &tags));
        let class_names = own_names.or_else(|| options.class_names.map(<[String]>::to_vec));
        Ok(Self {
            batches: Box::new(batches),
            options: options.clone(),
            class_names,
            tokens,
            tags,
            rows: Vec::new().into_iter(),
            row: 0,
            next_number: 0,
            counts: Counter::default(),
        })
    }

    fn next_row(&mut self) -> Result<Option<TokenRow>, ArrowError> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(batch) = self.batches.next() else { return Ok(None) };
            self.rows = self.rows_of(&batch?)?.into_iter();
        }
    }

    fn rows_of(&self, batch: &RecordBatch) -> Result<Vec<TokenRow>, ArrowError> {
        let column = |name: &str, item: DataType| {
            let column = batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column `{name}`")))?;
            cast(column, &DataType::List(Arc::new(Field::new("item", item, true))))
        };
        let is_text = batch.column_by_name(&self.tags).is_some_and(|column| holds_text(column.data_type()));
        let tokens = column(&self.tokens, DataType::Utf8)?;
        let tags = column(&self.tags, if is_text { DataType::Utf8 } else { DataType::Int64 })?;
        let (tokens, tags) = (tokens.as_list::<i32>(), tags.as_list::<i32>());
        let rows = (0..batch.num_rows()).map(|row| {
            let tags = match is_text {
                true => texts(tags, row).into_iter().map(RawTag::Name).collect(),
                false => numbers(tags, row).into_iter().map(RawTag::Number).collect(),
            };
            (texts(tokens, row), tags)
        });
        Ok(rows.collect())
    }
}

/// Checks that a column holds lists of these types.
fn check_list(schema: &Schema, name: &str, items: &[DataType]) -> anyhow::Result<()> {
    let found = schema.field_with_name(name)?.data_type();
    match found {
        DataType::List(item) | DataType::LargeList(item) if items.contains(item.data_type()) => Ok(()),
        other => bail!("column `{name}` is {other}, expected a list of tokens"),
    }
}

fn holds_text(list: &DataType) -> bool {
    matches!(list, DataType::List(item) | DataType::LargeList(item) if !item.data_type().is_integer())
}

/// The strings of a row; none where it is null.
fn texts(list: &ListArray, row: usize) -> Vec<String> {
    if list.is_null(row) {
        return Vec::new();
    }
    list.value(row).as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect()
}

/// The numbers of a row; −1, which has no name, where one is null.
fn numbers(list: &ListArray, row: usize) -> Vec<i64> {
    if list.is_null(row) {
        return Vec::new();
    }
    list.value(row).as_primitive::<Int64Type>().iter().map(|number| number.unwrap_or(-1)).collect()
}

impl CorpusReader for HfParquetReader<'_> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        loop {
            let row = self.row + 1;
            let read = self.next_row().map_err(|source| CorpusReadError::Io { line: row, source: std::io::Error::other(source) })?;
            let Some((tokens, tags)) = read else { return Ok(None) };
            self.row = row;
            if tokens.is_empty() && tags.is_empty() {
                self.counts.skip("empty");
                continue;
            }
            let number = self.next_number;
            self.next_number += 1;
            let tags = tags.into_iter().map(|tag| (tag, row)).collect();
            return Ok(Some(match annotate(tokens, tags, self.options.tag_rules(), self.class_names.as_deref()) {
                Ok((annotation, notes)) => {
                    self.counts.keep();
                    ReadSentence::Read(AnnotatedSentence { number, line: row, annotation, questions: Vec::new(), notes })
                }
                Err((_, reason, detail)) => {
                    self.counts.skip(reason);
                    ReadSentence::Skipped(MalformedSentence { line: row, reason, detail: format!("row {row}: {detail}"), ends_run: true })
                }
            }));
        }
    }

    fn sentences(&self) -> &Counter {
        &self.counts
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("rows", &self.counts)
    }

    fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }
}
