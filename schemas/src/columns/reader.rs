//! Arrow columns read by name.

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, PrimitiveArray, RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type};

use crate::row::RowError;

/// Finds the columns of a batch or a struct by name; its errors name the column that does not fit.
pub(crate) struct ColumnReader<'a>(Vec<(&'a str, &'a ArrayRef)>);

impl<'a> ColumnReader<'a> {
    pub(crate) fn of_batch(batch: &'a RecordBatch) -> Self {
        Self(batch.schema_ref().fields().iter().map(|field| field.name().as_str()).zip(batch.columns()).collect())
    }

    pub(crate) fn of_struct(array: &'a StructArray) -> Self {
        Self(array.fields().iter().map(|field| field.name().as_str()).zip(array.columns()).collect())
    }

    /// Whether there is a column of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(column, _)| *column == name)
    }

    fn column(&self, name: &str, expected: &str) -> Result<&'a ArrayRef, RowError> {
        let found = self.0.iter().find(|(column, _)| *column == name).map(|(_, array)| *array);
        found.ok_or_else(|| mismatch(name, "missing", expected))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<StringColumn<'a>, RowError> {
        let array = self.column(name, "Utf8")?;
        let found = array.data_type();
        match found {
            DataType::Utf8 => Ok(StringColumn::Plain(array.as_string())),
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => array
                .as_dictionary_opt::<Int32Type>()
                .map(|dictionary| StringColumn::Dictionary(dictionary.keys(), dictionary.values().as_string()))
                .ok_or_else(|| mismatch(name, &found.to_string(), "Utf8 or Dictionary(Int32, Utf8)")),
            _ => Err(mismatch(name, &found.to_string(), "Utf8 or Dictionary(Int32, Utf8)")),
        }
    }

    pub(crate) fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, RowError> {
        let array = self.column(name, &T::DATA_TYPE.to_string())?;
        array.as_primitive_opt::<T>().ok_or_else(|| mismatch(name, &array.data_type().to_string(), &T::DATA_TYPE.to_string()))
    }

    pub(crate) fn booleans(&self, name: &str) -> Result<&'a BooleanArray, RowError> {
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

    pub(crate) fn u32_lists(&self, name: &str) -> Result<(&'a ListArray, &'a UInt32Array), RowError> {
        let list = self.list(name)?;
        let items = list.values().as_primitive_opt().ok_or_else(|| mismatch(name, &list.data_type().to_string(), "List(UInt32)"))?;
        Ok((list, items))
    }

    pub(crate) fn string_lists(&self, name: &str) -> Result<(&'a ListArray, &'a StringArray), RowError> {
        let list = self.list(name)?;
        let items = list.values().as_string_opt().ok_or_else(|| mismatch(name, &list.data_type().to_string(), "List(Utf8)"))?;
        Ok((list, items))
    }
}

fn mismatch(column: &str, found: &str, expected: &str) -> RowError {
    RowError::Column { column: column.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
}

/// A string column, plain or dictionary-encoded: a shard rewritten by polars or DuckDB may have lost its dictionary.
pub(crate) enum StringColumn<'a> {
    Plain(&'a StringArray),
    /// Keys and values.
    Dictionary(&'a Int32Array, &'a StringArray),
}

impl<'a> StringColumn<'a> {
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Dictionary(keys, values) => {
                keys.is_valid(row).then(|| values.value(usize::try_from(keys.value(row)).expect("dictionary keys are not negative")))
            }
        }
    }

    /// The value; an empty string for a null, which no column of the schemas holds unless it is nullable.
    pub(crate) fn value(&self, row: usize) -> &'a str {
        self.get(row).unwrap_or_default()
    }

    /// The value as a borrowed [`Cow`].
    pub(crate) fn borrowed(&self, row: usize) -> Cow<'a, str> {
        Cow::Borrowed(self.value(row))
    }
}

/// Positions of a row's items in the values of a list column.
pub(crate) fn list_range(list: &ListArray, row: usize) -> Range<usize> {
    let offsets = list.value_offsets();
    let at = |index: usize| usize::try_from(offsets[index]).expect("list offsets are not negative");
    at(row)..at(row + 1)
}
