//! Triples: the rows that `train` learns from.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::offsets::CharSlicer;
use crate::row::{Row, RowError, check_span};
use crate::span::Span;
use crate::triple_columns::{SCHEMA, TripleColumns};
use crate::triple_header::TripleHeader;
use crate::triple_view::{SpanView, TripleView, TripleViews};

/// A (context, query, answer spans) triple of the MRC formulation of NER: one sentence, asked for one label.
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
    /// The label that the query asks for.
    pub label: String,
    /// The query: a question or description of the label.
    pub query: String,
    /// The sentence.
    pub context: String,
    /// The answers, by offset.
    pub spans: Vec<Span>,
    /// Whether the context has no span of this label.
    pub impossible: bool,
}

impl From<TripleView<'_>> for Triple {
    /// An owned copy of a row.
    ///
    /// # Panics
    /// The row was read without some of the columns.
    fn from(view: TripleView<'_>) -> Self {
        Self {
            id: view.id().to_owned(),
            doc: view.doc().to_owned(),
            sentence: view.sentence(),
            lang: view.lang().to_owned(),
            label: view.label().to_owned(),
            query: view.query().to_owned(),
            context: view.context().to_owned(),
            spans: view.spans().map(SpanView::to_span).collect(),
            impossible: view.impossible(),
        }
    }
}

impl Row for Triple {
    const SCHEMA_NAME: &'static str = "triples";
    const ROW_GROUP_ROWS: usize = 8192;
    const NO_DICTIONARY: &'static [&'static str] = &["id", "context", "spans.list.item.text"];
    const NO_STATISTICS: &'static [&'static str] = &["context", "spans.list.item.text"];
    const DELTA_ENCODED: &'static [&'static str] = &[];

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn to_batch(rows: &[Self]) -> RecordBatch {
        let mut columns = TripleColumns::default();
        for row in rows {
            for Span { start, end, text, origin, score } in &row.spans {
                columns.push_span(*start, *end, text, *origin, *score);
            }
            let Self { id, doc, sentence, lang, label, query, context, .. } = row;
            let header = TripleHeader { id, doc, sentence: *sentence, lang, label, query, context };
            columns.push_row(&header, row.spans.len(), row.impossible);
        }
        columns.take_batch()
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError> {
        Ok(TripleViews::of_all_columns(batch)?.iter().map(Self::from).collect())
    }

    fn memory_bytes(&self) -> usize {
        let spans: usize = self.spans.iter().map(|span| size_of::<Span>() + span.text.len()).sum();
        size_of::<Self>() + self.context.len() + self.query.len() + spans
    }

    fn check(&self) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(&self.context);
        self.spans.iter().try_for_each(|span| check_span(&self.id, &mut slicer, span.start, span.end, &span.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;
    use crate::span::Origin;
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

    proptest! {
        #[test]
        fn rows_survive_a_batch(rows in triples()) {
            prop_assert!(rows.iter().all(|row| row.check().is_ok()));
            prop_assert_eq!(Triple::from_batch(&Triple::to_batch(&rows)).unwrap(), rows);
        }
    }

    #[test]
    fn a_column_that_does_not_fit_is_named() {
        let batch = Page::to_batch(&[Page::default()]);
        let error = Triple::from_batch(&batch).unwrap_err();
        assert_eq!(error.to_string(), "column `id` is missing, expected Utf8");
    }
}
