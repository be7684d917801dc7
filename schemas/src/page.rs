//! Pages: what a dump's page says, as clean text with its anchors.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, TimestampMillisecondArray, UInt8Array,
};
use arrow::datatypes::{
    DataType, Field, Fields, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType, UInt8Type, UInt32Type,
};

use crate::block::Blocks;
use crate::row::{self, CharSlicer, Columns, Row, RowError};

/// A page of a dump, redirects and empty pages included. Its texts are its own, or those of the batch it lies in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page<'a> {
    /// The wiki's own number of the page.
    pub page_id: i64,
    /// Title with its namespace, spaces rather than underscores.
    pub title: Cow<'a, str>,
    /// Number of the namespace; 0 holds the articles.
    pub namespace: i32,
    /// Number of the revision that was read: the last one in the dump.
    pub revision_id: i64,
    /// When that revision was saved: milliseconds since 1970, UTC.
    pub timestamp: i64,
    /// Language code of the wiki.
    pub lang: Cow<'a, str>,
    /// Target title, where the page is a redirect.
    pub redirect: Option<Cow<'a, str>>,
    /// Whether the page lists the meanings of its title.
    pub disambiguation: bool,
    /// Clean text; segments are separated by line feeds.
    pub text: Cow<'a, str>,
    /// Links to articles in the text, in order, not overlapping.
    pub anchors: Vec<Anchor<'a>>,
    /// Paragraphs, headings and so on, in order, not overlapping; all text but the line feeds between them lies in one.
    pub segments: Vec<Segment>,
    /// Where sentences lie in segments of prose, as the language ends them: chars of the text, half-open, in order, not overlapping,
    /// without white space at either end. All prose but white space lies in one.
    pub sentences: Vec<Range<u32>>,
    /// What was odd in the wikitext, by kind, each once.
    pub issues: Vec<String>,
}

/// A link in the text. Offsets are chars of the page's text, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anchor<'a> {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The slice.
    pub text: Cow<'a, str>,
    /// Title linked to; empty for a link to a section of the same page.
    pub target: Cow<'a, str>,
    /// Section linked to.
    pub fragment: Option<Cow<'a, str>>,
}

/// A block of the text. Offsets are chars of the page's text, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// What kind of block.
    pub kind: SegmentKind,
    /// Depth of a heading (1 to 6) or of a list item (1 and up); 0 otherwise.
    pub level: u8,
}

/// Kinds of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentKind {
    /// Running text.
    Paragraph,
    /// A section's heading.
    Heading,
    /// One item of a list.
    List,
    /// Caption of a picture or of a gallery's item.
    Caption,
    /// A table's cells.
    Table,
}

impl SegmentKind {
    const ALL: [Self; 5] = [Self::Paragraph, Self::Heading, Self::List, Self::Caption, Self::Table];

    /// Whether it is made of sentences.
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

static ANCHOR_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("target", DataType::Utf8, false),
        Field::new("fragment", DataType::Utf8, true),
    ])
});

static SEGMENT_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("kind", row::dictionary(), false),
        Field::new("level", DataType::UInt8, false),
    ])
});

static SENTENCE_FIELDS: LazyLock<Fields> =
    LazyLock::new(|| Fields::from(vec![Field::new("start", DataType::UInt32, false), Field::new("end", DataType::UInt32, false)]));

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("page_id", DataType::Int64, false),
        Field::new("title", DataType::Utf8, false),
        Field::new("namespace", DataType::Int32, false),
        Field::new("revision_id", DataType::Int64, false),
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        Field::new("lang", row::dictionary(), false),
        Field::new("redirect", DataType::Utf8, true),
        Field::new("disambiguation", DataType::Boolean, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("anchors", row::list_of(ANCHOR_FIELDS.clone()), false),
        Field::new("segments", row::list_of(SEGMENT_FIELDS.clone()), false),
        Field::new("sentences", row::list_of(SENTENCE_FIELDS.clone()), false),
        Field::new("issues", DataType::List(Arc::new(Field::new("item", DataType::Utf8, false))), false),
    ]))
});

impl Anchor<'_> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> Anchor<'static> {
        Anchor { start: self.start, end: self.end, text: own(self.text), target: own(self.target), fragment: self.fragment.map(own) }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl<'a> Page<'a> {
    /// The pages of a batch, as long as it is there.
    ///
    /// # Errors
    /// A column that is missing or has another type, by name.
    pub fn views(batch: &'a RecordBatch) -> Result<Vec<Self>, RowError> {
        let columns = Columns::of_batch(batch);
        let page_id = columns.primitive::<Int64Type>("page_id")?;
        let title = columns.strings("title")?;
        let namespace = columns.primitive::<Int32Type>("namespace")?;
        let revision_id = columns.primitive::<Int64Type>("revision_id")?;
        let timestamp = columns.primitive::<TimestampMillisecondType>("timestamp")?;
        let lang = columns.strings("lang")?;
        let redirect = columns.strings("redirect")?;
        let disambiguation = columns.booleans("disambiguation")?;
        let text = columns.strings("text")?;
        let anchors = AnchorColumns::new(&columns)?;
        let segments = SegmentColumns::new(&columns)?;
        let (sentences, ranges) = columns.structs("sentences")?;
        let ranges = Columns::of_struct(ranges);
        let (from, to) = (ranges.primitive::<UInt32Type>("start")?, ranges.primitive::<UInt32Type>("end")?);
        let issues = columns.list("issues")?;
        let issue = issues.values().as_string::<i32>();
        (0..batch.num_rows())
            .map(|row| {
                Ok(Self {
                    page_id: page_id.value(row),
                    title: title.text(row),
                    namespace: namespace.value(row),
                    revision_id: revision_id.value(row),
                    timestamp: timestamp.value(row),
                    lang: lang.text(row),
                    redirect: redirect.get(row).map(Cow::Borrowed),
                    disambiguation: disambiguation.value(row),
                    text: text.text(row),
                    anchors: row::range(anchors.list, row).map(|item| anchors.get(item)).collect(),
                    segments: row::range(segments.list, row).map(|item| segments.get(item)).collect::<Result<_, _>>()?,
                    sentences: row::range(sentences, row).map(|item| from.value(item)..to.value(item)).collect(),
                    issues: row::range(issues, row).map(|item| issue.value(item).to_owned()).collect(),
                })
            })
            .collect()
    }

    /// Its segments, each with what lies in it.
    pub fn blocks(&'a self) -> Blocks<'a> {
        Blocks::new(self)
    }

    /// The same with texts of its own.
    pub fn into_owned(self) -> Page<'static> {
        Page {
            page_id: self.page_id,
            title: own(self.title),
            namespace: self.namespace,
            revision_id: self.revision_id,
            timestamp: self.timestamp,
            lang: own(self.lang),
            redirect: self.redirect.map(own),
            disambiguation: self.disambiguation,
            text: own(self.text),
            anchors: self.anchors.into_iter().map(Anchor::into_owned).collect(),
            segments: self.segments,
            sentences: self.sentences,
            issues: self.issues,
        }
    }
}

impl Row for Page<'_> {
    const SCHEMA: &'static str = "pages";
    const ROWS_PER_GROUP: usize = 2048;

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn size(&self) -> usize {
        let anchors: usize = self.anchors.iter().map(|anchor| size_of::<Anchor>() + anchor.text.len() + anchor.target.len()).sum();
        let stretches = self.segments.len() * size_of::<Segment>() + self.sentences.len() * size_of::<Range<u32>>();
        size_of::<Self>() + self.text.len() + anchors + stretches
    }

    fn to_batch(rows: &[Self]) -> RecordBatch {
        let anchors = || rows.iter().flat_map(|page| &page.anchors);
        let segments = || rows.iter().flat_map(|page| &page.segments);
        let sentences = || rows.iter().flat_map(|page| &page.sentences);
        let anchor_items = row::struct_array(
            ANCHOR_FIELDS.clone(),
            vec![
                row::u32_array(anchors().map(|anchor| anchor.start)),
                row::u32_array(anchors().map(|anchor| anchor.end)),
                row::string_array(anchors().map(|anchor| &*anchor.text)),
                row::string_array(anchors().map(|anchor| &*anchor.target)),
                row::optional_string_array(anchors().map(|anchor| anchor.fragment.as_deref())),
            ],
        );
        let segment_items = row::struct_array(
            SEGMENT_FIELDS.clone(),
            vec![
                row::u32_array(segments().map(|segment| segment.start)),
                row::u32_array(segments().map(|segment| segment.end)),
                row::dictionary_array(segments().map(|segment| segment.kind.name())),
                Arc::new(UInt8Array::from_iter_values(segments().map(|segment| segment.level))),
            ],
        );
        let sentence_items = row::struct_array(
            SENTENCE_FIELDS.clone(),
            vec![row::u32_array(sentences().map(|sentence| sentence.start)), row::u32_array(sentences().map(|sentence| sentence.end))],
        );
        let issues = row::string_array(rows.iter().flat_map(|page| page.issues.iter().map(String::as_str)));
        let timestamps = TimestampMillisecondArray::from_iter_values(rows.iter().map(|page| page.timestamp)).with_timezone("UTC");
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|page| page.page_id))),
            row::string_array(rows.iter().map(|page| &*page.title)),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|page| page.namespace))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|page| page.revision_id))),
            Arc::new(timestamps),
            row::dictionary_array(rows.iter().map(|page| &*page.lang)),
            row::optional_string_array(rows.iter().map(|page| page.redirect.as_deref())),
            Arc::new(rows.iter().map(|page| Some(page.disambiguation)).collect::<BooleanArray>()),
            row::string_array(rows.iter().map(|page| &*page.text)),
            row::list_array(SCHEMA.field(9), rows.iter().map(|page| page.anchors.len()), anchor_items),
            row::list_array(SCHEMA.field(10), rows.iter().map(|page| page.segments.len()), segment_items),
            row::list_array(SCHEMA.field(11), rows.iter().map(|page| page.sentences.len()), sentence_items),
            row::list_array(SCHEMA.field(12), rows.iter().map(|page| page.issues.len()), issues),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("columns are built from the schema")
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError> {
        Ok(Page::views(batch)?.into_iter().map(Page::into_owned).collect())
    }

    fn check(&self) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(&self.text);
        self.anchors.iter().try_for_each(|anchor| row::check_span(&self.title, &mut slicer, anchor.start, anchor.end, &anchor.text))?;
        self.blocks().try_for_each(|block| block?.sentences().try_for_each(|sentence| sentence.map(drop)))
    }
}

struct AnchorColumns<'a> {
    list: &'a ListArray,
    start: &'a arrow::array::UInt32Array,
    end: &'a arrow::array::UInt32Array,
    text: row::Strings<'a>,
    target: row::Strings<'a>,
    fragment: row::Strings<'a>,
}

impl<'a> AnchorColumns<'a> {
    fn new(columns: &Columns<'a>) -> Result<Self, RowError> {
        let (list, items) = columns.structs("anchors")?;
        let items = Columns::of_struct(items);
        Ok(Self {
            list,
            start: items.primitive::<UInt32Type>("start")?,
            end: items.primitive::<UInt32Type>("end")?,
            text: items.strings("text")?,
            target: items.strings("target")?,
            fragment: items.strings("fragment")?,
        })
    }

    fn get(&self, item: usize) -> Anchor<'a> {
        Anchor {
            start: self.start.value(item),
            end: self.end.value(item),
            text: self.text.text(item),
            target: self.target.text(item),
            fragment: self.fragment.get(item).map(Cow::Borrowed),
        }
    }
}

struct SegmentColumns<'a> {
    list: &'a ListArray,
    start: &'a arrow::array::UInt32Array,
    end: &'a arrow::array::UInt32Array,
    kind: row::Strings<'a>,
    level: &'a UInt8Array,
}

impl<'a> SegmentColumns<'a> {
    fn new(columns: &Columns<'a>) -> Result<Self, RowError> {
        let (list, items) = columns.structs("segments")?;
        let items = Columns::of_struct(items);
        Ok(Self {
            list,
            start: items.primitive::<UInt32Type>("start")?,
            end: items.primitive::<UInt32Type>("end")?,
            kind: items.strings("kind")?,
            level: items.primitive::<UInt8Type>("level")?,
        })
    }

    fn get(&self, item: usize) -> Result<Segment, RowError> {
        let name = self.kind.get(item).unwrap_or_default();
        let kind = SegmentKind::from_name(name).ok_or_else(|| RowError::Column {
            column: "segments.kind".to_owned(),
            found: format!("`{name}`"),
            expected: "paragraph, heading, list, caption or table".to_owned(),
        })?;
        Ok(Segment { start: self.start.value(item), end: self.end.value(item), kind, level: self.level.value(item) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn page() -> Page<'static> {
        Page {
            page_id: 7,
            title: "Ödön".into(),
            revision_id: 70,
            timestamp: 1_500_000_000_000,
            lang: "hu".into(),
            text: "Ödön\nbőr is a name.".into(),
            anchors: vec![Anchor { start: 5, end: 8, text: "bőr".into(), target: "Bőr".into(), fragment: None }],
            segments: vec![
                Segment { start: 0, end: 4, kind: SegmentKind::Heading, level: 2 },
                Segment { start: 5, end: 19, kind: SegmentKind::Paragraph, level: 0 },
            ],
            sentences: vec![Range { start: 5, end: 19 }],
            issues: vec!["unclosed template".to_owned()],
            ..Page::default()
        }
    }

    #[test]
    fn rows_survive_a_batch() {
        let redirect = Page { redirect: Some("Ödön".into()), ..Page::default() };
        let rows = vec![page(), redirect, page()];
        let batch = Page::to_batch(&rows);
        assert_eq!(batch.num_rows(), 3);
        assert_eq!(Page::from_batch(&batch).unwrap(), rows);
    }

    #[test]
    fn a_span_that_does_not_match_is_found() {
        assert_eq!(page().check(), Ok(()));
        let mut page = page();
        page.anchors[0].start = 4;
        assert!(matches!(page.check(), Err(RowError::Span { start: 4, .. })));
    }
}
