//! Settings of the commands that check a folder: `prep inspect` and `prep verify`.

use std::path::PathBuf;

/// Settings of `prep inspect`.
#[derive(Debug, Clone)]
pub struct InspectConfig {
    /// The folder.
    pub dir: PathBuf,
    /// Label of the triples that are counted; `None`: all.
    pub label: Option<String>,
    /// Number of samples; `None`: the default of the kind of report.
    pub samples: Option<usize>,
    /// Tokenizer by which tokens are counted.
    pub tokenizer: Option<PathBuf>,
    /// Kind of report.
    pub report: ReportKind,
}

/// How a report is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportKind {
    /// Text on standard output.
    Text,
    /// JSON on standard output.
    Json,
    /// An HTML file.
    Html(PathBuf),
}

/// Settings of `prep verify`.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// The folder.
    pub dir: PathBuf,
}
