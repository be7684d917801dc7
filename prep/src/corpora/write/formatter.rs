//! Sentences as a format writes them, on any thread: all but what depends on the sentences before.

use std::collections::BTreeSet;

use anyhow::ensure;
use schemas::hf_rows::TaggedSentence;
use schemas::{Origin, Triple};

use super::flat::flatten;
use super::token_spans::token_spans;
use super::token_tags::tags;
use super::{conll, json};
use crate::corpora::format::ExportFormat;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::violations::OriginalPrefixes;
use crate::corpora::tokenization::{CorpusTokens, Tokenization};

/// How triples are written.
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// The format of the file.
    pub format: ExportFormat,
    /// The scheme of tags. Formats with tags only.
    pub scheme: TaggingScheme,
    /// Whether overlapping spans are reduced to the surest.
    pub flat: bool,
    /// What is a token. `None` decides by the language of each sentence. Not used by JSON lines.
    pub tokenization: Option<Tokenization>,
}

/// A sentence as a format writes it.
#[derive(Debug)]
pub struct FormattedSentence {
    /// Its document.
    pub(super) doc: String,
    /// Its lines (CoNLL, JSON lines), or its elements of the array, without what numbers them.
    pub(super) pieces: Vec<String>,
    /// Its tokens and tags, in Hugging Face data sets.
    pub(super) tagged: Option<TaggedSentence>,
    /// Its labels, in their order.
    pub(super) labels: Vec<String>,
    /// Its spans.
    pub(super) entities: u64,
    /// Spans that were left out because they overlap.
    pub(super) overlapping: u64,
    /// Whether the format changes its white space.
    pub(super) changes_whitespace: bool,
    /// Spans whose origin or score the format does not hold.
    pub(super) lost_origins: u64,
}

/// Formats sentences.
#[derive(Debug)]
pub struct SentenceFormatter {
    options: WriterOptions,
    original_prefixes: OriginalPrefixes,
}

impl SentenceFormatter {
    /// A formatter. `original_prefixes` are tags that violate the scheme and are written back as they were.
    pub fn new(options: WriterOptions, original_prefixes: OriginalPrefixes) -> Self {
        Self { options, original_prefixes }
    }

    /// Formats a sentence, given by its rows, of which there is at least one.
    ///
    /// # Errors
    /// The format cannot hold the sentence: entities that overlap (CoNLL), that begin or end inside of a token, or a sentence without
    /// tokens; the message names the row.
    pub fn format(&self, rows: &[Triple]) -> anyhow::Result<FormattedSentence> {
        if !self.options.flat {
            return self.format_all(rows);
        }
        let mut flat = rows.to_vec();
        let overlapping = flatten(&mut flat);
        Ok(FormattedSentence { overlapping, ..self.format_all(&flat)? })
    }

    /// Formats a sentence with all of its spans.
    fn format_all(&self, rows: &[Triple]) -> anyhow::Result<FormattedSentence> {
        let first = &rows[0];
        let spans = || rows.iter().flat_map(|row| &row.spans);
        let mut sentence = FormattedSentence {
            doc: first.doc.clone(),
            pieces: Vec::new(),
            tagged: None,
            labels: Vec::new(),
            overlapping: 0,
            entities: spans().count() as u64,
            changes_whitespace: false,
            lost_origins: 0,
        };
        if self.options.format == ExportFormat::AnnotationTool {
            sentence.pieces.push(json::annotation_tool_element(rows));
            return Ok(sentence);
        }
        sentence.lost_origins = spans().filter(|span| span.origin != Origin::Gold || span.score.is_some()).count() as u64;
        let text = self.tokenize(rows);
        ensure!(!text.tokens().is_empty(), "row {}: nothing but white space, which holds no token; write --format jsonl", first.id);
        sentence.changes_whitespace = text.changes_whitespace(&first.context, &first.lang);
        let spans = token_spans(rows, &text)?;
        match self.options.format {
            ExportFormat::AnnotationTool => {}
            ExportFormat::Conll => {
                let mut lines = Vec::new();
                conll::write_sentence(rows, &text, &spans, self.options.scheme, &self.original_prefixes, &mut lines)?;
                sentence.pieces.push(String::from_utf8(lines).expect("tokens and tags are text"));
            }
            ExportFormat::Nested => sentence.pieces.push(json::nested_element(&text, &spans)),
            ExportFormat::HuggingFace => {
                let tags = tags(text.tokens().len(), &spans, self.options.scheme, &self.original_prefixes)?;
                let tokens = text.tokens().iter().map(|&token| token.to_owned()).collect();
                sentence.labels = rows.iter().map(|row| row.label.clone()).collect();
                sentence.tagged = Some(TaggedSentence { id: first.sentence.to_string(), tokens, tags });
            }
            ExportFormat::MrcJson => sentence.pieces = json::mrc_json_elements(rows, &text, &spans),
        }
        Ok(sentence)
    }

    fn tokenize<'a>(&self, rows: &'a [Triple]) -> CorpusTokens<'a> {
        let tokenization = self.options.tokenization.unwrap_or_else(|| Tokenization::for_lang(&rows[0].lang));
        let span_bounds: BTreeSet<u32> = match tokenization {
            Tokenization::CutWords => rows.iter().flat_map(|row| &row.spans).flat_map(|span| [span.start, span.end]).collect(),
            Tokenization::Words | Tokenization::Chars => BTreeSet::new(),
        };
        // A CoNLL column may hold any white space but the one that ends it. Where each char is a token, a space is one too.
        let is_separator = match (self.options.format, tokenization) {
            (ExportFormat::Conll | ExportFormat::HuggingFace, Tokenization::Chars) => |_| false,
            (ExportFormat::Conll | ExportFormat::HuggingFace, _) => |char: char| char.is_ascii_whitespace(),
            _ => char::is_whitespace,
        };
        CorpusTokens::new(&rows[0].context, tokenization, &span_bounds, is_separator)
    }
}
