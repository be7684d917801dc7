//! Statistics of a folder of pages.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charts::Panel;
use super::duplicates::DuplicateReport;
use super::lengths::{HistogramBin, LengthSummary};
use super::sample::Sample;
use super::top_texts::{TextCount, first_counts};
use crate::number_format::grouped;

/// What a folder of pages holds.
#[derive(Debug, Default, Serialize)]
pub struct PageStatistics {
    /// Pages.
    pub rows: u64,
    /// Redirect pages.
    pub redirects: u64,
    /// Disambiguation pages.
    pub disambiguations: u64,
    /// Pages without text, redirects among them.
    pub empty: u64,
    /// Chars of text.
    pub chars: u64,
    /// Links.
    pub anchors: u64,
    /// Sentences.
    pub sentences: u64,
    /// Chars of a page with text.
    pub text_chars: Option<LengthSummary>,
    /// Word pieces of a page with text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<LengthSummary>,
    /// Chars of a sentence.
    pub sentence_chars: Option<LengthSummary>,
    /// Histograms of the three distributions above, and of the links of a page, by their names.
    pub histograms: BTreeMap<&'static str, Vec<HistogramBin>>,
    /// Pages with the text of another page.
    pub duplicates: DuplicateReport,
    /// Segments by kind.
    pub segments: BTreeMap<String, u64>,
    /// Pages by issue of their wikitext.
    pub issues: BTreeMap<String, u64>,
    /// The most frequent targets of links.
    pub targets: Vec<TextCount>,
    /// Pages with links, spread over the folder; pages without where no page has any.
    pub samples: Vec<Sample>,
}

impl PageStatistics {
    /// The figures at the top of an HTML report.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        vec![
            ("pages", grouped(self.rows)),
            ("redirects", grouped(self.redirects)),
            ("disambiguations", grouped(self.disambiguations)),
            ("without text", grouped(self.empty)),
            ("chars", grouped(self.chars)),
            ("sentences", grouped(self.sentences)),
            ("links", grouped(self.anchors)),
            ("duplicate texts", grouped(self.duplicates.copies)),
        ]
    }

    /// The charts of an HTML report.
    pub fn panels(&self) -> Vec<Panel> {
        let histogram = |name, title, summary| Panel::histogram(title, summary, self.histograms.get(name));
        vec![
            histogram("text_chars", "Chars per page", self.text_chars),
            histogram("text_tokens", "Word pieces per page", self.text_tokens),
            histogram("sentence_chars", "Chars per sentence", self.sentence_chars),
            histogram("anchors_per_page", "Links per page", None),
            Panel::counts("Segments", String::new(), &self.segments),
            Panel::counts("Issues of the wikitext", String::new(), &self.issues),
            Panel::most_frequent("Most frequent link targets", String::new(), &self.targets),
            Panel::most_frequent("Duplicate texts", self.duplicates.to_string(), &self.duplicates.most_frequent),
        ]
    }
}

impl std::fmt::Display for PageStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |counts: &BTreeMap<String, u64>| {
            let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
            if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
        };
        writeln!(
            f,
            "pages           {}: {} redirects, {} disambiguations, {} without text",
            grouped(self.rows),
            grouped(self.redirects),
            grouped(self.disambiguations),
            grouped(self.empty)
        )?;
        writeln!(f, "chars           {}", grouped(self.chars))?;
        let summaries = [("text chars", self.text_chars), ("text tokens", self.text_tokens), ("sentence chars", self.sentence_chars)];
        for (name, summary) in summaries.into_iter().filter_map(|(name, summary)| Some((name, summary?))) {
            writeln!(f, "{name:<15} {summary}")?;
        }
        let rate = if self.chars == 0 { 0.0 } else { self.anchors as f64 * 1000.0 / self.chars as f64 };
        writeln!(f, "anchors         {}, {rate:.1} per 1,000 chars", grouped(self.anchors))?;
        writeln!(f, "sentences       {}", grouped(self.sentences))?;
        writeln!(f, "segments        {}", list(&self.segments))?;
        writeln!(f, "issues          {}", list(&self.issues))?;
        writeln!(f, "duplicates      {}", self.duplicates)?;
        writeln!(f, "top targets     {}", first_counts(&self.targets))
    }
}
