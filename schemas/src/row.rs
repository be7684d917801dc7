//! Typed rows to and from Arrow record batches.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray, StringBuilder, StructArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Fields, Int32Type, SchemaRef};

/// A row of one of the schemas.
///
/// Implemented by [`Page`](crate::Page) and [`Triple`](crate::Triple).
pub trait Row: Sized {
    /// Name of the schema, as the manifest gives it.
    const SCHEMA: &'static str;
    /// Rows of a row group: what a reader holds at once, and what a trainer shuffles.
    const ROWS_PER_GROUP: usize;
    /// The Arrow schema.
    fn schema() -> SchemaRef;
    /// The rows as one batch of [`Self::schema`].
    fn to_batch(rows: &[Self]) -> RecordBatch;
    /// The rows of a batch.
    ///
    /// # Errors
    /// A column that is missing or has another type, by name.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError>;
    /// About how many bytes of memory it takes.
    fn size(&self) -> usize;
    /// Checks what must hold in every row: each span's slice equals its text.
    ///
    /// # Errors
    /// The first span for which it does not hold.
    fn check(&self) -> Result<(), RowError>;
}

/// What can be wrong with a row or a batch.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// A column is absent or has another type than the schema says.
    #[error("column `{column}` is {found}, expected {expected}")]
    Column {
        /// Name of the column.
        column: String,
        /// What the batch has.
        found: String,
        /// What the schema says.
        expected: String,
    },
    /// A segment, an anchor or a sentence does not lie where it may.
    #[error("{page}: {part} {start}..{end} does not lie within {from}..{until}, where the next one may")]
    Part {
        /// The page's title.
        page: String,
        /// What it is.
        part: &'static str,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
        /// From where on it may lie: where the one before it ends, or what it is a part of begins.
        from: u32,
        /// Where what it is a part of ends.
        until: u32,
    },
    /// Prose is in no sentence.
    #[error("{page}: prose at {start}..{end} is in no sentence")]
    NoSentence {
        /// The page's title.
        page: String,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
    },
    /// A span's slice of the text differs from the text it carries.
    #[error("{row}: span {start}..{end} reads {found:?} in the text but carries {carried:?}")]
    Span {
        /// Which row: a triple's id or a page's title.
        row: String,
        /// First char.
        start: u32,
        /// One past the last char.
        end: u32,
        /// The slice; nothing where the offsets lie outside the text.
        found: Option<String>,
        /// The span's own text.
        carried: String,
    },
}

/// The slice `[start, end)` of `text`, in chars; nothing where it lies outside the text or is empty.
pub fn char_slice(text: &str, start: u32, end: u32) -> Option<&str> {
    CharSlicer::new(text).slice(start, end)
}

/// Slices one text many times by char offsets; spans in ascending order cost one walk over the text together.
pub struct CharSlicer<'a> {
    text: &'a str,
    ascii: bool,
    /// Where the last slice began and ended, each in chars and bytes.
    last: [(u32, usize); 2],
}

impl<'a> CharSlicer<'a> {
    /// A slicer at the text's start.
    pub fn new(text: &'a str) -> Self {
        Self { text, ascii: text.is_ascii(), last: [(0, 0); 2] }
    }

    /// The same for a text of so many chars.
    pub fn of_chars(text: &'a str, chars: u32) -> Self {
        Self { text, ascii: text.len() == chars as usize, last: [(0, 0); 2] }
    }

    /// The slice `[start, end)`; nothing where it is empty or outside the text.
    pub fn slice(&mut self, start: u32, end: u32) -> Option<&'a str> {
        self.bytes(start, end).map(|bytes| &self.text[bytes])
    }

    /// Where that slice lies in bytes.
    pub fn bytes(&mut self, start: u32, end: u32) -> Option<Range<usize>> {
        if start >= end {
            return None;
        }
        if self.ascii {
            return (end as usize <= self.text.len()).then_some(start as usize..end as usize);
        }
        let from = self.last.into_iter().rev().find(|&(chars, _)| chars <= start).unwrap_or_default();
        let begun = self.forward(from, start)?;
        let ended = self.forward(begun, end)?;
        self.last = [begun, ended];
        Some(begun.1..ended.1)
    }

    fn forward(&self, (chars, bytes): (u32, usize), to: u32) -> Option<(u32, usize)> {
        Some((to, bytes + byte_offset(&self.text[bytes..], to - chars)?))
    }
}

/// Where the `chars`-th char of `text` begins, in bytes; the text's length for one past the last.
fn byte_offset(text: &str, chars: u32) -> Option<usize> {
    /// Passes over bytes by so many together, and over the chars that begin in them: those that are no continuation.
    fn pass<const N: usize>(rest: &mut &[u8], chars: &mut usize) {
        while let Some((stride, after)) = rest.split_first_chunk::<N>()
            && let begun = stride.iter().map(|&byte| u8::from(byte as i8 >= -0x40)).sum::<u8>()
            && let Some(left) = chars.checked_sub(usize::from(begun))
        {
            (*rest, *chars) = (after, left);
        }
    }
    let (mut rest, mut chars) = (text.as_bytes(), chars as usize);
    pass::<32>(&mut rest, &mut chars);
    pass::<8>(&mut rest, &mut chars);
    let at = text.len() - rest.len();
    for (byte, _) in rest.iter().enumerate().filter(|&(_, &byte)| byte as i8 >= -0x40) {
        if chars == 0 {
            return Some(at + byte);
        }
        chars -= 1;
    }
    (chars == 0).then_some(text.len())
}

pub(crate) fn check_span(row: &str, slicer: &mut CharSlicer<'_>, start: u32, end: u32, text: &str) -> Result<(), RowError> {
    let found = slicer.slice(start, end);
    if found == Some(text) {
        return Ok(());
    }
    Err(RowError::Span { row: row.to_owned(), start, end, found: found.map(str::to_owned), carried: text.to_owned() })
}

/// Type of a column of few distinct strings.
pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

pub(crate) fn list_of(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)))
}

/// A dictionary column as it grows: values in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    keys: Vec<i32>,
    distinct: Vec<String>,
}

impl Keys {
    pub(crate) fn push(&mut self, value: &str) {
        // Few distinct values by definition, so a scan beats a hash; most often they go round in their order, or stay the same.
        let is = |&at: &usize| self.distinct.get(at).is_some_and(|seen| seen == value);
        let last = self.keys.last().map_or(0, |&key| key as usize);
        let next = if last + 1 < self.distinct.len() { last + 1 } else { 0 };
        let at = [next, last].into_iter().find(is).or_else(|| (0..self.distinct.len()).find(is)).unwrap_or_else(|| {
            self.distinct.push(value.to_owned());
            self.distinct.len() - 1
        });
        self.keys.push(i32::try_from(at).expect("fewer distinct values than rows of a batch"));
    }

    pub(crate) fn finish(self) -> ArrayRef {
        let values = StringArray::from_iter_values(self.distinct);
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(self.keys), Arc::new(values)))
    }
}

/// A dictionary column.
pub(crate) fn dictionary_array<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    let mut keys = Keys::default();
    values.into_iter().for_each(|value| keys.push(value));
    keys.finish()
}

pub(crate) fn string_array<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(crate) fn optional_string_array<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    values.into_iter().for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

pub(crate) fn u32_array(values: impl IntoIterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values))
}

/// A list column over `items`, the lengths of the lists in row order.
pub(crate) fn list_array(field: &Field, lengths: impl IntoIterator<Item = usize>, items: ArrayRef) -> ArrayRef {
    let DataType::List(item) = field.data_type() else { unreachable!("only called for list fields") };
    Arc::new(ListArray::new(item.clone(), OffsetBuffer::from_lengths(lengths), items, None::<NullBuffer>))
}

pub(crate) fn struct_array(fields: Fields, columns: Vec<ArrayRef>) -> ArrayRef {
    Arc::new(StructArray::new(fields, columns, None))
}

/// Reads columns by name and says which one does not fit.
pub(crate) struct Columns<'a>(Vec<(&'a str, &'a ArrayRef)>);

impl<'a> Columns<'a> {
    pub(crate) fn of_batch(batch: &'a RecordBatch) -> Self {
        Self(batch.schema_ref().fields().iter().map(|field| field.name().as_str()).zip(batch.columns()).collect())
    }

    pub(crate) fn of_struct(array: &'a StructArray) -> Self {
        Self(array.fields().iter().map(|field| field.name().as_str()).zip(array.columns()).collect())
    }

    fn column(&self, name: &str, expected: &str) -> Result<&'a ArrayRef, RowError> {
        let found = self.0.iter().find(|(column, _)| *column == name).map(|(_, array)| *array);
        found.ok_or_else(|| mismatch(name, "missing", expected))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Strings<'a>, RowError> {
        let array = self.column(name, "Utf8")?;
        let found = array.data_type();
        match found {
            DataType::Utf8 => Ok(Strings::Plain(array.as_string())),
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => array
                .as_dictionary_opt::<Int32Type>()
                .map(|keys| Strings::Keyed(keys.keys(), keys.values().as_string()))
                .ok_or_else(|| mismatch(name, &found.to_string(), "Utf8 or Dictionary(Int32, Utf8)")),
            _ => Err(mismatch(name, &found.to_string(), "Utf8 or Dictionary(Int32, Utf8)")),
        }
    }

    pub(crate) fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a arrow::array::PrimitiveArray<T>, RowError> {
        let array = self.column(name, &T::DATA_TYPE.to_string())?;
        array.as_primitive_opt::<T>().ok_or_else(|| mismatch(name, &array.data_type().to_string(), &T::DATA_TYPE.to_string()))
    }

    pub(crate) fn booleans(&self, name: &str) -> Result<&'a arrow::array::BooleanArray, RowError> {
        let array = self.column(name, "Boolean")?;
        array.as_boolean_opt().ok_or_else(|| mismatch(name, &array.data_type().to_string(), "Boolean"))
    }

    pub(crate) fn list(&self, name: &str) -> Result<&'a ListArray, RowError> {
        let array = self.column(name, "List")?;
        array.as_list_opt::<i32>().ok_or_else(|| mismatch(name, &array.data_type().to_string(), "List"))
    }

    pub(crate) fn structs(&self, name: &str) -> Result<(&'a ListArray, &'a StructArray), RowError> {
        let list = self.list(name)?;
        let items = list.values().as_struct_opt().ok_or_else(|| mismatch(name, &list.data_type().to_string(), "List(Struct)"))?;
        Ok((list, items))
    }
}

fn mismatch(column: &str, found: &str, expected: &str) -> RowError {
    RowError::Column { column: column.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
}

/// A string column, plain or keyed: a shard rewritten by polars or DuckDB may have lost its dictionary.
pub(crate) enum Strings<'a> {
    Plain(&'a StringArray),
    Keyed(&'a Int32Array, &'a StringArray),
}

impl<'a> Strings<'a> {
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Keyed(keys, values) => {
                keys.is_valid(row).then(|| values.value(usize::try_from(keys.value(row)).expect("dictionary keys are not negative")))
            }
        }
    }

    /// The value, or an empty string for a null: nothing in the schemas is null that is not said to be.
    pub(crate) fn text(&self, row: usize) -> Cow<'a, str> {
        Cow::Borrowed(self.get(row).unwrap_or_default())
    }

    /// The same, as a string of its own.
    pub(crate) fn owned(&self, row: usize) -> String {
        self.text(row).into_owned()
    }
}

/// The items of a list column that belong to a row.
pub(crate) fn range(list: &ListArray, row: usize) -> Range<usize> {
    let offsets = list.value_offsets();
    let at = |index: usize| usize::try_from(offsets[index]).expect("list offsets are not negative");
    at(row)..at(row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_by_chars() {
        let mut text = CharSlicer::new("北京 is 大");
        assert_eq!(text.slice(0, 2), Some("北京"));
        assert_eq!(text.slice(3, 5), Some("is"));
        assert_eq!(text.slice(6, 7), Some("大"));
        assert_eq!(text.slice(1, 2), Some("京"), "going back is allowed");
        assert_eq!(text.slice(1, 4), Some("京 i"), "from the same start");
        assert_eq!(text.slice(2, 3), Some(" "), "from within");
        assert_eq!(CharSlicer::of_chars("北京", 2).bytes(1, 2), Some(3..6));
        assert_eq!(text.slice(6, 8), None, "past the end");
        assert_eq!(text.slice(2, 2), None, "empty");
        assert_eq!(char_slice("abc", 1, 3), Some("bc"));
        assert_eq!(char_slice("abc", 1, 4), None);
    }
}
