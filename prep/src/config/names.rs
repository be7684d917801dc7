//! Settings of `prep names`.

use std::path::PathBuf;

use encoding_rs::Encoding;

use crate::run::output::OutputSettings;

/// Settings of `prep names`.
#[derive(Debug, Clone)]
pub enum NamesConfig {
    /// `prep names pages`
    Pages(NamesPagesConfig),
}

/// Settings of `prep names pages`.
#[derive(Debug, Clone)]
pub struct NamesPagesConfig {
    /// Folders of pages.
    pub dirs: Vec<PathBuf>,
    /// Where the names go.
    pub output: OutputSettings,
    /// Rules by which pages and titles get their labels: a built-in set or a TOML file.
    pub types: String,
    /// Files of the lists that rules refer to.
    pub known: Vec<KnownListConfig>,
    /// Encoding of these files where they have no byte-order mark.
    pub encoding: &'static Encoding,
}

/// A file of entries of a list.
#[derive(Debug, Clone)]
pub struct KnownListConfig {
    /// Name of the list.
    pub list: String,
    /// `FILE[:COLUMN]` as given.
    pub file: String,
}
