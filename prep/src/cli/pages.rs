//! Arguments of `prep pages`, `prep esi` and `prep nee`.

use std::path::PathBuf;

use clap::Args;
use encoding_rs::Encoding;

use super::gazetteer_arg::GazetteerArg;
use super::output::OutputArgs;
use super::size::Size;
use super::values::language;
use crate::gazetteer::AmbiguousNames;
use crate::label::buckets::Buckets;
use crate::label::nee::MatchIn;
use crate::wikitext::{ChineseVariant, ExtraSegment};

/// The inputs.
#[derive(Debug, Clone, Args)]
pub(super) struct InputArgs {
    /// MediaWiki dumps: .xml, plain or compressed with bzip2, gzip, zstd or xz; `-` is standard input. `prep esi` and `prep nee` read
    /// folders of pages too
    #[arg(required_unless_present = "plan", conflicts_with = "plan", value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Read one part of this plan, which `prep plan` made, instead of inputs
    #[arg(long, value_name = "FILE", requires = "part")]
    pub plan: Option<PathBuf>,
    /// Number of the part, from 0
    #[arg(long, value_name = "K", requires = "plan")]
    pub part: Option<usize>,
}

/// How dumps are read.
#[derive(Debug, Clone, Args)]
pub(super) struct DumpArgs {
    /// Index of a multistream dump, once for each dump, in the order of the dumps: the dump must have the streams and pages that it lists
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub index: Vec<PathBuf>,
    /// Language of the wiki [default: what the dump says]
    #[arg(long, value_name = "CODE", value_parser = language)]
    pub lang: Option<String>,
    /// Namespaces to keep, by number
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0")]
    pub namespace: Vec<i32>,
    /// Chinese script to convert the text to [default: zh-hans for Chinese, none otherwise]
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<ChineseVariant>,
    /// Content beside the running text to keep as segments of its own
    #[arg(long, value_enum, value_name = "CONTENT,…", value_delimiter = ',')]
    pub with: Vec<ExtraSegment>,
    /// TOML file of templates that carry words of the sentence; they come before the built-in ones
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
    /// Write a JSON line for each page that is malformed or has issues, and for each damaged stretch
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// End with an error at the first malformed page
    #[arg(long)]
    pub strict: bool,
    /// Text between two checkpoints, as it is read: --resume continues at the last checkpoint, and shards end at each
    #[arg(long, value_name = "SIZE", default_value_t = Size(1 << 30))]
    pub unit: Size,
    /// Skip what is damaged in a truncated or corrupt input, report it and record it in the manifest, instead of ending with an error
    #[arg(long)]
    pub skip_damaged: bool,
    /// Replace link targets that are redirect pages of the inputs by the pages that they redirect to; reads the inputs twice
    #[arg(long)]
    pub resolve_redirects: bool,
}

/// `prep pages`
#[derive(Debug, Args)]
pub(super) struct PagesArgs {
    #[command(flatten)]
    pub inputs: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub dump: DumpArgs,
}

/// What `prep esi` and `prep nee` share.
#[derive(Debug, Args)]
pub(super) struct TripleArgs {
    #[command(flatten)]
    pub pages: PagesArgs,
    /// Mark later mentions of what the page links, and of its title, too: in `prep nee` with the label of the link or title
    #[arg(long)]
    pub repeat_mentions: bool,
    /// Skip sentences with fewer spans
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_entities: usize,
    /// Split longer sentences between clauses or words, never inside a span
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub max_chars: usize,
    /// Skip sentences in which a template vanished that neither the built-in table nor --templates knows
    #[arg(long)]
    pub no_holes: bool,
}

/// `prep esi`
#[derive(Debug, Args)]
pub(super) struct EsiArgs {
    #[command(flatten)]
    pub triples: TripleArgs,
    /// Query set with one label, built in or a TOML file [default: zhwiki for Chinese, enwiki otherwise]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
}

/// `prep nee`
#[derive(Debug, Args)]
pub(super) struct NeeArgs {
    #[command(flatten)]
    pub triples: TripleArgs,
    /// Query set, built in or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: String,
    /// Names of one label, one per line (what follows a tab is ignored), or a column of CSV or Parquet (#2 of CSV without a header); may be
    /// given several times
    #[arg(long, required_unless_present = "names", value_name = "LABEL=FILE[:COLUMN]")]
    pub gazetteer: Vec<GazetteerArg>,
    /// Folder that `prep names` made: links are labelled by the title they lead to, then by their text, and names that are sure enough are
    /// looked for in the text; may be given several times, and beside --gazetteer
    #[arg(long, value_name = "DIR")]
    pub names: Vec<PathBuf>,
    /// Smallest share of a name of --names that is looked for in the text, and by which a link's text labels it
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    pub min_share: f32,
    /// Smallest count of such a name: of 2, a title that is linked, or a text of two links
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: u32,
    /// Where names are looked for
    #[arg(long = "match", value_enum, default_value_t = MatchIn::Anchors)]
    pub matching: MatchIn,
    /// Label of a name that is in gazetteers of several labels
    #[arg(long, value_enum, default_value_t = AmbiguousNames::First)]
    pub ambiguous: AmbiguousNames,
    /// Treat upper and lower case as the same
    #[arg(long)]
    pub ignore_case: bool,
    /// Compare chars as they are, without Unicode's compatibility forms (NFKC) and other forms of apostrophes and hyphens
    #[arg(long)]
    pub no_nfkc: bool,
    /// Encoding of gazetteers without a byte-order mark, such as gbk or big5
    #[arg(long, value_name = "NAME", default_value = "utf-8", value_parser = encoding)]
    pub encoding: &'static Encoding,
    /// Read underscores in gazetteers as spaces, as in lists of page titles
    #[arg(long)]
    pub underscores: bool,
    /// Fewest chars of a name that is looked for in the text
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_length: usize,
    /// Of names of this label, mark later mentions of the last word too: Lovelace after Ada Lovelace
    #[arg(long, value_name = "LABEL", requires = "repeat_mentions")]
    pub family_names: Option<String>,
    /// Texts that are no names, one per line: they are not looked for in the text, and a link with such a text gets no label; may be given
    /// several times
    #[arg(long, value_name = "FILE")]
    pub stop: Vec<PathBuf>,
    /// Skip sentences with more names of unknown label: links without a label and, in scripts with upper case, other capitalised words
    /// after the first word; what --stop lists is not counted
    #[arg(long, value_name = "N")]
    pub max_unknown: Option<usize>,
    /// Partition the sentences by their number of spans into folders such as `entities=1-3`; for instance 1-3,4-6,7+
    #[arg(long, value_name = "RANGES")]
    pub buckets: Option<Buckets>,
}

/// Parses the name of an encoding.
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| "expected an encoding, as in utf-8, gbk, gb18030, big5 or windows-1252".to_owned())
}
