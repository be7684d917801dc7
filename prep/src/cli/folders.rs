//! Arguments of `prep queries`, `prep inspect` and `prep verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `prep queries`
#[derive(Debug, Args)]
pub(super) struct QueriesArgs {
    /// What to do with query sets.
    #[command(subcommand)]
    pub command: QueriesCommand,
}

/// The commands of `prep queries`.
#[derive(Debug, Subcommand)]
pub(super) enum QueriesCommand {
    /// Lists the built-in sets
    List,
    /// Prints a set as TOML
    #[command(after_help = "Example:\n  prep queries show zh_msra > my.toml")]
    Show {
        /// Built-in name or TOML file
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
    /// Converts a set from the JSON that BERT-MRC code bases use (`{"name": {"tags": […], "natural_query": {…}}}`)
    #[command(after_help = "Example:\n  prep queries import queries.json -o my.toml")]
    Import {
        /// JSON file
        file: PathBuf,
        /// TOML file to write; it must not exist
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// Name of the set, if the file holds several
        #[arg(long)]
        name: Option<String>,
    },
}

/// `prep inspect`
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Folder of pages or triples
    pub dir: PathBuf,
    /// Only triples of this label
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
    /// Folder of pages or triples
    pub dir: PathBuf,
}
