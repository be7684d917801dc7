//! Statistics of a folder of triples.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charts::{Bar, Chart, Panel};
use super::duplicates::DuplicateReport;
use super::highlight::without_control_chars;
use super::lengths::{HistogramBin, LengthSummary};
use super::sample::Sample;
use super::text_table::align_columns;
use super::top_texts::{TextCount, first_counts};
use crate::number_format::{counted, grouped, share};

/// What a folder of triples holds.
#[derive(Debug, Serialize)]
pub struct TripleStatistics {
    /// Triples.
    pub rows: u64,
    /// Sentences.
    pub sentences: u64,
    /// Documents: runs of rows with the same one.
    pub docs: u64,
    /// Spans.
    pub spans: u64,
    /// Triples without a span.
    pub impossible: u64,
    /// By label, in order of first appearance.
    pub labels: Vec<LabelStatistics>,
    /// Spans of a sentence, over all labels.
    pub spans_per_sentence: Option<LengthSummary>,
    /// Chars of a sentence.
    pub context_chars: Option<LengthSummary>,
    /// Word pieces of a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<LengthSummary>,
    /// Histograms of the three distributions above, by their names.
    pub histograms: BTreeMap<&'static str, Vec<HistogramBin>>,
    /// Spans by origin.
    pub origins: BTreeMap<String, u64>,
    /// Sentences that occur more than once.
    pub duplicates: DuplicateReport,
    /// The most frequent texts of spans.
    pub mentions: Vec<TextCount>,
    /// Triples with spans, spread over the folder; triples without where no triple has any.
    pub samples: Vec<Sample>,
}

/// What a folder holds of a label.
#[derive(Debug, Default, Serialize)]
pub struct LabelStatistics {
    /// The label.
    pub label: String,
    /// Its triples.
    pub rows: u64,
    /// Those of them without a span.
    pub impossible: u64,
    /// Its spans.
    pub spans: u64,
}

impl TripleStatistics {
    /// The figures at the top of an HTML report.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        vec![
            ("triples", grouped(self.rows)),
            ("sentences", grouped(self.sentences)),
            ("documents", grouped(self.docs)),
            ("spans", grouped(self.spans)),
            ("triples without a span", share(self.impossible, self.rows)),
            ("duplicate sentences", grouped(self.duplicates.copies)),
        ]
    }

    /// The charts of an HTML report.
    pub fn panels(&self) -> Vec<Panel> {
        let bar = |label: &LabelStatistics| {
            let with_spans = label.rows - label.impossible;
            let note = format!("{} spans, {}", grouped(label.spans), share(with_spans, label.rows));
            Bar { name: label.label.clone(), value: label.rows, emphasised: with_spans, note }
        };
        let histogram = |name, title, summary| Panel::histogram(title, summary, self.histograms.get(name));
        vec![
            Panel {
                title: "Labels".to_owned(),
                note: "spans; share of triples with a span, in full colour".to_owned(),
                chart: Chart::Bars(self.labels.iter().map(bar).collect()),
            },
            histogram("spans_per_sentence", "Spans per sentence", self.spans_per_sentence),
            histogram("context_chars", "Chars per sentence", self.context_chars),
            histogram("context_tokens", "Word pieces per sentence", self.context_tokens),
            Panel::counts("Origins of spans", String::new(), &self.origins),
            Panel::most_frequent("Most frequent mentions", String::new(), &self.mentions),
            Panel::most_frequent("Duplicate sentences", self.duplicates.to_string(), &self.duplicates.most_frequent),
        ]
    }

    fn label_table(&self) -> String {
        let mut rows = vec![["label", "triples", "impossible", "spans"].map(str::to_owned)];
        for label in &self.labels {
            let name = without_control_chars(&label.label);
            rows.push([name, grouped(label.rows), share(label.impossible, label.rows), grouped(label.spans)]);
        }
        if self.labels.len() > 1 {
            rows.push(["all".to_owned(), grouped(self.rows), share(self.impossible, self.rows), grouped(self.spans)]);
        }
        align_columns(&rows)
    }
}

impl std::fmt::Display for TripleStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n", self.label_table())?;
        writeln!(f, "sentences       {} in {}", grouped(self.sentences), counted(self.docs, "document"))?;
        let summaries =
            [("spans/sentence", self.spans_per_sentence), ("context chars", self.context_chars), ("context tokens", self.context_tokens)];
        for (name, summary) in summaries {
            if let Some(summary) = summary {
                writeln!(f, "{name:<15} {summary}")?;
            }
        }
        let origins: Vec<String> = self.origins.iter().map(|(origin, count)| format!("{origin} {}", grouped(*count))).collect();
        writeln!(f, "origins         {}", origins.join(", "))?;
        writeln!(f, "duplicates      {}", self.duplicates)?;
        writeln!(f, "top mentions    {}", first_counts(&self.mentions))
    }
}
