//! Triples read as borrowed rows, without a string of their own for each value.

use arrow::array::{Array, BooleanArray, ListArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt32Type};

use crate::columns::reader::{ColumnReader, StringColumn, list_range};
use crate::offsets::CharSlicer;
use crate::row::RowError;
use crate::span::{Origin, SPAN_FIELDS, Span, trimmed};
use crate::triple_columns::SCHEMA;

/// The rows of a batch of triples, borrowed from it.
///
/// Cost: columns are looked up and their types checked once a batch; a row is then read by index, without allocation.
/// With a projection ([`new`](Self::new)), the batch needs only some columns: those read with
/// [`ShardFolder::batches`](crate::ShardFolder::batches). `spans.start` and `spans.end` name the offsets of the spans alone.
///
/// ```
/// use schemas::{Row, Triple, TripleViews};
///
/// let triple = Triple { context: "Clara lives in Oslo.".into(), label: "LOC".into(), ..Triple::default() };
/// let batch = Triple::to_batch(&[triple]);
/// let rows = TripleViews::new(&batch, &["label", "context"])?;
/// for row in rows.iter() {
///     assert_eq!((row.label(), row.context()), ("LOC", "Clara lives in Oslo."));
/// }
/// # Ok::<(), schemas::RowError>(())
/// ```
pub struct TripleViews<'a> {
    rows: usize,
    id: Option<StringColumn<'a>>,
    doc: Option<StringColumn<'a>>,
    sentence: Option<&'a PrimitiveArray<UInt32Type>>,
    lang: Option<StringColumn<'a>>,
    label: Option<StringColumn<'a>>,
    query: Option<StringColumn<'a>>,
    context: Option<StringColumn<'a>>,
    span_offsets: Option<SpanOffsets<'a>>,
    span_values: Option<SpanValues<'a>>,
    impossible: Option<&'a BooleanArray>,
}

impl<'a> TripleViews<'a> {
    /// The rows of a batch that has at least `columns`.
    ///
    /// # Errors
    /// [`RowError::Column`] where one of `columns` is missing, has another type, or is no column of the schema; an unknown
    /// origin of a span.
    pub fn new(batch: &'a RecordBatch, columns: &[&str]) -> Result<Self, RowError> {
        if let Some(unknown) = columns.iter().find(|name| !is_column(name)) {
            let (column, found) = ((*unknown).to_owned(), "no column of triples".to_owned());
            let names: Vec<&str> = SCHEMA.fields().iter().map(|field| field.name().as_str()).collect();
            return Err(RowError::Column { column, found, expected: format!("one of {}", names.join(", ")) });
        }
        let reader = ColumnReader::of_batch(batch);
        let is_wanted = |name: &str| columns.contains(&name);
        let strings = |name| is_wanted(name).then(|| reader.strings(name)).transpose();
        let all_of_spans = is_wanted("spans");
        let offsets_of_spans = all_of_spans || (is_wanted("spans.start") && is_wanted("spans.end"));
        Ok(Self {
            rows: batch.num_rows(),
            id: strings("id")?,
            doc: strings("doc")?,
            sentence: is_wanted("sentence").then(|| reader.primitive("sentence")).transpose()?,
            lang: strings("lang")?,
            label: strings("label")?,
            query: strings("query")?,
            context: strings("context")?,
            span_offsets: offsets_of_spans.then(|| SpanOffsets::new(&reader)).transpose()?,
            span_values: all_of_spans.then(|| SpanValues::new(&reader)).transpose()?,
            impossible: is_wanted("impossible").then(|| reader.booleans("impossible")).transpose()?,
        })
    }

    /// The rows of a batch that has all columns of the schema.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_all_columns(batch: &'a RecordBatch) -> Result<Self, RowError> {
        let columns: Vec<&str> = SCHEMA.fields().iter().map(|field| field.name().as_str()).collect();
        Self::new(batch, &columns)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The row at an index.
    ///
    /// # Panics
    /// The index is not below [`len`](Self::len).
    pub fn get(&self, row: usize) -> TripleView<'_> {
        assert!(row < self.rows, "row {row} of a batch of {} rows", self.rows);
        TripleView { columns: self, row }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TripleView<'_>> {
        (0..self.rows).map(|row| TripleView { columns: self, row })
    }
}

/// A triple, borrowed from a batch.
///
/// # Panics
/// Each method panics where its column was not named in [`TripleViews::new`].
#[derive(Clone, Copy)]
pub struct TripleView<'a> {
    columns: &'a TripleViews<'a>,
    row: usize,
}

impl<'a> TripleView<'a> {
    /// As [`Triple::id`](crate::Triple::id).
    pub fn id(self) -> &'a str {
        self.text("id", self.columns.id.as_ref())
    }

    /// Title of the page or name of the file.
    pub fn doc(self) -> &'a str {
        self.text("doc", self.columns.doc.as_ref())
    }

    /// Number of the sentence in the document.
    pub fn sentence(self) -> u32 {
        loaded("sentence", self.columns.sentence).value(self.row)
    }

    /// Language code.
    pub fn lang(self) -> &'a str {
        self.text("lang", self.columns.lang.as_ref())
    }

    /// The label that the query asks for.
    pub fn label(self) -> &'a str {
        self.text("label", self.columns.label.as_ref())
    }

    /// The query.
    pub fn query(self) -> &'a str {
        self.text("query", self.columns.query.as_ref())
    }

    /// The sentence.
    pub fn context(self) -> &'a str {
        self.text("context", self.columns.context.as_ref())
    }

    /// The spans, by offset.
    pub fn spans(self) -> impl ExactSizeIterator<Item = SpanView<'a>> {
        let values = loaded("spans", self.columns.span_values.as_ref());
        let offsets = loaded("spans", self.columns.span_offsets.as_ref());
        list_range(offsets.list, self.row).map(|item| values.get(offsets, item))
    }

    /// Start and end of each span. Of the spans, it needs the columns `spans.start` and `spans.end` alone.
    pub fn span_offsets(self) -> impl ExactSizeIterator<Item = (u32, u32)> {
        let offsets = loaded("spans.start` and `spans.end", self.columns.span_offsets.as_ref());
        list_range(offsets.list, self.row).map(|item| offsets.get(item))
    }

    /// Start, end and text of each span without white space at its ends, as [`Span::trim`]. Of the spans, it needs the columns
    /// `spans.start` and `spans.end` alone: texts are sliced from the context. The text of a span that reaches outside it is empty.
    pub fn trimmed_spans(self) -> impl ExactSizeIterator<Item = (u32, u32, &'a str)> {
        let mut context = CharSlicer::new(self.context());
        self.span_offsets().map(move |(start, end)| match context.slice(start, end) {
            Some(text) => trimmed(start, end, text),
            None => (start, end, ""),
        })
    }

    /// Whether the context has no span of this label.
    pub fn impossible(self) -> bool {
        loaded("impossible", self.columns.impossible).value(self.row)
    }

    fn text(self, name: &str, column: Option<&StringColumn<'a>>) -> &'a str {
        loaded(name, column).value(self.row)
    }
}

fn loaded<T>(name: &str, column: Option<T>) -> T {
    column.unwrap_or_else(|| panic!("column `{name}` was not named when the batch was opened"))
}

/// A span, borrowed from a batch; fields as in [`Span`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanView<'a> {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The slice of the context.
    pub text: &'a str,
    /// Where the span comes from.
    pub origin: Origin,
    /// Confidence, from 0 to 1, where the origin gives one.
    pub score: Option<f32>,
}

impl SpanView<'_> {
    /// An owned copy.
    pub fn to_span(self) -> Span {
        Span { start: self.start, end: self.end, text: self.text.to_owned(), origin: self.origin, score: self.score }
    }
}

/// Whether a name is that of a column, or of a field of the spans.
fn is_column(name: &str) -> bool {
    match name.strip_prefix("spans.") {
        Some(field) => SPAN_FIELDS.find(field).is_some(),
        None => SCHEMA.field_with_name(name).is_ok(),
    }
}

struct SpanOffsets<'a> {
    list: &'a ListArray,
    start: &'a PrimitiveArray<UInt32Type>,
    end: &'a PrimitiveArray<UInt32Type>,
}

impl<'a> SpanOffsets<'a> {
    fn new(reader: &ColumnReader<'a>) -> Result<Self, RowError> {
        let (list, items) = reader.structs("spans")?;
        let reader = ColumnReader::of_struct(items);
        Ok(Self { list, start: reader.primitive("start")?, end: reader.primitive("end")? })
    }

    fn get(&self, item: usize) -> (u32, u32) {
        (self.start.value(item), self.end.value(item))
    }
}

/// The fields of spans beside their offsets.
struct SpanValues<'a> {
    text: StringColumn<'a>,
    /// Parsed once, so that reading a row cannot fail.
    origins: Vec<Origin>,
    score: &'a PrimitiveArray<Float32Type>,
}

impl<'a> SpanValues<'a> {
    fn new(reader: &ColumnReader<'a>) -> Result<Self, RowError> {
        let (_, items) = reader.structs("spans")?;
        let reader = ColumnReader::of_struct(items);
        let origin = reader.strings("origin")?;
        let parse = |item| {
            let name = origin.value(item);
            Origin::from_name(name).ok_or_else(|| RowError::Column {
                column: "spans.origin".to_owned(),
                found: format!("`{name}`"),
                expected: "anchor, repeat, gazetteer, gold or model".to_owned(),
            })
        };
        Ok(Self {
            text: reader.strings("text")?,
            origins: (0..items.len()).map(parse).collect::<Result<_, _>>()?,
            score: reader.primitive("score")?,
        })
    }

    fn get(&self, offsets: &SpanOffsets<'_>, item: usize) -> SpanView<'_> {
        let (start, end) = offsets.get(item);
        SpanView {
            start,
            end,
            text: self.text.value(item),
            origin: self.origins[item],
            score: self.score.is_valid(item).then(|| self.score.value(item)),
        }
    }
}
