//! The [`Row`] trait: a row type, its Arrow schema, and how its columns are stored.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::offsets::CharSlicer;

/// Version of the schemas in this crate, stored in every shard's metadata and in every manifest.
pub const SCHEMA_VERSION: u32 = 1;

/// A row of one of the schemas.
///
/// Column policy: the encodings, dictionaries and statistics of the columns are constants here.
///
/// Implemented by [`Page`](crate::Page), [`Triple`](crate::Triple) and [`Name`](crate::Name). The shard writer takes everything it needs to know
/// about a schema from here; it knows no column name. Columns are named by their Parquet path, such as
/// `spans.list.item.text`.
pub trait Row: Sized {
    /// Name of the schema in manifests and in the shards' metadata.
    const SCHEMA_NAME: &'static str;
    /// Rows in a row group: what a reader holds at once, and what a trainer shuffles.
    const ROW_GROUP_ROWS: usize;
    /// Columns without a dictionary: their values seldom repeat, so that a dictionary costs time and saves no space.
    const NO_DICTIONARY: &'static [&'static str];
    /// Columns without minimum and maximum: those of running text, whose alphabetical order helps no query.
    const NO_STATISTICS: &'static [&'static str];
    /// Columns stored as differences (`DELTA_BINARY_PACKED`, no dictionary): ascending offsets.
    const DELTA_ENCODED: &'static [&'static str];
    /// The Arrow schema.
    fn schema() -> SchemaRef;
    /// The rows as one batch of [`Self::schema`].
    fn to_batch(rows: &[Self]) -> RecordBatch;
    /// The rows of a batch.
    ///
    /// # Errors
    /// [`RowError::Column`] for a column that is missing or has another type.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError>;
    /// Approximate size in memory, in bytes.
    fn memory_bytes(&self) -> usize;
    /// Checks the invariants of the schema: each span's slice of the text equals the text it carries, and so on.
    ///
    /// # Errors
    /// The first violation.
    fn check(&self) -> Result<(), RowError>;
}

/// A batch that does not fit its schema, or a row that violates an invariant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// A column is missing, or has another type or value than the schema allows.
    #[error("column `{column}` is {found}, expected {expected}")]
    Column {
        /// Name of the column.
        column: String,
        /// What the batch has.
        found: String,
        /// What the schema says.
        expected: String,
    },
    /// A value contradicts the other values of its row.
    #[error("{row}: column `{column}` is {found}, expected {expected}")]
    Value {
        /// The row.
        row: String,
        /// Name of the column.
        column: &'static str,
        /// The value.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A segment, an anchor or a sentence overlaps the one before it or reaches outside what contains it.
    #[error("page {page}: {item} {start}..{end} must lie within {allowed_start}..{allowed_end}")]
    OutOfPlace {
        /// Title of the page.
        page: String,
        /// `segment`, `anchor` or `sentence`.
        item: &'static str,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
        /// Where it may start: at the end of the one before it, or at the start of what contains it.
        allowed_start: u32,
        /// Where it must end: at the end of what contains it.
        allowed_end: u32,
    },
    /// Prose lies in no sentence.
    #[error("page {page}: prose at {start}..{end} lies in no sentence")]
    ProseOutsideSentence {
        /// Title of the page.
        page: String,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
    },
    /// A span's slice of the text differs from the text it carries, or the span lies outside the text.
    #[error("{row}: span {start}..{end} is {found:?} in the text but carries {carried:?}")]
    SpanMismatch {
        /// The row: id of a triple or title of a page.
        row: String,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
        /// The slice; `None` where the offsets lie outside the text.
        found: Option<String>,
        /// The text that the span carries.
        carried: String,
    },
}

/// Checks that a span's slice of the text equals the text it carries.
pub(crate) fn check_span(row: &str, slicer: &mut CharSlicer<'_>, start: u32, end: u32, text: &str) -> Result<(), RowError> {
    let found = slicer.slice(start, end);
    if found == Some(text) {
        return Ok(());
    }
    Err(RowError::SpanMismatch { row: row.to_owned(), start, end, found: found.map(str::to_owned), carried: text.to_owned() })
}
