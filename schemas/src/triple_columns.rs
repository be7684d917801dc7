//! The Arrow schema of triples, and its columns as they are filled.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringBuilder, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::columns::builder::{DictionaryBuilder, dictionary, list_array, list_of, struct_array};
use crate::span::{Origin, SPAN_FIELDS};
use crate::triple_header::{SpanInput, TripleHeader};

/// The Arrow schema of triples.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("doc", DataType::Utf8, false),
        Field::new("sentence", DataType::UInt32, false),
        Field::new("lang", dictionary(), false),
        Field::new("label", dictionary(), false),
        Field::new("query", dictionary(), false),
        Field::new("context", DataType::Utf8, false),
        Field::new("spans", list_of(SPAN_FIELDS.clone()), false),
        Field::new("impossible", DataType::Boolean, false),
    ]))
});

/// The columns of a batch of triples while rows are appended.
#[derive(Debug, Default)]
pub(crate) struct TripleColumns {
    id: StringBuilder,
    doc: StringBuilder,
    sentence: Vec<u32>,
    lang: DictionaryBuilder,
    label: DictionaryBuilder,
    query: DictionaryBuilder,
    context: StringBuilder,
    /// Number of spans of each row.
    span_counts: Vec<usize>,
    impossible: Vec<bool>,
    spans: SpanColumns,
    memory_bytes: usize,
}

#[derive(Debug, Default)]
struct SpanColumns {
    starts: Vec<u32>,
    ends: Vec<u32>,
    texts: StringBuilder,
    origins: StringBuilder,
    scores: Vec<Option<f32>>,
}

impl TripleColumns {
    /// Appends a span of the row that [`push_row`](Self::push_row) appends next.
    pub(crate) fn push_span(&mut self, start: u32, end: u32, text: &str, origin: Origin, score: Option<f32>) {
        self.spans.starts.push(start);
        self.spans.ends.push(end);
        self.spans.texts.append_value(text);
        self.spans.origins.append_value(origin.name());
        self.spans.scores.push(score);
        self.memory_bytes += size_of::<SpanInput>() + text.len();
    }

    /// Appends a row whose last `spans` spans were appended before.
    pub(crate) fn push_row(&mut self, header: &TripleHeader<'_>, spans: usize, impossible: bool) {
        let TripleHeader { id, doc, sentence, lang, label, query, context } = *header;
        self.id.append_value(id);
        self.doc.append_value(doc);
        self.sentence.push(sentence);
        self.lang.push(lang);
        self.label.push(label);
        self.query.push(query);
        self.context.append_value(context);
        self.span_counts.push(spans);
        self.impossible.push(impossible);
        self.memory_bytes += size_of::<TripleHeader<'_>>() + id.len() + doc.len() + context.len();
    }

    /// Number of spans of all rows.
    pub(crate) fn span_count(&self) -> usize {
        self.spans.starts.len()
    }

    /// Approximate size in memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Makes a batch of the rows, and starts anew.
    pub(crate) fn take_batch(&mut self) -> RecordBatch {
        let Self { mut id, mut doc, sentence, lang, label, query, mut context, span_counts, impossible, mut spans, .. } =
            std::mem::take(self);
        let items: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(spans.starts)),
            Arc::new(UInt32Array::from(spans.ends)),
            Arc::new(spans.texts.finish()),
            Arc::new(spans.origins.finish()),
            Arc::new(Float32Array::from(spans.scores)),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(id.finish()),
            Arc::new(doc.finish()),
            Arc::new(UInt32Array::from(sentence)),
            lang.finish(),
            label.finish(),
            query.finish(),
            Arc::new(context.finish()),
            list_array(SCHEMA.field(7), span_counts, struct_array(SPAN_FIELDS.clone(), items)),
            Arc::new(BooleanArray::from(impossible)),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("columns are built from the schema")
    }
}
