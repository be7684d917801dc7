//! What a folder of triples holds.

use std::collections::BTreeMap;

use anyhow::bail;
use polars::prelude::*;
use serde::Serialize;

use super::chart::{Bar, Chart, Panel};
use super::count::{Bin, Count, DuplicateReport, Duplicates, Lengths, Spread, Top, hash};
use super::mark::{Style, marked, printable};
use super::parts::{Parts, chosen, exploded, value_counts};
use super::tokens::TokenCounter;
use super::{BINS, SHOWN, Sample, most_frequent, table};
use crate::number_format::{counted, grouped, share};

/// Counts of triples.
#[derive(Debug, Serialize)]
pub struct TripleReport {
    /// Triples.
    pub rows: u64,
    /// Sentences.
    pub sentences: u64,
    /// Documents: runs of rows with the same one.
    pub docs: u64,
    /// Answers.
    pub spans: u64,
    /// Triples without an answer.
    pub impossible: u64,
    /// By label, in the order they come.
    pub labels: Vec<LabelCount>,
    /// Answers a sentence, over all labels.
    pub spans_per_sentence: Option<Spread>,
    /// Lengths of the sentences.
    pub context_chars: Option<Spread>,
    /// The same in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<Spread>,
    /// How often each length comes, by what is long.
    pub histograms: BTreeMap<&'static str, Vec<Bin>>,
    /// Answers by origin.
    pub origins: BTreeMap<String, u64>,
    /// Sentences with the same text.
    pub duplicates: DuplicateReport,
    /// The most frequent answers.
    pub mentions: Vec<Count>,
    /// Rows with answers, spread over the folder; rows without where there are none.
    pub samples: Vec<Sample>,
}

/// Counts of a label.
#[derive(Debug, Default, Serialize)]
pub struct LabelCount {
    /// The label.
    pub label: String,
    /// Its triples.
    pub rows: u64,
    /// Those without an answer.
    pub impossible: u64,
    /// Its answers.
    pub spans: u64,
}

/// Counts a folder of triples, part by part.
///
/// # Errors
/// A shard that cannot be read, or no row of the label.
pub fn report(
    parts: &Parts,
    label: Option<&str>,
    sample: usize,
    tokens: Option<&TokenCounter>,
    style: Style,
) -> anyhow::Result<TripleReport> {
    let mut tally = Sums::default();
    for part in 0..parts.count() {
        tally.add(part_of(parts, part, label)?, tokens)?;
    }
    if let (Some(label), 0) = (label, tally.rows) {
        bail!("no row of label `{label}`; the folder has {}", all_labels(parts)?.join(", "));
    }
    let samples = samples(parts, label, &tally, sample, style)?;
    tally.end_sentence();
    let lengths = [("spans_per_sentence", &tally.spans), ("context_chars", &tally.chars), ("context_tokens", &tally.tokens)];
    let histograms = lengths.into_iter().map(|(name, lengths)| (name, lengths.bins(BINS))).filter(|(_, bins)| !bins.is_empty());
    Ok(TripleReport {
        histograms: histograms.collect(),
        duplicates: tally.duplicates.report(SHOWN),
        rows: tally.rows,
        sentences: tally.sentences,
        docs: tally.docs,
        spans: tally.labels.iter().map(|label| label.spans).sum(),
        impossible: tally.labels.iter().map(|label| label.impossible).sum(),
        labels: tally.labels,
        spans_per_sentence: tally.spans.spread(),
        context_chars: tally.chars.spread(),
        context_tokens: tally.tokens.spread(),
        origins: tally.origins,
        mentions: tally.mentions.first(SHOWN),
        samples,
    })
}

fn part_of(parts: &Parts, part: usize, label: Option<&str>) -> anyhow::Result<LazyFrame> {
    let frame = parts.frame(part)?;
    Ok(match label {
        Some(label) => frame.filter(text("label").eq(lit(label.to_owned()))),
        None => frame,
    })
}

/// A dictionary column as plain text.
fn text(column: &str) -> Expr {
    col(column).cast(DataType::String)
}

fn all_labels(parts: &Parts) -> anyhow::Result<Vec<String>> {
    let mut labels = std::collections::BTreeSet::new();
    for part in 0..parts.count() {
        labels.extend(value_counts(parts.frame(part)?, col("label"))?.into_iter().map(|(label, _)| label));
    }
    Ok(labels.into_iter().collect())
}

#[derive(Default)]
struct Sums {
    rows: u64,
    sentences: u64,
    docs: u64,
    labels: Vec<LabelCount>,
    spans: Lengths,
    chars: Lengths,
    tokens: Lengths,
    origins: BTreeMap<String, u64>,
    mentions: Top,
    duplicates: Duplicates,
    /// The sentence that may go on in the next part.
    sentence: Option<Sentence>,
    /// Rows with an answer, by part; and all.
    answered: Vec<u64>,
    wanted: Vec<u64>,
}

/// A sentence whose rows are not all seen.
struct Sentence {
    doc: String,
    number: u32,
    context: String,
    /// Label, start and end of each answer, as hashes.
    answers: Vec<u64>,
}

impl Sums {
    fn add(&mut self, part: LazyFrame, tokens: Option<&TokenCounter>) -> anyhow::Result<()> {
        let columns = ["doc", "sentence", "label", "context", "spans", "impossible"].map(col);
        let part = part.select(columns).collect()?;
        let rows = part.height() as u64;
        self.rows += rows;
        let answered = self.add_labels(part.clone().lazy())?;
        self.answered.push(answered);
        self.wanted.push(rows);
        self.add_sentences(part.clone().lazy(), tokens)?;
        let spans = exploded(part.lazy(), "spans").collect()?;
        for (origin, count) in value_counts(spans.clone().lazy(), col("spans").struct_().field_by_name("origin"))? {
            *self.origins.entry(origin).or_default() += count;
        }
        for (mention, count) in value_counts(spans.lazy(), col("spans").struct_().field_by_name("text"))? {
            self.mentions.add(&mention, count);
        }
        Ok(())
    }

    /// Adds to the labels; gives the number of rows with an answer.
    fn add_labels(&mut self, part: LazyFrame) -> anyhow::Result<u64> {
        let counts = part
            .group_by_stable([text("label")])
            .agg([len().alias("rows"), col("impossible").sum(), col("spans").list().len().sum().alias("spans")])
            .collect()?;
        let mut answered = 0;
        for row in 0..counts.height() {
            let number = |column: &str| anyhow::Ok(u64::from(counts.column(column)?.u32()?.get(row).unwrap_or(0)));
            let label = counts.column("label")?.str()?.get(row).unwrap_or_default();
            let at = self.labels.iter().position(|known| known.label == label).unwrap_or_else(|| {
                self.labels.push(LabelCount { label: label.to_owned(), ..LabelCount::default() });
                self.labels.len() - 1
            });
            let known = &mut self.labels[at];
            known.rows += number("rows")?;
            known.impossible += number("impossible")?;
            known.spans += number("spans")?;
            answered += number("rows")? - number("impossible")?;
        }
        Ok(answered)
    }

    /// Takes rows that follow each other with the same document and number for one sentence.
    fn add_sentences(&mut self, part: LazyFrame, tokens: Option<&TokenCounter>) -> anyhow::Result<()> {
        let columns = [
            col("doc"),
            col("sentence"),
            text("label"),
            col("context"),
            col("context").str().len_chars().alias("chars"),
            col("spans").list().len().alias("count"),
        ];
        let frame = part.clone().select(columns).collect()?;
        let (docs, numbers, labels) = (frame.column("doc")?.str()?, frame.column("sentence")?.u32()?, frame.column("label")?.str()?);
        let (contexts, chars, counts) = (frame.column("context")?.str()?, frame.column("chars")?.u32()?, frame.column("count")?.u32()?);
        let spans = exploded(part, "spans").select(["start", "end"].map(|name| col("spans").struct_().field_by_name(name))).collect()?;
        let (starts, ends) = (spans.column("start")?.u32()?, spans.column("end")?.u32()?);
        let mut spans = starts.iter().zip(ends.iter());
        for row in 0..frame.height() {
            let (Some(doc), Some(number), Some(context)) = (docs.get(row), numbers.get(row), contexts.get(row)) else { continue };
            let count = counts.get(row).unwrap_or(0) as usize;
            let answers = spans.by_ref().take(count).map(|span| hash((labels.get(row), span)));
            match &mut self.sentence {
                Some(known) if known.doc == doc && known.number == number => known.answers.extend(answers),
                known => {
                    self.docs += u64::from(known.as_ref().is_none_or(|known| known.doc != doc));
                    let next = Sentence { doc: doc.to_owned(), number, context: context.to_owned(), answers: answers.collect() };
                    self.end_sentence();
                    self.sentence = Some(next);
                    self.chars.add(u64::from(chars.get(row).unwrap_or(0)), 1);
                    if let Some(tokens) = tokens {
                        self.tokens.add(tokens.count(context)?, 1);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_sentence(&mut self) {
        if let Some(sentence) = self.sentence.take() {
            self.sentences += 1;
            self.spans.add(sentence.answers.len() as u64, 1);
            self.duplicates.add(&sentence.context, hash(&sentence.answers));
        }
    }
}

fn samples(parts: &Parts, label: Option<&str>, tally: &Sums, count: usize, style: Style) -> anyhow::Result<Vec<Sample>> {
    let any_answer = tally.answered.iter().any(|&rows| rows > 0);
    let wanted = if any_answer { &tally.answered } else { &tally.wanted };
    let rows = chosen(wanted, count, |part| {
        let frame = part_of(parts, part, label)?;
        let frame = if any_answer { frame.filter(col("impossible").not()) } else { frame };
        Ok(frame.select([col("id"), text("label").alias("label"), text("query").alias("query"), col("context"), col("spans")]))
    })?;
    rows.into_iter().map(|row| show(&row, style)).collect()
}

fn show(row: &DataFrame, style: Style) -> anyhow::Result<Sample> {
    let field = |name: &str| anyhow::Ok(row.column(name)?.str()?.get(0).unwrap_or_default().to_owned());
    let (label, text) = (field("label")?, field("context")?);
    let spans = exploded(row.clone().lazy(), "spans");
    let spans = spans.select(["start", "end"].map(|name| col("spans").struct_().field_by_name(name))).collect()?;
    let (starts, ends) = (spans.column("start")?.u32()?, spans.column("end")?.u32()?);
    let ranges = starts.iter().zip(ends.iter()).filter_map(|(start, end)| Some(start?..end?));
    let spans: Vec<_> = ranges.map(|range| (range, label.clone())).collect();
    Ok(Sample { id: field("id")?, query: Some(field("query")?), label: Some(label), marked: marked(&text, &spans, style), text, spans })
}

impl TripleReport {
    /// The figures at the top of a page.
    pub(super) fn cards(&self) -> Vec<(&'static str, String)> {
        vec![
            ("triples", grouped(self.rows)),
            ("sentences", grouped(self.sentences)),
            ("documents", grouped(self.docs)),
            ("answers", grouped(self.spans)),
            ("triples without an answer", share(self.impossible, self.rows)),
            ("copies of sentences", grouped(self.duplicates.copies)),
        ]
    }

    /// The charts of a page.
    pub(super) fn panels(&self) -> Vec<Panel> {
        let labels = self.labels.iter().map(|label| {
            let answered = label.rows - label.impossible;
            let note = format!("{} answers, {} answered", grouped(label.spans), share(answered, label.rows));
            Bar { name: label.label.clone(), value: label.rows, full: answered, note }
        });
        let histogram = |name, title, spread| Panel::lengths(title, spread, self.histograms.get(name));
        vec![
            Panel {
                title: "Labels".to_owned(),
                note: "triples with an answer, and in pale those without".to_owned(),
                chart: Chart::Bars(labels.collect()),
            },
            histogram("spans_per_sentence", "Answers a sentence", self.spans_per_sentence),
            histogram("context_chars", "Chars a sentence", self.context_chars),
            histogram("context_tokens", "Tokens a sentence", self.context_tokens),
            Panel::counts("Origins of the answers", String::new(), &self.origins),
            Panel::most("Most frequent mentions", String::new(), &self.mentions),
            Panel::most("Sentences that come more than once", self.duplicates.to_string(), &self.duplicates.most),
        ]
    }
}

impl std::fmt::Display for TripleReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rows = vec![["label".to_owned(), "triples".to_owned(), "impossible".to_owned(), "spans".to_owned()]];
        for label in &self.labels {
            rows.push([printable(&label.label), grouped(label.rows), share(label.impossible, label.rows), grouped(label.spans)]);
        }
        if self.labels.len() > 1 {
            rows.push(["all".to_owned(), grouped(self.rows), share(self.impossible, self.rows), grouped(self.spans)]);
        }
        writeln!(f, "{}\n", table(&rows))?;
        writeln!(f, "sentences       {} in {}", grouped(self.sentences), counted(self.docs, "document"))?;
        let lines =
            [("spans/sentence", self.spans_per_sentence), ("context chars", self.context_chars), ("context tokens", self.context_tokens)];
        for (name, spread) in lines {
            if let Some(spread) = spread {
                writeln!(f, "{name:<15} {spread}")?;
            }
        }
        let origins: Vec<String> = self.origins.iter().map(|(origin, count)| format!("{origin} {}", grouped(*count))).collect();
        writeln!(f, "origins         {}", origins.join(", "))?;
        writeln!(f, "duplicates      {}", self.duplicates)?;
        writeln!(f, "top mentions    {}", most_frequent(&self.mentions))
    }
}
