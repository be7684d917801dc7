//! The report of a folder.

use schemas::manifest::VanishedTemplate;
use serde::Serialize;

use super::charts::Panel;
use super::highlight::without_control_chars;
use super::name_statistics::NameStatistics;
use super::page_statistics::PageStatistics;
use super::sample::Sample;
use super::triple_statistics::TripleStatistics;
use crate::number_format::{counted, grouped};

/// Templates that are shown as text; JSON has all that the manifest has.
const SHOWN_TEMPLATES: usize = 20;

/// What a folder holds.
#[derive(Debug, Serialize)]
pub struct FolderReport {
    /// The folder as it was given.
    pub dir: String,
    /// The schema of its rows.
    pub schema: String,
    /// Whether its manifest says that it is complete.
    pub complete: bool,
    /// The number of shards.
    pub shards: u64,
    /// The size of all shards.
    pub bytes: u64,
    /// Templates in the running text that left nothing, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vanished_templates: Vec<VanishedTemplate>,
    /// Statistics of its rows.
    #[serde(flatten)]
    pub rows: RowStatistics,
}

/// Statistics of rows of a schema.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum RowStatistics {
    /// Of triples.
    Triples(TripleStatistics),
    /// Of pages.
    Pages(PageStatistics),
    /// Of names.
    Names(NameStatistics),
}

impl FolderReport {
    /// The schema, shards and size in a line.
    pub fn summary(&self) -> String {
        let state = if self.complete { "" } else { ", not complete" };
        format!("{} in {}, {} bytes{state}", self.schema, counted(self.shards, "shard"), grouped(self.bytes))
    }
}

impl RowStatistics {
    /// Rows that are shown as examples.
    pub fn samples(&self) -> &[Sample] {
        match self {
            Self::Triples(statistics) => &statistics.samples,
            Self::Pages(statistics) => &statistics.samples,
            Self::Names(statistics) => &statistics.samples,
        }
    }

    /// The figures at the top of an HTML report, each with its name.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Triples(statistics) => statistics.figures(),
            Self::Pages(statistics) => statistics.figures(),
            Self::Names(statistics) => statistics.figures(),
        }
    }

    /// The charts of an HTML report.
    pub fn panels(&self) -> Vec<Panel> {
        match self {
            Self::Triples(statistics) => statistics.panels(),
            Self::Pages(statistics) => statistics.panels(),
            Self::Names(statistics) => statistics.panels(),
        }
    }
}

impl std::fmt::Display for FolderReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}\n", self.dir, self.summary())?;
        match &self.rows {
            RowStatistics::Triples(statistics) => statistics.fmt(f)?,
            RowStatistics::Pages(statistics) => statistics.fmt(f)?,
            RowStatistics::Names(statistics) => statistics.fmt(f)?,
        }
        if !self.vanished_templates.is_empty() {
            writeln!(f, "\ntemplates in the text that --templates could show:")?;
        }
        for template in self.vanished_templates.iter().take(SHOWN_TEMPLATES) {
            writeln!(f, "{:>9}  {}", grouped(template.count), without_control_chars(&template.example))?;
        }
        for sample in self.rows.samples() {
            let query = sample.query.as_ref().map(|query| format!("  {}", without_control_chars(query))).unwrap_or_default();
            writeln!(f, "\n{}{query}\n  {}", without_control_chars(&sample.id), sample.highlighted)?;
        }
        Ok(())
    }
}
