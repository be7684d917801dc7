//! Arguments of `prep queries`.

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
