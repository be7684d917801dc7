//! Settings of the commands that read dumps and folders of pages.

use std::path::PathBuf;

use encoding_rs::Encoding;
use schemas::QuerySet;

use crate::gazetteer::AmbiguousNames;
use crate::input::settings::InputSettings;
use crate::label::nee::MatchIn;
use crate::label::sentences::SentenceRules;
use crate::run::output::OutputSettings;
use crate::run::page_settings::PageSettings;

/// Settings of a job over pages: all of `prep pages`, and what `prep esi` and `prep nee` share with it.
#[derive(Debug, Clone)]
pub struct PageJobConfig {
    /// Which inputs are read.
    pub inputs: InputSettings,
    /// Which pages are kept, and what their text is like.
    pub pages: PageSettings,
    /// Where the rows go.
    pub output: OutputSettings,
    /// File of the page report.
    pub report: Option<PathBuf>,
    /// Bytes of text in a unit: between two checkpoints.
    pub unit_bytes: u64,
}

/// Settings of `prep esi`.
#[derive(Debug, Clone)]
pub struct EsiConfig {
    /// What it shares with `prep pages`.
    pub job: PageJobConfig,
    /// Query set with one label; `None`: the built-in one of each wiki's language.
    pub queries: Option<QuerySet>,
    /// Whether later mentions of links and of the title are spans too.
    pub repeat_mentions: bool,
    /// Which sentences are kept.
    pub rules: SentenceRules,
}

/// Settings of `prep nee`.
#[derive(Debug, Clone)]
pub struct NeeConfig {
    /// What it shares with `prep pages`.
    pub job: PageJobConfig,
    /// The query set.
    pub queries: QuerySet,
    /// Whether later mentions of labelled links and of the title are spans too.
    pub repeat_mentions: bool,
    /// Which sentences are kept.
    pub rules: SentenceRules,
    /// Files of names.
    pub gazetteers: Vec<GazetteerConfig>,
    /// Folders of names.
    pub names: Vec<PathBuf>,
    /// Smallest share of names that are looked for in the text and label links by their text.
    pub min_share: f32,
    /// Smallest count of such names.
    pub min_count: u32,
    /// Where names are looked for.
    pub matching: MatchIn,
    /// The label of names in gazetteers of several labels.
    pub ambiguous: AmbiguousNames,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
    /// Whether chars are compared in Unicode's compatibility form (NFKC).
    pub nfkc: bool,
    /// Encoding of gazetteers without a byte-order mark.
    pub encoding: &'static Encoding,
    /// Whether underscores in names are spaces.
    pub underscores: bool,
    /// Fewest chars of a name that is looked for in the text.
    pub min_length: usize,
    /// Position in the query set of the label whose names are repeated by their last word.
    pub family_label: Option<usize>,
    /// Files of texts that are no names.
    pub stop: Vec<PathBuf>,
}

/// A file of names of one label.
#[derive(Debug, Clone)]
pub struct GazetteerConfig {
    /// Position of the label in the query set.
    pub label: usize,
    /// `FILE[:COLUMN]` as given.
    pub file: String,
}
