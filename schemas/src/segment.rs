//! Segments: the paragraphs, headings, list items, captions and tables of a page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, ListArray, UInt8Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Fields, UInt8Type, UInt32Type};

use crate::columns::builder::{string_array, struct_array, u32_array};
use crate::columns::reader::{ColumnReader, StringColumn, list_range};
use crate::row::RowError;

/// A segment of the text of a page. Offsets are chars of the page's text, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// What it is.
    pub kind: SegmentKind,
    /// Depth of a heading (1 to 6) or of a list item (1 and up); 0 otherwise.
    pub level: u8,
}

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentKind {
    /// Running text.
    Paragraph,
    /// The heading of a section.
    Heading,
    /// One item of a list.
    List,
    /// The caption of a picture or of a gallery item.
    Caption,
    /// The cells of a table.
    Table,
}

impl SegmentKind {
    const ALL: [Self; 5] = [Self::Paragraph, Self::Heading, Self::List, Self::Caption, Self::Table];

    /// Whether it consists of sentences.
    pub fn is_prose(self) -> bool {
        matches!(self, Self::Paragraph | Self::List | Self::Caption)
    }

    /// The name in the `kind` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paragraph => "paragraph",
            Self::Heading => "heading",
            Self::List => "list",
            Self::Caption => "caption",
            Self::Table => "table",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Fields of an item of the `segments` column.
pub(crate) static SEGMENT_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("level", DataType::UInt8, false),
    ])
});

/// The items of a `segments` column.
pub(crate) fn segment_items<'a>(segments: impl Iterator<Item = &'a Segment> + Clone) -> ArrayRef {
    let columns: Vec<ArrayRef> = vec![
        u32_array(segments.clone().map(|segment| segment.start)),
        u32_array(segments.clone().map(|segment| segment.end)),
        string_array(segments.clone().map(|segment| segment.kind.name())),
        Arc::new(UInt8Array::from_iter_values(segments.map(|segment| segment.level))),
    ];
    struct_array(SEGMENT_FIELDS.clone(), columns)
}

/// Reads a `segments` column.
pub(crate) struct SegmentReader<'a> {
    list: &'a ListArray,
    start: &'a UInt32Array,
    end: &'a UInt32Array,
    kind: StringColumn<'a>,
    level: &'a UInt8Array,
}

impl<'a> SegmentReader<'a> {
    pub(crate) fn new(reader: &ColumnReader<'a>) -> Result<Self, RowError> {
        let (list, items) = reader.structs("segments")?;
        let reader = ColumnReader::of_struct(items);
        Ok(Self {
            list,
            start: reader.primitive::<UInt32Type>("start")?,
            end: reader.primitive::<UInt32Type>("end")?,
            kind: reader.strings("kind")?,
            level: reader.primitive::<UInt8Type>("level")?,
        })
    }

    pub(crate) fn row(&self, row: usize) -> Result<Vec<Segment>, RowError> {
        list_range(self.list, row).map(|item| self.segment(item)).collect()
    }

    fn segment(&self, item: usize) -> Result<Segment, RowError> {
        let name = self.kind.value(item);
        let kind = SegmentKind::from_name(name).ok_or_else(|| RowError::Column {
            column: "segments.kind".to_owned(),
            found: format!("`{name}`"),
            expected: "paragraph, heading, list, caption or table".to_owned(),
        })?;
        Ok(Segment { start: self.start.value(item), end: self.end.value(item), kind, level: self.level.value(item) })
    }
}
