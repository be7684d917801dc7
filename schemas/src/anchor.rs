//! Anchors: the links of a page's text.

use std::borrow::Cow;
use std::sync::LazyLock;

use arrow::array::{ArrayRef, ListArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Fields, UInt32Type};

use crate::columns::builder::{optional_string_array, string_array, struct_array, u32_array};
use crate::columns::reader::{ColumnReader, StringColumn, list_range};
use crate::row::RowError;

/// A link in the text of a page. Offsets are chars of the page's text, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anchor<'a> {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The slice of the page's text: the surface form.
    pub text: Cow<'a, str>,
    /// Title of the page that is linked; empty for a link to a section of the same page.
    pub target: Cow<'a, str>,
    /// The linked section.
    pub fragment: Option<Cow<'a, str>>,
}

impl Anchor<'_> {
    /// A copy with texts of its own.
    pub fn into_owned(self) -> Anchor<'static> {
        Anchor {
            start: self.start,
            end: self.end,
            text: Cow::Owned(self.text.into_owned()),
            target: Cow::Owned(self.target.into_owned()),
            fragment: self.fragment.map(|fragment| Cow::Owned(fragment.into_owned())),
        }
    }

    /// Approximate size in memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.target.len()
    }
}

/// Fields of an item of the `anchors` column.
pub(crate) static ANCHOR_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("target", DataType::Utf8, false),
        Field::new("fragment", DataType::Utf8, true),
    ])
});

/// The items of an `anchors` column.
pub(crate) fn anchor_items<'a>(anchors: impl Iterator<Item = &'a Anchor<'a>> + Clone) -> ArrayRef {
    let columns = vec![
        u32_array(anchors.clone().map(|anchor| anchor.start)),
        u32_array(anchors.clone().map(|anchor| anchor.end)),
        string_array(anchors.clone().map(|anchor| &*anchor.text)),
        string_array(anchors.clone().map(|anchor| &*anchor.target)),
        optional_string_array(anchors.map(|anchor| anchor.fragment.as_deref())),
    ];
    struct_array(ANCHOR_FIELDS.clone(), columns)
}

/// Reads an `anchors` column.
pub(crate) struct AnchorReader<'a> {
    list: &'a ListArray,
    start: &'a UInt32Array,
    end: &'a UInt32Array,
    text: StringColumn<'a>,
    target: StringColumn<'a>,
    fragment: StringColumn<'a>,
}

impl<'a> AnchorReader<'a> {
    pub(crate) fn new(reader: &ColumnReader<'a>) -> Result<Self, RowError> {
        let (list, items) = reader.structs("anchors")?;
        let reader = ColumnReader::of_struct(items);
        Ok(Self {
            list,
            start: reader.primitive::<UInt32Type>("start")?,
            end: reader.primitive::<UInt32Type>("end")?,
            text: reader.strings("text")?,
            target: reader.strings("target")?,
            fragment: reader.strings("fragment")?,
        })
    }

    pub(crate) fn row(&self, row: usize) -> Vec<Anchor<'a>> {
        let anchor = |item| Anchor {
            start: self.start.value(item),
            end: self.end.value(item),
            text: self.text.borrowed(item),
            target: self.target.borrowed(item),
            fragment: self.fragment.get(item).map(Cow::Borrowed),
        };
        list_range(self.list, row).map(anchor).collect()
    }
}
