//! What a run is asked to do, checked, and as the manifest keeps it.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use schemas::QuerySet;
use schemas::manifest::InputFile;
use serde::{Deserialize, Serialize};

use crate::cli::{NeeArgs, TripleArgs};
use crate::gazetteer::name_file::NameFile;
use crate::gazetteer::normalizer::Normalizer;
use crate::gazetteer::{AmbiguousNames, GazetteerOptions};
use crate::label::buckets::Buckets;
use crate::label::nee::Matching;
use crate::wikitext::{ChineseVariant, ExtraSegment, ScriptConverter};

/// Settings that shape the rows, as the manifest keeps them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Config {
    pub namespaces: Vec<i32>,
    pub variant: Option<ChineseVariant>,
    pub with: Vec<ExtraSegment>,
    /// Hash of the user's templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<String>,
    pub strict: bool,
    pub skip_damaged: bool,
    /// Bytes of text between two points from which a run goes on: shards end there.
    pub unit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<Vec<QuerySet>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_entities: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_mentions: Option<bool>,
    pub resolve_redirects: bool,
    /// Indexes that the dumps were compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<InputFile>,
    /// Where only a part of some dumps is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlannedPart>,
    #[serde(flatten)]
    pub nee: Option<NeeConfig>,
    /// Names of the namespaces by language: who reads the pages tells articles from other links by them.
    pub sites: BTreeMap<String, BTreeMap<i32, String>>,
}

impl Config {
    /// The same for triples.
    pub(crate) fn of_triples(self, args: &TripleArgs) -> Self {
        let TripleArgs { repeat_mentions, min_entities, max_chars, .. } = *args;
        Self { repeat_mentions: Some(repeat_mentions), min_entities: Some(min_entities), max_chars: Some(max_chars), ..self }
    }
}

/// A part of a plan, as the manifest keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedPart {
    /// Hash of the plan's file.
    pub plan: String,
    /// The part's number.
    pub part: usize,
    /// How many there are.
    pub parts: usize,
    /// All dumps of the plan.
    pub dumps: Vec<InputFile>,
}

/// Settings of `prep nee` beyond those of `prep esi`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NeeConfig {
    gazetteers: Vec<FileConfig>,
    #[serde(rename = "match")]
    matching: Matching,
    ambiguous: AmbiguousNames,
    ignore_case: bool,
    nfkc: bool,
    encoding: &'static str,
    min_length: usize,
    stop: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_names: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unknown: Option<usize>,
    buckets: Option<Buckets>,
}

#[derive(Debug, Clone, Serialize)]
struct FileConfig {
    label: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
}

impl NeeConfig {
    /// The settings, and what the gazetteer is to be made of. `simplify`: the text is converted to Simplified Chinese.
    ///
    /// # Errors
    /// A label that the query set does not have, or a file that does not exist.
    pub(crate) fn new(args: &NeeArgs, set: &QuerySet, simplify: bool) -> anyhow::Result<(Self, GazetteerOptions)> {
        let mut files = Vec::new();
        let mut gazetteers = Vec::new();
        for arg in &args.gazetteer {
            let label = label(set, &arg.label).with_context(|| format!("--gazetteer {}={}", arg.label, arg.file))?;
            let file = NameFile::resolve(&arg.file).with_context(|| format!("--gazetteer {}={}", arg.label, arg.file))?;
            gazetteers.push(FileConfig { label: arg.label.clone(), path: file.path.display().to_string(), column: file.column.clone() });
            files.push((label, file));
        }
        ensure!(
            !args.triples.repeat_mentions || args.matching != Matching::Mentions,
            "--repeat-mentions is for what links say, expected --match anchors or both"
        );
        let config = Self {
            gazetteers,
            matching: args.matching,
            ambiguous: args.ambiguous,
            ignore_case: args.ignore_case,
            nfkc: !args.no_nfkc,
            encoding: args.encoding.name(),
            min_length: args.min_length,
            stop: args.stop.iter().map(|path| path.display().to_string()).collect(),
            max_unknown: args.max_unknown,
            family_names: args.family_names.clone(),
            buckets: args.buckets.clone(),
        };
        let normalizer = Normalizer {
            nfkc: !args.no_nfkc,
            ignore_case: args.ignore_case,
            convert_names: ScriptConverter::to(if simplify { ChineseVariant::Simplified } else { ChineseVariant::Unconverted }),
        };
        let in_text = args.matching != Matching::Anchors;
        let options = GazetteerOptions {
            files,
            encoding: args.encoding,
            normalizer,
            ambiguous: args.ambiguous,
            stop_lists: args.stop.clone(),
            min_mention_chars: in_text.then_some(args.min_length),
        };
        Ok((config, options))
    }

    /// Paths of the gazetteers' files, in the order they were given.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.gazetteers.iter().map(|file| file.path.clone()).collect()
    }
}

/// The place of a label in a query set.
///
/// # Errors
/// A set that has no such label.
pub(crate) fn label(set: &QuerySet, label: &str) -> anyhow::Result<usize> {
    set.position(label).with_context(|| {
        let known: Vec<&str> = set.labels().collect();
        format!("query set `{}` has no such label, but {}", set.name, known.join(", "))
    })
}
