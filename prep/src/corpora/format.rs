//! The formats of annotated files.

use serde::Serialize;

/// A format that `prep mrc` reads and `prep export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorpusFormat {
    /// A token and its tag per line, a blank line between sentences.
    Conll,
    /// `{"context": …, "label": {"PER": ["0;1"]}}`: the input of BERT-MRC's data preparation for nested corpora.
    Nested,
    /// `{"text": …, "label": [[0, 3, "PER"]]}`: what the annotation tools doccano and Label Studio export.
    #[serde(rename = "jsonl")]
    AnnotationTool,
    /// `{"context": …, "query": …, "entity_label": …, "span_position": …}`: the data set format of BERT-MRC, an element for each
    /// sentence and label.
    MrcJson,
    /// `{"tokens": […], "ner_tags": […]}`: rows of Hugging Face `datasets`, as JSON or Parquet.
    #[serde(rename = "hf")]
    HuggingFace,
}

impl CorpusFormat {
    /// Whether a file holds tokens, so that white space changes and spans must lie between tokens.
    pub fn has_tokens(self) -> bool {
        self != Self::AnnotationTool
    }

    /// Whether a file holds a tag for each token.
    pub fn has_tags(self) -> bool {
        matches!(self, Self::Conll | Self::HuggingFace)
    }
}

/// The token of a CoNLL line between two documents.
pub const DOCUMENT_START: &str = "-DOCSTART-";
