//! CoNLL: a token, a tab and its tag per line, a blank line after a sentence.

use std::io::Write;

use anyhow::ensure;
use schemas::Triple;

use super::token_spans::TokenSpan;
use super::token_tags::tags;
use crate::corpora::format::DOCUMENT_START;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::violations::OriginalPrefixes;
use crate::corpora::tokenization::{CorpusTokens, column_text};

/// The line between two documents, and the blank line after it.
pub fn document_start() -> String {
    format!("{DOCUMENT_START}\tO\n\n")
}

/// Writes a sentence. Entities that were read from tags which violate the scheme get these tags back.
///
/// # Errors
/// Overlapping entities, a label or token that a column cannot hold, or a file that cannot be written.
pub fn write_sentence(
    rows: &[Triple],
    text: &CorpusTokens<'_>,
    spans: &[TokenSpan<'_>],
    scheme: TaggingScheme,
    original: &OriginalPrefixes,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let tags = tags(text.tokens().len(), spans, scheme, original)?;
    for (token, tag) in text.tokens().iter().zip(tags) {
        ensure!(
            !token.split_ascii_whitespace().any(|word| word == DOCUMENT_START),
            "row {}: a token `{DOCUMENT_START}` would begin a document; write another --format",
            rows[0].id
        );
        writeln!(out, "{}\t{tag}", column_text(token))?;
    }
    Ok(writeln!(out)?)
}
