//! The settings that shape the rows, as the manifest records them.

use std::collections::BTreeMap;

use schemas::QuerySet;
use schemas::manifest::InputFile;
use serde::Serialize;

use super::extractors::Extractors;
use super::page_settings::PageSettings;
use crate::gazetteer::AmbiguousNames;
use crate::input::inputs::Inputs;
use crate::input::plan::PlannedPart;
use crate::input::settings::InputSettings;
use crate::label::buckets::Buckets;
use crate::label::nee::MatchIn;
use crate::wikitext::{ChineseVariant, ExtraSegment};

/// `config` in the manifest of a run over pages. A run is resumed only with the same.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestConfig {
    namespaces: Vec<i32>,
    variant: Option<ChineseVariant>,
    #[serde(rename = "with")]
    extra_segments: Vec<ExtraSegment>,
    /// BLAKE3 of the user's templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    templates: Option<String>,
    strict: bool,
    skip_damaged: bool,
    /// Bytes of text in a unit: shards end where units do.
    #[serde(rename = "unit")]
    unit_bytes: u64,
    resolve_redirects: bool,
    /// Multistream indexes that the dumps were compared with.
    #[serde(rename = "index", skip_serializing_if = "Vec::is_empty")]
    indexes: Vec<InputFile>,
    /// The part of a plan that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlannedPart>,
    /// Names of the namespaces by language: a reader of the pages tells articles from other links by them.
    sites: BTreeMap<String, BTreeMap<i32, String>>,
    #[serde(flatten)]
    triples: Option<ManifestTripleConfig>,
}

/// Settings of `prep esi` and `prep nee`.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestTripleConfig {
    /// The query sets.
    pub queries: Vec<QuerySet>,
    /// Fewest spans in a sentence.
    pub min_entities: usize,
    /// Most chars in a sentence.
    pub max_chars: usize,
    /// Whether sentences in which a template vanished are skipped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_holes: bool,
    /// Whether later mentions are spans.
    pub repeat_mentions: bool,
    /// Settings of `prep nee`.
    #[serde(flatten)]
    pub nee: Option<ManifestNeeConfig>,
}

/// Settings of `prep nee` beyond those of `prep esi`.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestNeeConfig {
    /// The files of names.
    pub gazetteers: Vec<ManifestGazetteer>,
    /// Folders of names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Smallest share of names that are sure enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_share: Option<f32>,
    /// Smallest count of names that are sure enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u32>,
    /// Where names are looked for.
    #[serde(rename = "match")]
    pub matching: MatchIn,
    /// The label of names in gazetteers of several labels.
    pub ambiguous: AmbiguousNames,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
    /// Whether chars are compared in Unicode's compatibility form.
    pub nfkc: bool,
    /// Encoding of gazetteers without a byte-order mark.
    pub encoding: &'static str,
    /// Whether underscores in names are spaces.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub underscores: bool,
    /// Fewest chars of a name that is looked for in the text.
    pub min_length: usize,
    /// Files of texts that are no names.
    pub stop: Vec<String>,
    /// Label of the names that are repeated by their last word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_names: Option<String>,
    /// Most names of unknown label in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unknown: Option<usize>,
    /// Partitions by the number of spans.
    pub buckets: Option<Buckets>,
}

/// A file of names.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestGazetteer {
    /// Label of its names.
    pub label: String,
    /// Its path.
    pub path: String,
    /// The column that holds the names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

impl ManifestConfig {
    /// The settings of rows of pages.
    pub fn new(inputs: &Inputs, reading: &InputSettings, pages: &PageSettings, extractors: &Extractors, unit_bytes: u64) -> Self {
        Self {
            namespaces: pages.namespaces.clone(),
            variant: pages.variant,
            extra_segments: pages.extra_segments.clone(),
            templates: extractors.templates_hash.clone(),
            strict: pages.strict,
            skip_damaged: reading.skip_damaged,
            unit_bytes,
            resolve_redirects: reading.resolve_redirects,
            indexes: inputs.indexes().collect(),
            plan: inputs.planned.clone(),
            sites: inputs.sites.iter().map(|(lang, site)| (lang.clone(), site.namespaces.clone())).collect(),
            triples: None,
        }
    }

    /// The same with the settings of triples.
    pub fn with_triples(self, triples: Option<ManifestTripleConfig>) -> Self {
        Self { triples, ..self }
    }
}
