//! Arguments of the commands that check a folder: `prep inspect` and `prep verify`.

use std::path::PathBuf;

use clap::Args;

/// `prep inspect`
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Folder of pages, triples or names
    pub dir: PathBuf,
    /// Only triples or names of this label
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Number of rows to show with their spans marked [default: 3; with --html 200]
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Count tokens too, with this `tokenizer.json` or `vocab.txt`
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the report as one self-contained HTML page, with charts and samples to browse
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub html: Option<PathBuf>,
}

/// `prep verify`
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Folder of pages, triples or names
    pub dir: PathBuf,
}
