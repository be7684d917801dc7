//! The formats of annotated files.

use serde::Serialize;

/// A format that `prep mrc` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorpusFormat {
    /// A token and its tag per line, a blank line between sentences.
    Conll,
    /// The ten columns of Universal Dependencies, with tags in the last one, as in `NER=B-PER`.
    #[serde(rename = "conllu")]
    ConllU,
    /// The columns of CoNLL-2011 and CoNLL-2012 (OntoNotes), with entities as brackets.
    #[serde(rename = "conll2012")]
    Conll2012,
    /// CSV or TSV with named columns: a token and its tag per row, or a sentence per row.
    #[serde(rename = "csv")]
    Table,
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
    /// A DocBin of spaCy, `.spacy`.
    Spacy,
    /// brat's standoff: the annotations of `FILE.txt` in `FILE.ann`.
    Brat,
}

impl CorpusFormat {
    /// Whether a file holds tokens alone, so that `prep mrc` joins them to a text.
    pub fn joins_tokens(self) -> bool {
        !matches!(self, Self::AnnotationTool | Self::ConllU | Self::Spacy | Self::Brat)
    }

    /// Whether a file holds a tag for each token.
    pub fn has_tags(self) -> bool {
        matches!(self, Self::Conll | Self::ConllU | Self::Table | Self::HuggingFace)
    }
}

/// A format that `prep export` writes. Each of them is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// See [`CorpusFormat::Conll`].
    Conll,
    /// See [`CorpusFormat::Nested`].
    Nested,
    /// See [`CorpusFormat::AnnotationTool`].
    AnnotationTool,
    /// See [`CorpusFormat::MrcJson`].
    MrcJson,
    /// See [`CorpusFormat::HuggingFace`].
    HuggingFace,
}

/// The token of a CoNLL line between two documents.
pub const DOCUMENT_START: &str = "-DOCSTART-";
