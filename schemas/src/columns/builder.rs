//! Arrow columns built from values.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, ListArray, StringArray, StringBuilder, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type};

/// Type of a column of few distinct strings.
pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Type of a list of structs.
pub(crate) fn list_of(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)))
}

/// Builds a dictionary column of few distinct strings, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct DictionaryBuilder {
    keys: Vec<i32>,
    values: Vec<String>,
}

impl DictionaryBuilder {
    pub(crate) fn push(&mut self, value: &str) {
        // A scan beats a hash for few distinct values. Labels and queries repeat in the query set's order, languages do not
        // change: the next or the same key fits most of the time.
        let matches = |&key: &usize| self.values.get(key).is_some_and(|known| known == value);
        let last = self.keys.last().map_or(0, |&key| key as usize);
        let next = if last + 1 < self.values.len() { last + 1 } else { 0 };
        let key = [next, last].into_iter().find(matches).or_else(|| (0..self.values.len()).find(matches)).unwrap_or_else(|| {
            self.values.push(value.to_owned());
            self.values.len() - 1
        });
        self.keys.push(i32::try_from(key).expect("fewer distinct values than rows of a batch"));
    }

    pub(crate) fn finish(self) -> ArrayRef {
        let values = StringArray::from_iter_values(self.values);
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(self.keys), Arc::new(values)))
    }
}

pub(crate) fn dictionary_array<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    let mut builder = DictionaryBuilder::default();
    values.into_iter().for_each(|value| builder.push(value));
    builder.finish()
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

/// A list column over `items`, with the length of each row's list.
pub(crate) fn list_array(field: &Field, lengths: impl IntoIterator<Item = usize>, items: ArrayRef) -> ArrayRef {
    let DataType::List(item) = field.data_type() else { unreachable!("only called for list fields") };
    Arc::new(ListArray::new(item.clone(), OffsetBuffer::from_lengths(lengths), items, None::<NullBuffer>))
}

pub(crate) fn struct_array(fields: Fields, columns: Vec<ArrayRef>) -> ArrayRef {
    Arc::new(StructArray::new(fields, columns, None))
}
