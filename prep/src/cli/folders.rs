//! Arguments of `prep queries`, `prep inspect` and `prep verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `prep queries`
#[derive(Debug, Args)]
pub struct QueriesArgs {
    /// What to do with query sets.
    #[command(subcommand)]
    pub command: QueriesCommand,
}

/// The commands of `prep queries`.
#[derive(Debug, Subcommand)]
pub enum QueriesCommand {
    /// The built-in sets
    List,
    /// One set as TOML
    #[command(after_help = "Example:\n  prep queries show zh_msra > my.toml")]
    Show {
        /// Built-in name or TOML file
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
    /// A set out of the JSON that BERT-MRC code bases keep (`{"name": {"tags": […], "natural_query": {…}}}`)
    #[command(after_help = "Example:\n  prep queries import queries.json -o my.toml")]
    Import {
        /// JSON file
        file: PathBuf,
        /// TOML file to write; it must not exist
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// Which set, if the file holds several
        #[arg(long)]
        name: Option<String>,
    },
}

/// `prep inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Folder of pages or triples
    pub dir: PathBuf,
    /// Only triples of this label
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Rows to show with their spans marked [default: 3, on a page 200]
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Count tokens too, with this `tokenizer.json` or `vocab.txt`
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// The report as JSON
    #[arg(long)]
    pub json: bool,
    /// The report as one page that needs nothing else, with charts and samples to browse
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub html: Option<PathBuf>,
}

/// `prep verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder of pages or triples
    pub dir: PathBuf,
}
