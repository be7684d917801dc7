//! Settings of `prep queries`.

use std::path::PathBuf;

use schemas::QuerySet;

/// What `prep queries` does.
#[derive(Debug, Clone)]
pub enum QueriesConfig {
    /// Lists the built-in query sets.
    List,
    /// Prints a query set as TOML.
    Show(QuerySet),
    /// Converts a JSON file of query sets.
    Import {
        /// The file.
        file: PathBuf,
        /// TOML file that is written; it must not exist.
        output: PathBuf,
        /// Which set of the file; `None`: the only one.
        name: Option<String>,
    },
}
