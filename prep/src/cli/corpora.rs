//! Arguments of `prep mrc` and `prep export`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;
use super::values::{OrAuto, language, or_auto};
use crate::corpora::format::{CorpusFormat, ExportFormat};
use crate::corpora::read::conll_columns::ConllColumns;
use crate::corpora::read::json::offsets::SpanOffsets;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tokenization::{TokenJoin, Tokenization};

/// `prep mrc`
#[derive(Debug, Args)]
pub(super) struct MrcArgs {
    /// Annotated files; folders of brat's standoff
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
    /// Columns of CoNLL files: `token`, `tag`, `_` for a column to ignore, `..` for any number of them; in conllu and conll2012 the
    /// default is their own
    #[arg(long, value_name = "NAMES", default_value_t = ConllColumns::default())]
    pub columns: ConllColumns,
    /// Field or column with the text or the tokens [default: that of the format, such as `text`]
    #[arg(long, value_name = "NAME")]
    pub text_field: Option<String>,
    /// Field or column with the spans or the tags, key in the last column of conllu, or name of the control of Label Studio [default:
    /// that of the format, such as `entities`]
    #[arg(long, value_name = "NAME")]
    pub label_field: Option<String>,
    /// Column of csv that numbers the sentences [default: `Sentence #`, `sentence_id` or the like]
    #[arg(long, value_name = "NAME")]
    pub sentence_field: Option<String>,
    /// Tags that numbers stand for, in order from 0 [default: those that the files name]
    #[arg(long, value_name = "TAG,…", value_delimiter = ',')]
    pub labels: Option<Vec<String>>,
    /// What spans in JSON count [default: tokens-inclusive for nested and mrc-json, chars-exclusive for jsonl]
    #[arg(long, value_enum)]
    pub offsets: Option<SpanOffsets>,
    /// Tagging scheme: how tags mark the borders of an entity
    #[arg(long, value_parser = or_auto::<TaggingScheme>("Detected from the tags of all files"), default_value = "auto")]
    pub scheme: OrAuto<TaggingScheme>,
    /// Label of all entities, where tags are a prefix alone: `B`, `I`, `O`
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Language of the text [default: detected from the tokens]
    #[arg(long, value_name = "CODE", value_parser = language)]
    pub lang: Option<String>,
    /// What stands between tokens in the text
    #[arg(long, value_parser = or_auto::<TokenJoin>("Nothing in Chinese and Japanese, else a space"), default_value = "auto")]
    pub join: OrAuto<TokenJoin>,
    /// Ignore entities of this label instead of ending with an error; may be given several times
    #[arg(long, value_name = "LABEL")]
    pub ignore_label: Vec<String>,
    /// End with an error at the first malformed line, element or span
    #[arg(long)]
    pub strict: bool,
    /// Skip sentences with lines or tags of another form, which otherwise end the run, and count them
    #[arg(long, conflicts_with = "strict")]
    pub skip_malformed: bool,
}

/// `prep export`
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
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
    /// Tagging scheme of conll and hf
    #[arg(long, value_parser = or_auto::<TaggingScheme>("That of the corpus for hf, else bio"), default_value = "auto")]
    pub scheme: OrAuto<TaggingScheme>,
    /// Of overlapping spans, whatever their labels, write the one with the highest score, of equal ones the longest
    #[arg(long)]
    pub flat: bool,
    /// What a token is, in all formats but jsonl
    #[arg(long, value_parser = or_auto::<Tokenization>("Words, or chars in languages written without spaces"), default_value = "auto")]
    pub tokens: OrAuto<Tokenization>,
}
