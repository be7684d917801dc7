//! Settings of `prep mrc` and `prep export`.

use std::path::PathBuf;

use schemas::QuerySet;

use super::usage_error::UsageError;
use crate::corpora::format::{CorpusFormat, ExportFormat};
use crate::corpora::read::conll_columns::ConllColumns;
use crate::corpora::read::corpus_reader::MalformedRule;
use crate::corpora::read::json::offsets::SpanOffsets;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tokenization::{TokenJoin, Tokenization};
use crate::run::output::OutputSettings;

/// Settings of `prep mrc`.
#[derive(Debug, Clone)]
pub struct MrcConfig {
    /// The annotated files, and folders of brat's standoff.
    pub inputs: Vec<PathBuf>,
    /// Where the triples go.
    pub output: OutputSettings,
    /// Query set; `None`: the queries of the files.
    pub queries: Option<QuerySet>,
    /// Format of the files; `None`: detected for each.
    pub format: Option<CorpusFormat>,
    /// Columns of CoNLL files.
    pub columns: ConllColumns,
    /// What spans in JSON count; `None`: the convention of the format.
    pub offsets: Option<SpanOffsets>,
    /// Field or column with the text or the tokens; `None`: that of the format.
    pub text_field: Option<String>,
    /// Field or column with the spans or the tags; `None`: that of the format.
    pub label_field: Option<String>,
    /// Names of the tags that are numbers.
    pub class_names: Option<Vec<String>>,
    /// Column of tables that numbers the sentences; `None`: by its usual names.
    pub sentence_field: Option<String>,
    /// Tagging scheme; `None`: detected from all tags.
    pub scheme: Option<TaggingScheme>,
    /// Label of tags that are a prefix alone.
    pub only_label: Option<String>,
    /// Language of the text; `None`: detected from the tokens.
    pub lang: Option<String>,
    /// What stands between tokens; `None`: by the language.
    pub join: Option<TokenJoin>,
    /// Labels whose entities are ignored.
    pub ignored_labels: Vec<String>,
    /// What a malformed line, element or span does.
    pub malformed: MalformedRule,
}

/// Settings of `prep export`.
#[derive(Debug, Clone)]
pub struct ExportConfig {
    /// The folder of triples.
    pub dir: PathBuf,
    /// Format that is written.
    pub format: ExportFormat,
    /// File that is written; `-` is standard output.
    pub output: PathBuf,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
    /// Tagging scheme of formats with tags; `None`: that of the corpus for Hugging Face data sets, else BIO.
    pub scheme: Option<TaggingScheme>,
    /// Whether overlapping spans are reduced to the surest.
    pub flat: bool,
    /// What a token is; `None`: words, or chars in languages written without spaces.
    pub tokens: Option<Tokenization>,
}

/// Checks that no ignored label has a query: its triples would say that its entities do not exist.
///
/// # Errors
/// [`UsageError`] that names the label.
pub fn check_ignored_labels(ignored: &[String], queries: &QuerySet) -> Result<(), UsageError> {
    match ignored.iter().find(|label| queries.position(label).is_some()) {
        None => Ok(()),
        Some(label) => Err(UsageError::new(format!(
            "label `{label}` of --ignore-label has a query in query set `{}`, so its triples would deny its entities; remove it from the query set",
            queries.name
        ))),
    }
}
