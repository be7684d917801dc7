//! Counts the triples of a folder, chunk by chunk.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use polars::prelude::*;

use super::choose_samples::sample_rows;
use super::duplicates::{DuplicateCounter, stable_hash};
use super::highlight::{HighlightStyle, highlight_spans};
use super::lengths::{LengthCounts, histograms};
use super::row_chunks::{RowChunks, explode_list, struct_field, value_counts};
use super::sample::Sample;
use super::token_counter::TokenCounter;
use super::top_texts::TopTexts;
use super::triple_statistics::{LabelStatistics, TripleStatistics};
use crate::ordered_map::Limits;

/// The statistics of the triples of a label, or of all.
///
/// # Errors
/// A shard cannot be read, or no row has the label.
pub fn count_triples(
    chunks: &RowChunks,
    limits: Limits,
    label: Option<&str>,
    samples: usize,
    tokens: Option<&TokenCounter>,
    style: HighlightStyle,
) -> anyhow::Result<TripleStatistics> {
    let mut counter = TripleCounter::default();
    chunks.map_in_order(
        limits,
        |chunk| TripleChunk::read(rows_of_label(chunks, chunk, label)?, tokens),
        |chunk| counter.add_chunk(&chunk),
    )?;
    if let (Some(label), 0) = (label, counter.rows) {
        bail!("no row of label `{label}`; the folder has {}", all_labels(chunks)?.join(", "));
    }
    let samples = counter.sample(chunks, label, samples, style)?;
    Ok(counter.into_statistics(samples))
}

fn rows_of_label(chunks: &RowChunks, chunk: usize, label: Option<&str>) -> anyhow::Result<LazyFrame> {
    let frame = chunks.frame(chunk)?;
    Ok(match label {
        Some(label) => frame.filter(text_column("label").eq(lit(label.to_owned()))),
        None => frame,
    })
}

/// A dictionary column as plain text.
fn text_column(name: &str) -> Expr {
    col(name).cast(DataType::String)
}

fn all_labels(chunks: &RowChunks) -> anyhow::Result<Vec<String>> {
    let mut labels = BTreeSet::new();
    for chunk in 0..chunks.len() {
        labels.extend(value_counts(chunks.frame(chunk)?, col("label"))?.into_iter().map(|(label, _)| label));
    }
    Ok(labels.into_iter().collect())
}

#[derive(Default)]
struct TripleCounter {
    rows: u64,
    sentences: u64,
    docs: u64,
    labels: Vec<LabelStatistics>,
    spans_per_sentence: LengthCounts,
    context_chars: LengthCounts,
    context_tokens: LengthCounts,
    origins: BTreeMap<String, u64>,
    mentions: TopTexts,
    duplicates: DuplicateCounter,
    /// The last sentence, which the next chunk may continue.
    open_sentence: Option<OpenSentence>,
    /// Rows of each chunk, and those of them that have a span.
    rows_by_chunk: Vec<u64>,
    rows_with_spans_by_chunk: Vec<u64>,
}

/// A sentence of which more rows may follow.
struct OpenSentence {
    doc: String,
    number: u32,
    context: String,
    /// A hash of the label, start and end of each span.
    spans: Vec<u64>,
}

/// What one thread finds in a chunk.
struct TripleChunk {
    rows: u64,
    /// By label: rows, those without spans, and spans.
    labels: DataFrame,
    /// By row: `doc`, `sentence`, `label`, `context`, `chars` of it, and `count` of spans.
    sentences: DataFrame,
    /// By span: `start` and `end`.
    spans: DataFrame,
    /// Tokens of the context of each row that may begin a sentence; none for the others, and where tokens are not counted.
    tokens: Vec<Option<u64>>,
    origins: Vec<(String, u64)>,
    mentions: Vec<(String, u64)>,
}

impl TripleChunk {
    fn read(chunk: LazyFrame, tokens: Option<&TokenCounter>) -> anyhow::Result<Self> {
        let columns = ["doc", "sentence", "label", "context", "spans", "impossible"].map(col);
        let chunk = chunk.select(columns).collect()?;
        let counts = [len().alias("rows"), col("impossible").sum(), col("spans").list().len().sum().alias("spans")];
        let labels = chunk.clone().lazy().group_by_stable([text_column("label")]).agg(counts).collect()?;
        let columns = [
            col("doc"),
            col("sentence"),
            text_column("label"),
            col("context"),
            col("context").str().len_chars().alias("chars"),
            col("spans").list().len().alias("count"),
        ];
        let sentences = chunk.clone().lazy().select(columns).collect()?;
        let spans = explode_list(chunk.clone().lazy(), "spans").collect()?;
        Ok(Self {
            rows: chunk.height() as u64,
            labels,
            tokens: tokens.map_or(Ok(Vec::new()), |tokens| count_tokens(&sentences, tokens))?,
            sentences,
            origins: value_counts(spans.clone().lazy(), struct_field("spans", "origin"))?,
            mentions: value_counts(spans.clone().lazy(), struct_field("spans", "text"))?,
            spans: spans.lazy().select(["start", "end"].map(|field| struct_field("spans", field))).collect()?,
        })
    }
}

/// The tokens of the context of each row that is not of the same sentence as the row before it.
fn count_tokens(sentences: &DataFrame, tokens: &TokenCounter) -> anyhow::Result<Vec<Option<u64>>> {
    let (docs, numbers) = (sentences.column("doc")?.str()?, sentences.column("sentence")?.u32()?);
    let contexts = sentences.column("context")?.str()?;
    let key = |row: usize| (docs.get(row), numbers.get(row));
    let count = |row: usize| {
        let is_first = row == 0 || key(row) != key(row - 1);
        contexts.get(row).filter(|_| is_first).map(|context| tokens.count(context)).transpose()
    };
    (0..sentences.height()).map(count).collect()
}

impl TripleCounter {
    fn add_chunk(&mut self, chunk: &TripleChunk) -> anyhow::Result<()> {
        self.rows += chunk.rows;
        self.rows_by_chunk.push(chunk.rows);
        let with_spans = self.add_labels(&chunk.labels)?;
        self.rows_with_spans_by_chunk.push(with_spans);
        self.add_sentences(chunk)?;
        for (origin, count) in &chunk.origins {
            *self.origins.entry(origin.clone()).or_default() += count;
        }
        chunk.mentions.iter().for_each(|(mention, count)| self.mentions.add(mention, *count));
        Ok(())
    }

    /// Adds to the statistics of labels, and returns the number of rows with a span.
    fn add_labels(&mut self, counts: &DataFrame) -> anyhow::Result<u64> {
        let mut with_spans = 0;
        for row in 0..counts.height() {
            let number = |column: &str| anyhow::Ok(u64::from(counts.column(column)?.u32()?.get(row).unwrap_or(0)));
            let label = counts.column("label")?.str()?.get(row).unwrap_or_default();
            let at = self.labels.iter().position(|known| known.label == label).unwrap_or_else(|| {
                self.labels.push(LabelStatistics { label: label.to_owned(), ..LabelStatistics::default() });
                self.labels.len() - 1
            });
            let known = &mut self.labels[at];
            known.rows += number("rows")?;
            known.impossible += number("impossible")?;
            known.spans += number("spans")?;
            with_spans += number("rows")? - number("impossible")?;
        }
        Ok(with_spans)
    }

    /// Counts sentences: consecutive rows with the same document and number.
    fn add_sentences(&mut self, chunk: &TripleChunk) -> anyhow::Result<()> {
        let frame = &chunk.sentences;
        let (docs, numbers, labels) = (frame.column("doc")?.str()?, frame.column("sentence")?.u32()?, frame.column("label")?.str()?);
        let (contexts, chars, counts) = (frame.column("context")?.str()?, frame.column("chars")?.u32()?, frame.column("count")?.u32()?);
        let (starts, ends) = (chunk.spans.column("start")?.u32()?, chunk.spans.column("end")?.u32()?);
        let mut spans = starts.iter().zip(ends.iter());
        for row in 0..frame.height() {
            let (Some(doc), Some(number), Some(context)) = (docs.get(row), numbers.get(row), contexts.get(row)) else { continue };
            let count = counts.get(row).unwrap_or(0) as usize;
            let span_hashes = spans.by_ref().take(count).map(|span| stable_hash((labels.get(row), span)));
            match &mut self.open_sentence {
                Some(open) if open.doc == doc && open.number == number => open.spans.extend(span_hashes),
                open => {
                    self.docs += u64::from(open.as_ref().is_none_or(|open| open.doc != doc));
                    let next = OpenSentence { doc: doc.to_owned(), number, context: context.to_owned(), spans: span_hashes.collect() };
                    self.end_sentence();
                    self.open_sentence = Some(next);
                    self.context_chars.add(u64::from(chars.get(row).unwrap_or(0)), 1);
                    if let Some(tokens) = chunk.tokens.get(row).copied().flatten() {
                        self.context_tokens.add(tokens, 1);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_sentence(&mut self) {
        if let Some(sentence) = self.open_sentence.take() {
            self.sentences += 1;
            self.spans_per_sentence.add(sentence.spans.len() as u64, 1);
            self.duplicates.add(&sentence.context, stable_hash(&sentence.spans));
        }
    }

    /// Samples rows with spans, or any rows where none has spans.
    fn sample(&self, chunks: &RowChunks, label: Option<&str>, count: usize, style: HighlightStyle) -> anyhow::Result<Vec<Sample>> {
        let any_spans = self.rows_with_spans_by_chunk.iter().any(|&rows| rows > 0);
        let rows_by_chunk = if any_spans { &self.rows_with_spans_by_chunk } else { &self.rows_by_chunk };
        let rows = sample_rows(rows_by_chunk, count, |chunk| {
            let frame = rows_of_label(chunks, chunk, label)?;
            let frame = if any_spans { frame.filter(col("impossible").not()) } else { frame };
            Ok(frame.select([col("id"), text_column("label"), text_column("query"), col("context"), col("spans")]))
        })?;
        rows.into_iter().map(|row| sample_of_row(&row, style)).collect()
    }

    fn into_statistics(mut self, samples: Vec<Sample>) -> TripleStatistics {
        self.end_sentence();
        TripleStatistics {
            rows: self.rows,
            sentences: self.sentences,
            docs: self.docs,
            spans: self.labels.iter().map(|label| label.spans).sum(),
            impossible: self.labels.iter().map(|label| label.impossible).sum(),
            labels: self.labels,
            spans_per_sentence: self.spans_per_sentence.summary(),
            context_chars: self.context_chars.summary(),
            context_tokens: self.context_tokens.summary(),
            histograms: histograms([
                ("spans_per_sentence", &self.spans_per_sentence),
                ("context_chars", &self.context_chars),
                ("context_tokens", &self.context_tokens),
            ]),
            origins: self.origins,
            duplicates: self.duplicates.into_report(),
            mentions: self.mentions.into_most_frequent(),
            samples,
        }
    }
}

fn sample_of_row(row: &DataFrame, style: HighlightStyle) -> anyhow::Result<Sample> {
    let field = |name: &str| anyhow::Ok(row.column(name)?.str()?.get(0).unwrap_or_default().to_owned());
    let (label, text) = (field("label")?, field("context")?);
    let spans = explode_list(row.clone().lazy(), "spans");
    let spans = spans.select(["start", "end"].map(|name| struct_field("spans", name))).collect()?;
    let (starts, ends) = (spans.column("start")?.u32()?, spans.column("end")?.u32()?);
    let ranges = starts.iter().zip(ends.iter()).filter_map(|(start, end)| Some(start?..end?));
    let spans: Vec<_> = ranges.map(|range| (range, label.clone())).collect();
    let highlighted = highlight_spans(&text, &spans, style);
    Ok(Sample { id: field("id")?, query: Some(field("query")?), label: Some(label), highlighted, text, spans })
}
