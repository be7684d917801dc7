//! Builds batches of triples from borrowed texts, without an owned [`Triple`] on the way.

use std::ops::Range;

use crate::offsets::CharSlicer;
use crate::row::RowError;
use crate::shard::batch::{BATCH_BYTES, CheckedBatch};
use crate::triple::Triple;
use crate::triple_columns::TripleColumns;
use crate::triple_header::{SpanInput, TripleHeader};

/// Builds batches of triples.
///
/// Memory: the rows since the last full batch (8 MiB), and the full batches until [`finish`](Self::finish).
///
/// ```
/// use schemas::{Origin, SpanInput, TripleBuilder, TripleHeader};
///
/// let header = TripleHeader {
///     id: "d:0:LOC", doc: "d", sentence: 0, lang: "en", label: "LOC", query: "location", context: "Clara lives in Oslo.",
/// };
/// let mut builder = TripleBuilder::default();
/// builder.push(&header, [SpanInput { chars: 15..19, origin: Origin::Gold, score: None }])?;
/// assert_eq!(builder.finish().len(), 1);
/// # Ok::<(), schemas::RowError>(())
/// ```
#[derive(Debug, Default)]
pub struct TripleBuilder {
    columns: TripleColumns,
    full: Vec<CheckedBatch<Triple>>,
}

impl TripleBuilder {
    /// Appends a triple. The text of each span is sliced from the context, so that the row needs no check later. A triple
    /// without spans is marked impossible.
    ///
    /// # Errors
    /// [`RowError::SpanMismatch`] for a span that is empty or reaches outside the context. The builder must not be used
    /// after that.
    pub fn push(&mut self, header: &TripleHeader<'_>, spans: impl IntoIterator<Item = SpanInput>) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(header.context);
        let before = self.columns.span_count();
        for SpanInput { chars: Range { start, end }, origin, score } in spans {
            let Some(text) = slicer.slice(start, end) else {
                let (row, carried) = (header.id.to_owned(), String::new());
                return Err(RowError::SpanMismatch { row, start, end, found: None, carried });
            };
            self.columns.push_span(start, end, text, origin, score);
        }
        let spans = self.columns.span_count() - before;
        self.columns.push_row(header, spans, spans == 0);
        if self.columns.memory_bytes() >= BATCH_BYTES {
            self.full.push(CheckedBatch::of_valid_rows(self.columns.take_batch()));
        }
        Ok(())
    }

    /// The batches, in order.
    pub fn finish(mut self) -> Vec<CheckedBatch<Triple>> {
        if self.columns.memory_bytes() > 0 {
            self.full.push(CheckedBatch::of_valid_rows(self.columns.take_batch()));
        }
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Row;
    use crate::span::{Origin, Span};

    #[test]
    fn spans_carry_their_slice_of_the_context() {
        let mut builder = TripleBuilder::default();
        let header =
            TripleHeader { id: "d:0:LOC", doc: "d", sentence: 0, lang: "hu", label: "LOC", query: "where?", context: "Győr és Pécs" };
        let span = |chars| SpanInput { chars, origin: Origin::Anchor, score: None };
        builder.push(&header, [span(0..4), span(8..12)]).unwrap();
        builder.push(&TripleHeader { id: "d:0:PER", label: "PER", ..header }, []).unwrap();
        let outside = builder.push(&header, [span(8..13)]);
        assert!(matches!(outside, Err(RowError::SpanMismatch { start: 8, end: 13, found: None, .. })), "{outside:?}");
    }

    #[test]
    fn builder_makes_the_batch_that_rows_make() {
        let mut builder = TripleBuilder::default();
        let mut rows = Vec::new();
        for number in 0..5 {
            let (id, label) = (format!("d:{number}:{}", number % 2), ["LOC", "PER"][number as usize % 2]);
            let header = TripleHeader { id: &id, doc: "d", sentence: number, lang: "en", label, query: label, context: "Ödön in Oslo" };
            let spans = if number % 2 == 0 { vec![(0, 4, "Ödön"), (8, 12, "Oslo")] } else { vec![] };
            let score = Some(0.5).filter(|_| number > 2);
            let inputs = spans.iter().map(|&(start, end, _)| SpanInput { chars: start..end, origin: Origin::Gold, score });
            builder.push(&header, inputs).unwrap();
            let spans = spans.into_iter();
            let spans = spans.map(|(start, end, text)| Span { start, end, text: text.to_owned(), origin: Origin::Gold, score });
            let spans: Vec<Span> = spans.collect();
            rows.push(Triple {
                id: id.clone(),
                doc: "d".to_owned(),
                sentence: number,
                lang: "en".to_owned(),
                label: label.to_owned(),
                query: label.to_owned(),
                context: "Ödön in Oslo".to_owned(),
                impossible: spans.is_empty(),
                spans,
            });
        }
        let batches = builder.finish();
        assert_eq!(batches.len(), 1);
        assert_eq!(*batches[0].batch(), Triple::to_batch(&rows));
        assert_eq!(Triple::from_batch(batches[0].batch()).unwrap(), rows);
    }
}
