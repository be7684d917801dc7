//! Settings of `prep names`.

use std::path::PathBuf;

use encoding_rs::Encoding;

use crate::names::wikidata::entity::NameSelection;
use crate::run::output::OutputSettings;

/// Settings of `prep names`.
#[derive(Debug, Clone)]
pub enum NamesConfig {
    /// `prep names pages`
    Pages(NamesPagesConfig),
    /// `prep names wikidata`
    Wikidata(NamesWikidataConfig),
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

/// Settings of `prep names wikidata`.
#[derive(Debug, Clone)]
pub struct NamesWikidataConfig {
    /// The dump; `-` is standard input.
    pub dump: PathBuf,
    /// Where the names go.
    pub output: OutputSettings,
    /// Rules by which classes get their labels: a built-in set or a TOML file.
    pub types: String,
    /// Which names are read.
    pub selection: NameSelection,
    /// Bytes of JSON between two checkpoints.
    pub unit_bytes: u64,
}

/// A file of entries of a list.
#[derive(Debug, Clone)]
pub struct KnownListConfig {
    /// Name of the list.
    pub list: String,
    /// `FILE[:COLUMN]` as given.
    pub file: String,
}
