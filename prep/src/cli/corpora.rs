//! Arguments of `prep mrc` and `prep export`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;
use super::values::{OrAuto, language, one_of, or_auto};
use crate::corpora::format::CorpusFormat;
use crate::corpora::read::conll_columns::ConllColumns;
use crate::corpora::read::json::offsets::SpanOffsets;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tokenization::Tokenization;

/// `prep mrc`
#[derive(Debug, Args)]
pub(super) struct MrcArgs {
    /// Annotated files
    #[arg(required = true, value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Query set, built in or a TOML file [default: the queries of the files, which only MRC JSON has]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
    /// Format of the files
    #[arg(long, value_parser = or_auto::<CorpusFormat>("Detected from the content of each file"), default_value = "auto")]
    pub format: OrAuto<CorpusFormat>,
    /// Columns of CoNLL files: `token`, `tag`, `_` for a column to ignore, `..` for any number of them
    #[arg(long, value_name = "NAMES", default_value_t = ConllColumns::default())]
    pub columns: ConllColumns,
    /// What spans in JSON count [default: tokens-inclusive for nested and mrc-json, chars-exclusive for jsonl]
    #[arg(long, value_enum)]
    pub offsets: Option<SpanOffsets>,
    /// Tagging scheme: how tags mark the borders of an entity
    #[arg(long, value_parser = or_auto::<TaggingScheme>("Detected from the tags of all files"), default_value = "auto")]
    pub scheme: OrAuto<TaggingScheme>,
    /// Language of the text; decides whether tokens are joined by spaces [default: detected from the tokens]
    #[arg(long, value_name = "CODE", value_parser = language)]
    pub lang: Option<String>,
    /// Ignore entities of this label instead of ending with an error; may be given several times
    #[arg(long, value_name = "LABEL")]
    pub ignore_label: Vec<String>,
    /// End with an error at the first malformed line or element
    #[arg(long)]
    pub strict: bool,
}

/// `prep export`
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Folder of triples
    pub dir: PathBuf,
    /// Format to write
    #[arg(long, value_enum)]
    pub format: CorpusFormat,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the file
    #[arg(long)]
    pub overwrite: bool,
    /// Tagging scheme of a CoNLL file
    #[arg(long, value_parser = one_of(&[TaggingScheme::Bio, TaggingScheme::Bmes, TaggingScheme::Bieos]), default_value = "bio")]
    pub scheme: TaggingScheme,
    /// What a token is, in all formats but jsonl
    #[arg(long, value_parser = or_auto::<Tokenization>("Words, or chars in languages written without spaces"), default_value = "auto")]
    pub tokens: OrAuto<Tokenization>,
}
