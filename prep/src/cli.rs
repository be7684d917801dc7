//! The command line: parsing only. What is parsed is checked by the command that runs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use encoding_rs::Encoding;

use crate::extract::Buckets;
use crate::gazetteer::files::GazetteerArg;

use crate::mrc::columns::Columns;

/// Wikipedia dumps, gazetteers and labelled corpora to Parquet shards of MRC triples.
#[derive(Debug, Parser)]
#[command(name = "prep", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to do it.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Worker threads; the output does not depend on it [default: number of cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Common options")]
    pub threads: Option<usize>,
    /// What to log to standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn", help_heading = "Common options")]
    pub log_level: LogLevel,
    /// No progress and no summary
    #[arg(long, short, global = true, help_heading = "Common options")]
    pub quiet: bool,
}

impl Common {
    /// Worker threads.
    pub fn threads(&self) -> usize {
        self.threads.filter(|&threads| threads > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// Levels of `--log-level`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogLevel {
    /// What ends the run.
    Error,
    /// What the user should know.
    Warn,
    /// What happens.
    Info,
    /// What the developer should know.
    Debug,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A row a page: clean text with links by offset
    #[command(after_help = "Example:\n  prep pages zhwiki-latest-pages-articles.xml.bz2 -o data/pages")]
    Pages(PagesArgs),
    /// Triples for stage 1: every link is an answer, one label
    #[command(after_help = "Example:\n  prep esi data/pages -o data/esi --min-entities 1")]
    Esi(EsiArgs),
    /// Triples for stage 2: links and names in the text are typed by gazetteers
    #[command(after_help = "Example:\n  prep nee data/pages -o data/nee --queries en_conll03 --gazetteer PER=people.txt \\\n      \
                            --gazetteer LOC=cities.csv:name --match both")]
    Nee(NeeArgs),
    /// Gold triples from annotated corpora
    #[command(
        after_help = "Example:\n  prep mrc train.bmes dev.bmes -o data/gold --queries zh_msra\n  prep mrc mrc-ner.train -o data/gold --format mrc-json"
    )]
    Mrc(MrcArgs),
    /// Triples back to CoNLL, JSON lines or MRC JSON
    #[command(after_help = "Example:\n  prep export data/gold --format conll --scheme bmes -o gold.bmes")]
    Export(ExportArgs),
    /// Query sets: a question for each label
    Queries(QueriesArgs),
    /// Counts, lengths and samples of a folder of pages or triples
    #[command(after_help = "Example:\n  prep inspect data/esi --sample 5\n  prep inspect data/esi --html report.html")]
    Inspect(InspectArgs),
    /// Checks hashes, schema and invariants of a folder
    #[command(after_help = "Example:\n  prep verify data/esi")]
    Verify(VerifyArgs),
}

/// Where shards go.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Folder for the shards and their manifest
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace what an earlier run wrote there
    #[arg(long)]
    pub overwrite: bool,
}

/// How a dump is read.
#[derive(Debug, Clone, Args)]
pub struct DumpArgs {
    /// Language of the wiki [default: what the dump says]
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,
    /// Namespaces to keep, by number
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0")]
    pub namespace: Vec<i32>,
    /// Chinese script to convert the text to [default: zh-hans for Chinese, none otherwise]
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<Variant>,
    /// Parts beside the running text to keep as segments of their own
    #[arg(long, value_enum, value_name = "PART,…", value_delimiter = ',')]
    pub with: Vec<Part>,
    /// TOML file of templates that carry words of the sentence; they come before the built-in ones
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
    /// Write a JSON line for each page that is left out or has issues
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// End at the first malformed page
    #[arg(long)]
    pub strict: bool,
    /// Give up the rest of a truncated or corrupt dump and count it, instead of failing
    #[arg(long)]
    pub skip_damaged: bool,
    /// Let links lead to where the redirect pages of the input do; reads the input twice
    #[arg(long)]
    pub resolve_redirects: bool,
}

/// Parts of a page that stand beside its running text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Captions of pictures and galleries.
    Captions,
    /// Cells of tables.
    Tables,
}

/// Scripts of Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Simplified.
    ZhHans,
    /// Traditional.
    ZhHant,
    /// As it is written; of alternatives the first.
    None,
}

/// `prep pages`
#[derive(Debug, Args)]
pub struct PagesArgs {
    /// MediaWiki dumps: .xml, plain or compressed with bzip2, gzip, zstd or xz; `-` is standard input
    #[arg(required = true, value_name = "DUMP")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dump: DumpArgs,
}

/// `prep esi`
#[derive(Debug, Args)]
pub struct EsiArgs {
    /// Dumps, or folders written by `prep pages`
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dump: DumpArgs,
    /// Query set with one label, built in or a TOML file [default: zhwiki for Chinese, enwiki otherwise]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
    /// Mark later mentions of what the page links, and of its title, as answers too
    #[arg(long)]
    pub repeat_mentions: bool,
    /// Leave out sentences with fewer answers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_entities: usize,
    /// Split longer sentences between clauses or words, never inside an answer
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub max_chars: usize,
}

/// `prep nee`
#[derive(Debug, Args)]
pub struct NeeArgs {
    /// Dumps, or folders written by `prep pages`
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dump: DumpArgs,
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
    #[arg(long, value_enum, default_value_t = Ambiguous::First)]
    pub ambiguous: Ambiguous,
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
    /// Names that are not looked for in the text, one a line; may be given several times
    #[arg(long, value_name = "FILE")]
    pub stop: Vec<PathBuf>,
    /// Leave out sentences with fewer answers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_entities: usize,
    /// Split longer sentences between clauses or words, never inside an answer
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub max_chars: usize,
    /// Part the sentences by their number of answers into folders such as `entities=1-3`; for instance 1-3,4-6,7+
    #[arg(long, value_name = "RANGES")]
    pub buckets: Option<Buckets>,
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| "expected an encoding, as in utf-8, gbk, gb18030, big5 or windows-1252".to_owned())
}

/// Where `prep nee` looks for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Links, by their targets and texts.
    Anchors,
    /// Anywhere in the text; links count for nothing.
    Mentions,
    /// Links, and the text between them.
    Both,
}

/// What a name of several labels is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ambiguous {
    /// Of the label whose gazetteer is given first.
    First,
    /// Of none.
    Drop,
}

/// `prep mrc`
#[derive(Debug, Args)]
pub struct MrcArgs {
    /// Annotated files
    #[arg(required = true, value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    /// Query set, built in or a TOML file [default: the questions of the files, which only MRC JSON holds]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
    /// Format of the files
    #[arg(long, value_enum, default_value_t = MrcFormat::Auto)]
    pub format: MrcFormat,
    /// Columns of CoNLL files: `token`, `tag`, `_` for one to pass over, `..` for any number of them
    #[arg(long, value_name = "NAMES", default_value_t = Columns::default())]
    pub columns: Columns,
    /// What spans in JSON count [default: tokens-inclusive for nested and mrc-json, chars-exclusive for jsonl]
    #[arg(long, value_enum)]
    pub offsets: Option<OffsetsArg>,
    /// How tags mark the borders of an entity
    #[arg(long, value_enum, default_value_t = SchemeArg::Auto)]
    pub scheme: SchemeArg,
    /// Language of the text; decides whether tokens are joined by spaces [default: told from the tokens]
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,
    /// Leave out entities of this label instead of refusing it; may be given several times
    #[arg(long, value_name = "LABEL")]
    pub ignore_label: Vec<String>,
    /// End at the first malformed line or element
    #[arg(long)]
    pub strict: bool,
}

/// Formats of annotated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MrcFormat {
    /// Told from the content.
    Auto,
    /// A token a line, its tag in another column, a blank line between sentences.
    Conll,
    /// {context, label: {TYPE: ["start;end"]}}, in an array or one a line.
    Nested,
    /// What doccano and Label Studio export, one a line or in an array.
    Jsonl,
    /// {context, query, entity_label, span_position}, one for each sentence and label.
    MrcJson,
}

/// What the spans of JSON files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OffsetsArg {
    /// Tokens between white space; the end is the last one.
    TokensInclusive,
    /// Tokens between white space; the end is the one after the last.
    TokensExclusive,
    /// Chars; the end is the last one.
    CharsInclusive,
    /// Chars; the end is the one after the last.
    CharsExclusive,
}

/// Tagging schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemeArg {
    /// Told from the tags of all files.
    Auto,
    /// B begins, I goes on.
    Bio,
    /// I marks all; B only where two of a label touch.
    Iob1,
    /// I marks all.
    Io,
    /// B, M, E, and S alone.
    Bmes,
    /// B, I, E, and S alone; L for E and U for S as well.
    Bieos,
}

/// `prep export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder of triples
    pub dir: PathBuf,
    /// Format to write
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the file
    #[arg(long)]
    pub overwrite: bool,
    /// Tags of a CoNLL file
    #[arg(long, value_enum, default_value_t = ExportScheme::Bio)]
    pub scheme: ExportScheme,
    /// Tokens of all formats but jsonl
    #[arg(long, value_enum, default_value_t = TokensArg::Auto)]
    pub tokens: TokensArg,
}

/// Formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A token and its tag a line; entities must not overlap.
    Conll,
    /// {context, label: {TYPE: ["start;end"]}}, by tokens, in an array.
    Nested,
    /// {text, entities}, by chars, one a line; nothing of the text changes.
    Jsonl,
    /// {qas_id, context, query, …}, by tokens, one for each sentence and label, in an array.
    MrcJson,
}

/// Schemes that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportScheme {
    /// B begins, I goes on.
    Bio,
    /// B, M, E, and S alone.
    Bmes,
    /// B, I, E, and S alone.
    Bieos,
}

/// What is a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokensArg {
    /// Words, or chars in languages written without spaces.
    Auto,
    /// What stands between white space; an entity that cuts a word is an error.
    Words,
    /// Words, cut where an entity begins or ends inside one.
    Cut,
    /// Each char.
    Chars,
}

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
