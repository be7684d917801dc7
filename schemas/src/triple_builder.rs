//! Triples to columns, without a string of their own for each value on the way.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringBuilder, UInt32Array};

use crate::row::{self, CharSlicer, Keys, Row, RowError};
use crate::shard::Checked;
use crate::shard::write::BATCH_BYTES;
use crate::triple::{Origin, SPAN_FIELDS, Span, Triple};

/// A triple but for its answers, its texts those of others.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// As in [`Triple::id`], and so on.
    pub id: &'a str,
    /// Title of the page or name of the file.
    pub doc: &'a str,
    /// Number of the sentence in the document.
    pub sentence: u32,
    /// Language code.
    pub lang: &'a str,
    /// The label that is asked for.
    pub label: &'a str,
    /// The question.
    pub query: &'a str,
    /// The sentence.
    pub context: &'a str,
}

/// An answer: chars of the context, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    /// Where it lies.
    pub chars: Range<u32>,
    /// As in [`Span::origin`].
    pub origin: Origin,
    /// As in [`Span::score`].
    pub score: Option<f32>,
}

/// Makes batches of triples.
///
/// Memory: what was pushed since the last batch was full, and the full ones until they are taken.
#[derive(Debug, Default)]
pub struct TripleBuilder {
    columns: TripleColumns,
    full: Vec<Checked<Triple>>,
}

impl TripleBuilder {
    /// Appends a triple. An answer carries its slice of the context, so that there is nothing to check later.
    ///
    /// # Errors
    /// An answer that is empty or does not lie in the context.
    pub fn push(&mut self, question: &Question<'_>, answers: impl IntoIterator<Item = Marked>) -> Result<(), RowError> {
        let mut slicer = CharSlicer::new(question.context);
        let spans = self.columns.starts.len();
        for Marked { chars: Range { start, end }, origin, score } in answers {
            let Some(text) = slicer.slice(start, end) else {
                let (row, carried) = (question.id.to_owned(), String::new());
                return Err(RowError::Span { row, start, end, found: None, carried });
            };
            self.columns.span(start, end, text, origin, score);
        }
        let impossible = self.columns.starts.len() == spans;
        self.columns.row(question, self.columns.starts.len() - spans, impossible);
        if self.columns.bytes >= BATCH_BYTES {
            self.full.push(Checked::new(self.columns.take()));
        }
        Ok(())
    }

    /// The batches, as many triples in each as the Parquet library is to have at once.
    pub fn finish(mut self) -> Vec<Checked<Triple>> {
        if self.columns.bytes > 0 {
            self.full.push(Checked::new(self.columns.take()));
        }
        self.full
    }
}

/// The columns of the schema as they grow.
#[derive(Debug, Default)]
pub(crate) struct TripleColumns {
    id: StringBuilder,
    doc: StringBuilder,
    sentence: Vec<u32>,
    lang: Keys,
    label: Keys,
    query: Keys,
    context: StringBuilder,
    spans: Vec<usize>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    texts: StringBuilder,
    origins: Keys,
    scores: Vec<Option<f32>>,
    impossible: Vec<bool>,
    /// About how many bytes of memory it all takes.
    bytes: usize,
}

impl TripleColumns {
    /// Appends a row, whose answers were appended before.
    fn row(&mut self, question: &Question<'_>, spans: usize, impossible: bool) {
        let Question { id, doc, sentence, lang, label, query, context } = *question;
        self.id.append_value(id);
        self.doc.append_value(doc);
        self.sentence.push(sentence);
        self.lang.push(lang);
        self.label.push(label);
        self.query.push(query);
        self.context.append_value(context);
        self.spans.push(spans);
        self.impossible.push(impossible);
        self.bytes += size_of::<Question<'_>>() + id.len() + doc.len() + context.len();
    }

    fn span(&mut self, start: u32, end: u32, text: &str, origin: Origin, score: Option<f32>) {
        self.starts.push(start);
        self.ends.push(end);
        self.texts.append_value(text);
        self.origins.push(origin.name());
        self.scores.push(score);
        self.bytes += size_of::<Marked>() + text.len();
    }

    pub(crate) fn add(&mut self, triple: &Triple) {
        for Span { start, end, text, origin, score } in &triple.spans {
            self.span(*start, *end, text, *origin, *score);
        }
        let Triple { id, doc, sentence, lang, label, query, context, .. } = triple;
        let question = Question { id, doc, sentence: *sentence, lang, label, query, context };
        self.row(&question, triple.spans.len(), triple.impossible);
    }

    /// Takes out what there is.
    pub(crate) fn take(&mut self) -> RecordBatch {
        let Self {
            mut id,
            mut doc,
            sentence,
            lang,
            label,
            query,
            mut context,
            spans,
            starts,
            ends,
            mut texts,
            origins,
            scores,
            impossible,
            ..
        } = std::mem::take(self);
        let items: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(starts)),
            Arc::new(UInt32Array::from(ends)),
            Arc::new(texts.finish()),
            origins.finish(),
            Arc::new(Float32Array::from(scores)),
        ];
        let (schema, items) = (Triple::schema(), row::struct_array(SPAN_FIELDS.clone(), items));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(id.finish()),
            Arc::new(doc.finish()),
            Arc::new(UInt32Array::from(sentence)),
            lang.finish(),
            label.finish(),
            query.finish(),
            Arc::new(context.finish()),
            row::list_array(schema.field(7), spans, items),
            Arc::new(BooleanArray::from(impossible)),
        ];
        RecordBatch::try_new(schema, columns).expect("columns are built from the schema")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_its_slice() {
        let mut builder = TripleBuilder::default();
        let question =
            Question { id: "d:0:LOC", doc: "d", sentence: 0, lang: "hu", label: "LOC", query: "where?", context: "Győr és Pécs" };
        let answer = |chars| Marked { chars, origin: Origin::Anchor, score: None };
        builder.push(&question, [answer(0..4), answer(8..12)]).unwrap();
        builder.push(&Question { id: "d:0:PER", label: "PER", ..question }, []).unwrap();
        let outside = builder.push(&question, [answer(8..13)]);
        assert!(matches!(outside, Err(RowError::Span { start: 8, end: 13, found: None, .. })), "{outside:?}");
    }

    #[test]
    fn what_was_pushed_is_what_rows_make() {
        let mut builder = TripleBuilder::default();
        let mut rows = Vec::new();
        for number in 0..5 {
            let (id, label) = (format!("d:{number}:{}", number % 2), ["LOC", "PER"][number as usize % 2]);
            let question = Question { id: &id, doc: "d", sentence: number, lang: "en", label, query: label, context: "Ödön in Oslo" };
            let spans = if number % 2 == 0 { vec![(0, 4, "Ödön"), (8, 12, "Oslo")] } else { vec![] };
            let score = Some(0.5).filter(|_| number > 2);
            let answers = spans.iter().map(|&(start, end, _)| Marked { chars: start..end, origin: Origin::Gold, score });
            builder.push(&question, answers).unwrap();
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
