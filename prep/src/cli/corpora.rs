//! Arguments of `prep mrc` and `prep export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::OutputArgs;
use crate::corpora::read::columns::Columns;

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
