//! Pages of a dump: clean text with the anchors, segments and sentences in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType, UInt32Type};

use crate::anchor::{ANCHOR_FIELDS, Anchor, AnchorReader, anchor_items};
use crate::columns::builder::{
    dictionary, dictionary_array, list_array, list_of, optional_string_array, string_array, struct_array, u32_array,
};
use crate::columns::reader::{ColumnReader, list_range};
use crate::offsets::CharSlicer;
use crate::row::{Row, RowError, check_span};
use crate::segment::{SEGMENT_FIELDS, Segment, SegmentReader, segment_items};
use crate::segment_view::SegmentViews;

/// A page of a dump; redirects and empty pages are rows too. Its texts are owned, or borrowed from a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page<'a> {
    /// The wiki's number of the page.
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
    /// Whether the page is a disambiguation page: a list of the meanings of its title.
    pub disambiguation: bool,
    /// Clean text; segments are separated by line feeds.
    pub text: Cow<'a, str>,
    /// Links to articles in the text, in order, not overlapping.
    pub anchors: Vec<Anchor<'a>>,
    /// Paragraphs, headings and so on, in order, not overlapping. All text but the line feeds between them lies in one.
    pub segments: Vec<Segment>,
    /// Sentences of the segments that are prose: chars of the text, half-open, in order, not overlapping, without white space
    /// at either end. All prose but white space lies in one.
    pub sentences: Vec<Range<u32>>,
    /// Where a template vanished from the running text that no table of templates knows: chars of the text before which it stood, in order.
    pub holes: Vec<u32>,
    /// Categories, without namespace and sort key, in order, each once.
    pub categories: Vec<String>,
    /// Templates at the top level of the page, infoboxes among them, without namespace, in order, each once.
    pub templates: Vec<String>,
    /// A short description, where the page has one.
    pub description: Option<Cow<'a, str>>,
    /// The item of Wikidata, such as `Q42`, where the page names it.
    pub wikidata: Option<Cow<'a, str>>,
    /// Problems of the wikitext, such as an unclosed template, each kind once.
    pub issues: Vec<String>,
}

static SENTENCE_FIELDS: LazyLock<Fields> =
    LazyLock::new(|| Fields::from(vec![Field::new("start", DataType::UInt32, false), Field::new("end", DataType::UInt32, false)]));

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("page_id", DataType::Int64, false),
        Field::new("title", DataType::Utf8, false),
        Field::new("namespace", DataType::Int32, false),
        Field::new("revision_id", DataType::Int64, false),
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        Field::new("lang", dictionary(), false),
        Field::new("redirect", DataType::Utf8, true),
        Field::new("disambiguation", DataType::Boolean, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("anchors", list_of(ANCHOR_FIELDS.clone()), false),
        Field::new("segments", list_of(SEGMENT_FIELDS.clone()), false),
        Field::new("sentences", list_of(SENTENCE_FIELDS.clone()), false),
        Field::new("holes", DataType::List(Arc::new(Field::new("item", DataType::UInt32, false))), false),
        Field::new("categories", list_of_strings(), false),
        Field::new("templates", list_of_strings(), false),
        Field::new("description", DataType::Utf8, true),
        Field::new("wikidata", DataType::Utf8, true),
        Field::new("issues", list_of_strings(), false),
    ]))
});

fn list_of_strings() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, false)))
}

impl<'a> Page<'a> {
    /// The pages of a batch, borrowed from it. Categories, templates, description and item are empty in batches without these columns:
    /// folders made by earlier versions have none.
    ///
    /// # Errors
    /// [`RowError::Column`] for a column that is missing or has another type.
    pub fn views(batch: &'a RecordBatch) -> Result<Vec<Self>, RowError> {
        let reader = ColumnReader::of_batch(batch);
        let page_id = reader.primitive::<Int64Type>("page_id")?;
        let title = reader.strings("title")?;
        let namespace = reader.primitive::<Int32Type>("namespace")?;
        let revision_id = reader.primitive::<Int64Type>("revision_id")?;
        let timestamp = reader.primitive::<TimestampMillisecondType>("timestamp")?;
        let lang = reader.strings("lang")?;
        let redirect = reader.strings("redirect")?;
        let disambiguation = reader.booleans("disambiguation")?;
        let text = reader.strings("text")?;
        let anchors = AnchorReader::new(&reader)?;
        let segments = SegmentReader::new(&reader)?;
        let (sentences, ranges) = reader.structs("sentences")?;
        let ranges = ColumnReader::of_struct(ranges);
        let (starts, ends) = (ranges.primitive::<UInt32Type>("start")?, ranges.primitive::<UInt32Type>("end")?);
        let (holes, hole) = reader.u32_lists("holes")?;
        let optional_list = |name| reader.has(name).then(|| reader.string_lists(name)).transpose();
        let (categories, templates) = (optional_list("categories")?, optional_list("templates")?);
        let optional_strings = |name| reader.has(name).then(|| reader.strings(name)).transpose();
        let (description, wikidata) = (optional_strings("description")?, optional_strings("wikidata")?);
        let (issues, issue) = reader.string_lists("issues")?;
        let strings = |(list, items): (&ListArray, &StringArray), row| -> Vec<String> {
            list_range(list, row).map(|item| items.value(item).to_owned()).collect()
        };
        (0..batch.num_rows())
            .map(|row| {
                Ok(Self {
                    page_id: page_id.value(row),
                    title: title.borrowed(row),
                    namespace: namespace.value(row),
                    revision_id: revision_id.value(row),
                    timestamp: timestamp.value(row),
                    lang: lang.borrowed(row),
                    redirect: redirect.get(row).map(Cow::Borrowed),
                    disambiguation: disambiguation.value(row),
                    text: text.borrowed(row),
                    anchors: anchors.row(row),
                    segments: segments.row(row)?,
                    sentences: list_range(sentences, row).map(|item| starts.value(item)..ends.value(item)).collect(),
                    holes: list_range(holes, row).map(|item| hole.value(item)).collect(),
                    categories: categories.map(|column| strings(column, row)).unwrap_or_default(),
                    templates: templates.map(|column| strings(column, row)).unwrap_or_default(),
                    description: description.as_ref().and_then(|column| column.get(row)).map(Cow::Borrowed),
                    wikidata: wikidata.as_ref().and_then(|column| column.get(row)).map(Cow::Borrowed),
                    issues: strings((issues, issue), row),
                })
            })
            .collect()
    }

    /// Its segments in order, each with its text, anchors and sentences.
    ///
    /// # Errors
    /// As items: [`RowError::OutOfPlace`] where segments overlap, or an anchor or a sentence lies in none.
    pub fn segment_views(&'a self) -> SegmentViews<'a> {
        SegmentViews::new(&self.title, &self.text, &self.segments, &self.anchors, &self.sentences)
    }

    /// A copy with texts of its own.
    pub fn into_owned(self) -> Page<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
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
            holes: self.holes,
            categories: self.categories,
            templates: self.templates,
            description: self.description.map(own),
            wikidata: self.wikidata.map(own),
            issues: self.issues,
        }
    }
}

impl Row for Page<'_> {
    const SCHEMA_NAME: &'static str = "pages";
    const ROW_GROUP_ROWS: usize = 2048;
    const NO_DICTIONARY: &'static [&'static str] = &["title", "text", "anchors.list.item.text", "anchors.list.item.target"];
    const NO_STATISTICS: &'static [&'static str] = &["text"];
    const DELTA_ENCODED: &'static [&'static str] = &[
        "anchors.list.item.start",
        "anchors.list.item.end",
        "segments.list.item.start",
        "segments.list.item.end",
        "sentences.list.item.start",
        "sentences.list.item.end",
        "holes.list.item",
    ];

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn to_batch(rows: &[Self]) -> RecordBatch {
        let sentences = || rows.iter().flat_map(|page| &page.sentences);
        let sentence_items = struct_array(
            SENTENCE_FIELDS.clone(),
            vec![u32_array(sentences().map(|sentence| sentence.start)), u32_array(sentences().map(|sentence| sentence.end))],
        );
        let timestamps = TimestampMillisecondArray::from_iter_values(rows.iter().map(|page| page.timestamp)).with_timezone("UTC");
        let list = |name, lengths: Vec<usize>, items| {
            let field = SCHEMA.field_with_name(name).expect("lists are columns of the schema");
            list_array(field, lengths, items)
        };
        let strings = |name, of: fn(&Self) -> &Vec<String>| {
            let items = string_array(rows.iter().flat_map(|page| of(page).iter().map(String::as_str)));
            list(name, rows.iter().map(|page| of(page).len()).collect(), items)
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|page| page.page_id))),
            string_array(rows.iter().map(|page| &*page.title)),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|page| page.namespace))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|page| page.revision_id))),
            Arc::new(timestamps),
            dictionary_array(rows.iter().map(|page| &*page.lang)),
            optional_string_array(rows.iter().map(|page| page.redirect.as_deref())),
            Arc::new(rows.iter().map(|page| Some(page.disambiguation)).collect::<BooleanArray>()),
            string_array(rows.iter().map(|page| &*page.text)),
            list("anchors", rows.iter().map(|page| page.anchors.len()).collect(), anchor_items(rows.iter().flat_map(|page| &page.anchors))),
            list(
                "segments",
                rows.iter().map(|page| page.segments.len()).collect(),
                segment_items(rows.iter().flat_map(|page| &page.segments)),
            ),
            list("sentences", rows.iter().map(|page| page.sentences.len()).collect(), sentence_items),
            list(
                "holes",
                rows.iter().map(|page| page.holes.len()).collect(),
                u32_array(rows.iter().flat_map(|page| page.holes.iter().copied())),
            ),
            strings("categories", |page| &page.categories),
            strings("templates", |page| &page.templates),
            optional_string_array(rows.iter().map(|page| page.description.as_deref())),
            optional_string_array(rows.iter().map(|page| page.wikidata.as_deref())),
            strings("issues", |page| &page.issues),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("columns are built from the schema")
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError> {
        Ok(Page::views(batch)?.into_iter().map(Page::into_owned).collect())
    }

    fn memory_bytes(&self) -> usize {
        let anchors: usize = self.anchors.iter().map(Anchor::memory_bytes).sum();
        let ranges = self.segments.len() * size_of::<Segment>() + self.sentences.len() * size_of::<Range<u32>>();
        let names: usize = self.categories.iter().chain(&self.templates).map(|name| size_of::<String>() + name.len()).sum();
        size_of::<Self>() + self.text.len() + anchors + ranges + names
    }

    fn check(&self) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(&self.text);
        self.anchors.iter().try_for_each(|anchor| check_span(&self.title, &mut slicer, anchor.start, anchor.end, &anchor.text))?;
        self.segment_views().try_for_each(|segment| segment?.sentences().try_for_each(|sentence| sentence.map(drop)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::SegmentKind;

    fn page() -> Page<'static> {
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
            holes: vec![4, 18],
            categories: vec!["Names".to_owned(), "Leather".to_owned()],
            templates: vec!["Infobox name".to_owned()],
            description: Some("a name".into()),
            wikidata: Some("Q7".into()),
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
        let later = ["categories", "templates", "description", "wikidata"];
        let kept = (0..batch.num_columns()).filter(|&at| !later.contains(&batch.schema_ref().field(at).name().as_str()));
        let earlier = Page::from_batch(&batch.project(&kept.collect::<Vec<_>>()).unwrap()).unwrap();
        assert_eq!((&earlier[0].text, &earlier[0].categories, &earlier[0].wikidata), (&rows[0].text, &Vec::new(), &None));
    }

    #[test]
    fn an_anchor_whose_text_differs_is_found() {
        assert_eq!(page().check(), Ok(()));
        let mut page = page();
        page.anchors[0].start = 4;
        assert!(matches!(page.check(), Err(RowError::SpanMismatch { start: 4, .. })));
    }
}
