//! Arguments of `prep pages`, `prep esi` and `prep nee`, and of `prep plan` and `prep merge`.

use std::path::PathBuf;

use clap::Args;
use encoding_rs::Encoding;

use super::OutputArgs;
use super::gazetteer_arg::GazetteerArg;
use super::size::Size;
use crate::gazetteer::AmbiguousNames;
use crate::label::buckets::Buckets;
use crate::label::nee::Matching;
use crate::wikitext::{ChineseVariant, ExtraSegment};

/// What is read.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// MediaWiki dumps: .xml, plain or compressed with bzip2, gzip, zstd or xz; `-` is standard input. `prep esi` and `prep nee` read
    /// folders of pages too
    #[arg(required_unless_present = "plan", conflicts_with = "plan", value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Read a part of the dumps of this plan instead, which `prep plan` made
    #[arg(long, value_name = "FILE", requires = "part")]
    pub plan: Option<PathBuf>,
    /// Which part, from 0 on
    #[arg(long, value_name = "K", requires = "plan")]
    pub part: Option<usize>,
}

/// How a dump is read.
#[derive(Debug, Clone, Args)]
pub struct DumpArgs {
    /// Index of a multistream dump, once for each dump and in their order: the dump must have the streams and pages that it lists
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub index: Vec<PathBuf>,
    /// Language of the wiki [default: what the dump says]
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,
    /// Namespaces to keep, by number
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0")]
    pub namespace: Vec<i32>,
    /// Chinese script to convert the text to [default: zh-hans for Chinese, none otherwise]
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<ChineseVariant>,
    /// Parts beside the running text to keep as segments of their own
    #[arg(long, value_enum, value_name = "PART,…", value_delimiter = ',')]
    pub with: Vec<ExtraSegment>,
    /// TOML file of templates that carry words of the sentence; they come before the built-in ones
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
    /// Write a JSON line for each page that is left out or has issues
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// End at the first malformed page
    #[arg(long)]
    pub strict: bool,
    /// Most text, as it is read, between two points from which --resume goes on; shards end at these points
    #[arg(long, value_name = "SIZE", default_value_t = Size(1 << 30))]
    pub unit: Size,
    /// Give up what is damaged of a truncated or corrupt dump and say what is lost, instead of failing
    #[arg(long)]
    pub skip_damaged: bool,
    /// Let links lead to where the redirect pages of the input do; reads the input twice
    #[arg(long)]
    pub resolve_redirects: bool,
}

/// `prep pages`
#[derive(Debug, Args)]
pub struct PagesArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub inputs: InputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dump: DumpArgs,
}

/// What `prep esi` and `prep nee` share.
#[derive(Debug, Args)]
pub struct TripleArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pages: PagesArgs,
    /// Mark later mentions of what the page links, and of its title, too: as an answer, or with the label of the link or title
    #[arg(long)]
    pub repeat_mentions: bool,
    /// Leave out sentences with fewer answers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_entities: usize,
    /// Split longer sentences between clauses or words, never inside an answer
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub max_chars: usize,
}

/// `prep esi`
#[derive(Debug, Args)]
pub struct EsiArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub triples: TripleArgs,
    /// Query set with one label, built in or a TOML file [default: zhwiki for Chinese, enwiki otherwise]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
}

/// `prep nee`
#[derive(Debug, Args)]
pub struct NeeArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub triples: TripleArgs,
    /// Query set, built in or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: String,
    /// Names of one label, one a line (what follows a tab is left), or a column of CSV or Parquet; may be given several times
    #[arg(long, required = true, value_name = "LABEL=FILE[:COLUMN]")]
    pub gazetteer: Vec<GazetteerArg>,
    /// Where names are looked for: by links, their targets and texts, or anywhere in the text
    #[arg(long = "match", value_enum, default_value_t = Matching::Anchors)]
    pub matching: Matching,
    /// What a name in gazetteers of several labels is: of the label given first, or of none
    #[arg(long, value_enum, default_value_t = AmbiguousNames::First)]
    pub ambiguous: AmbiguousNames,
    /// Let upper and lower case be the same
    #[arg(long)]
    pub ignore_case: bool,
    /// Compare chars as they are, without Unicode's compatibility forms (NFKC)
    #[arg(long)]
    pub no_nfkc: bool,
    /// Encoding of gazetteers without a byte-order mark, such as gbk or big5
    #[arg(long, value_name = "NAME", default_value = "utf-8", value_parser = encoding)]
    pub encoding: &'static Encoding,
    /// Fewest chars of a name that is looked for in the text
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_length: usize,
    /// Of names of this label, mark later mentions of the last word too: Lovelace, after Ada Lovelace
    #[arg(long, value_name = "LABEL", requires = "repeat_mentions")]
    pub family_names: Option<String>,
    /// What is no name, one a line: it is not looked for in the text, and a link of this text is no answer; may be given several times
    #[arg(long, value_name = "FILE")]
    pub stop: Vec<PathBuf>,
    /// Leave out sentences with more names that no gazetteer knows: links without a label and, where a script has upper case, other words
    /// that begin with it after a sentence's first; what --stop lists is not unknown
    #[arg(long, value_name = "N")]
    pub max_unknown: Option<usize>,
    /// Part the sentences by their number of answers into folders such as `entities=1-3`; for instance 1-3,4-6,7+
    #[arg(long, value_name = "RANGES")]
    pub buckets: Option<Buckets>,
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| "expected an encoding, as in utf-8, gbk, gb18030, big5 or windows-1252".to_owned())
}

/// `prep plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// MediaWiki dumps
    #[arg(required = true, value_name = "DUMP")]
    pub inputs: Vec<PathBuf>,
    /// Parts to cut them into, of about the same size
    #[arg(long, value_name = "N", value_parser = parts)]
    pub parts: usize,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the file
    #[arg(long)]
    pub overwrite: bool,
}

fn parts(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|parts| (1..=100_000).contains(parts)).ok_or_else(|| "expected a number from 1 to 100000".to_owned())
}

/// `prep merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Folders of all parts of a plan, in any order
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Folder for the shards and their manifest
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace what an earlier run wrote there
    #[arg(long)]
    pub overwrite: bool,
}
