//! Triples: a context, a question about one label, and the answers.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Schema, SchemaRef, UInt32Type};

use crate::build::TripleColumns;
use crate::row::{self, CharSlicer, Columns, Row, RowError};

/// One question to one sentence: the unit of training.
///
/// The rows of a sentence follow each other in the query set's order, one for each label.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Triple {
    /// Unique in a folder: `doc key:sentence:label`.
    pub id: String,
    /// Title of the page or name of the file.
    pub doc: String,
    /// Number of the sentence in the document, from 0.
    pub sentence: u32,
    /// Language code.
    pub lang: String,
    /// The label that is asked for.
    pub label: String,
    /// The question.
    pub query: String,
    /// The sentence.
    pub context: String,
    /// The answers, by offset.
    pub spans: Vec<Span>,
    /// Whether there is no answer.
    pub impossible: bool,
}

/// An answer. Offsets are chars of the context, half-open.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The slice.
    pub text: String,
    /// Who says that this is an answer.
    pub origin: Origin,
    /// How sure, from 0 to 1, where the origin can tell.
    pub score: Option<f32>,
}

impl Span {
    /// Takes off white space at either end, which annotators mark and no reader can tell. One of nothing else stays.
    pub fn trim(&mut self) {
        let chars = |text: &str| u32::try_from(text.chars().count()).expect("texts are under 4 GiB");
        let trimmed = self.text.trim();
        if trimmed.len() == self.text.len() || trimmed.is_empty() {
            return;
        }
        self.start += chars(&self.text) - chars(self.text.trim_start());
        self.end = self.start + chars(trimmed);
        self.text = trimmed.to_owned();
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A link in the page.
    Anchor,
    /// A later mention of something the page links.
    Repeat,
    /// A name of a gazetteer found in the text.
    Gazetteer,
    /// A human annotator.
    Gold,
    /// A trained reader.
    Model,
}

impl Origin {
    const ALL: [Self; 5] = [Self::Anchor, Self::Repeat, Self::Gazetteer, Self::Gold, Self::Model];

    /// The name in the `origin` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Repeat => "repeat",
            Self::Gazetteer => "gazetteer",
            Self::Gold => "gold",
            Self::Model => "model",
        }
    }

    /// The origin with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

pub(crate) static SPAN_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("origin", row::dictionary(), false),
        Field::new("score", DataType::Float32, true),
    ])
});

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("doc", DataType::Utf8, false),
        Field::new("sentence", DataType::UInt32, false),
        Field::new("lang", row::dictionary(), false),
        Field::new("label", row::dictionary(), false),
        Field::new("query", row::dictionary(), false),
        Field::new("context", DataType::Utf8, false),
        Field::new("spans", row::list_of(SPAN_FIELDS.clone()), false),
        Field::new("impossible", DataType::Boolean, false),
    ]))
});

impl Row for Triple {
    const SCHEMA: &'static str = "triples";
    const ROWS_PER_GROUP: usize = 8192;

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn size(&self) -> usize {
        let spans: usize = self.spans.iter().map(|span| size_of::<Span>() + span.text.len()).sum();
        size_of::<Self>() + self.context.len() + self.query.len() + spans
    }

    fn to_batch(rows: &[Self]) -> RecordBatch {
        let mut columns = TripleColumns::default();
        rows.iter().for_each(|row| columns.add(row));
        columns.take()
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError> {
        let columns = Columns::of_batch(batch);
        let id = columns.strings("id")?;
        let doc = columns.strings("doc")?;
        let sentence = columns.primitive::<UInt32Type>("sentence")?;
        let lang = columns.strings("lang")?;
        let label = columns.strings("label")?;
        let query = columns.strings("query")?;
        let context = columns.strings("context")?;
        let impossible = columns.booleans("impossible")?;
        let (list, items) = columns.structs("spans")?;
        let items = Columns::of_struct(items);
        let start = items.primitive::<UInt32Type>("start")?;
        let end = items.primitive::<UInt32Type>("end")?;
        let text = items.strings("text")?;
        let origin = items.strings("origin")?;
        let score = items.primitive::<Float32Type>("score")?;
        let span = |item: usize| {
            let name = origin.get(item).unwrap_or_default();
            let origin = Origin::from_name(name).ok_or_else(|| RowError::Column {
                column: "spans.origin".to_owned(),
                found: format!("`{name}`"),
                expected: "anchor, repeat, gazetteer, gold or model".to_owned(),
            })?;
            let score = score.is_valid(item).then(|| score.value(item));
            Ok(Span { start: start.value(item), end: end.value(item), text: text.owned(item), origin, score })
        };
        (0..batch.num_rows())
            .map(|row| {
                Ok(Self {
                    id: id.owned(row),
                    doc: doc.owned(row),
                    sentence: sentence.value(row),
                    lang: lang.owned(row),
                    label: label.owned(row),
                    query: query.owned(row),
                    context: context.owned(row),
                    spans: row::range(list, row).map(span).collect::<Result<_, _>>()?,
                    impossible: impossible.value(row),
                })
            })
            .collect()
    }

    fn check(&self) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(&self.context);
        self.spans.iter().try_for_each(|span| row::check_span(&self.id, &mut slicer, span.start, span.end, &span.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn triples() -> impl Strategy<Value = Vec<Triple>> {
        let triple = ("\\PC{1,40}", 0u32..9, proptest::collection::vec((0u32..40, 1u32..9, any::<Option<f32>>()), 0..4)).prop_map(
            |(context, sentence, cuts)| {
                let chars: Vec<char> = context.chars().collect();
                let spans: Vec<Span> = cuts
                    .into_iter()
                    .filter(|(start, length, score)| (start + length) as usize <= chars.len() && !score.is_some_and(f32::is_nan))
                    .map(|(start, length, score)| Span {
                        start,
                        end: start + length,
                        text: chars[start as usize..(start + length) as usize].iter().collect(),
                        origin: if score.is_some() { Origin::Model } else { Origin::Gold },
                        score,
                    })
                    .collect();
                Triple {
                    id: format!("d:{sentence}:PER"),
                    doc: "d".to_owned(),
                    sentence,
                    lang: "en".to_owned(),
                    label: "PER".to_owned(),
                    query: "who?".to_owned(),
                    context,
                    impossible: spans.is_empty(),
                    spans,
                }
            },
        );
        proptest::collection::vec(triple, 0..20)
    }

    #[test]
    fn a_span_is_trimmed_by_chars() {
        for (text, expected) in [("北 京", (3, 6)), ("  北京\u{3000}", (5, 7)), (" ", (3, 4))] {
            let end = 3 + text.chars().count() as u32;
            let mut span = Span { start: 3, end, text: text.to_owned(), origin: Origin::Gold, score: None };
            span.trim();
            assert_eq!((span.start, span.end, span.text.chars().count() as u32), (expected.0, expected.1, expected.1 - expected.0));
        }
    }

    proptest! {
        #[test]
        fn rows_survive_a_batch(rows in triples()) {
            prop_assert!(rows.iter().all(|row| row.check().is_ok()));
            prop_assert_eq!(Triple::from_batch(&Triple::to_batch(&rows)).unwrap(), rows);
        }
    }

    #[test]
    fn a_column_that_does_not_fit_is_named() {
        let batch = crate::Page::to_batch(&[crate::Page::default()]);
        let error = Triple::from_batch(&batch).unwrap_err();
        assert_eq!(error.to_string(), "column `id` is missing, expected Utf8");
    }
}
