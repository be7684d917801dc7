//! CoNLL: a token, a tab and its tag per line, a blank line after a sentence.

use std::io::Write;

use anyhow::{bail, ensure};
use schemas::{Span, Triple};

use super::token_spans::TokenSpan;
use crate::corpora::format::DOCUMENT_START;
use crate::corpora::tagging::encode::encode;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::violations::OriginalPrefixes;
use crate::corpora::tokenization::{CorpusTokens, column_text};

/// Writes the line between two documents, and the blank line after it.
///
/// # Errors
/// The file cannot be written.
pub fn write_document_start(out: &mut impl Write) -> anyhow::Result<()> {
    Ok(write!(out, "{DOCUMENT_START}\tO\n\n")?)
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

/// The tag of each token.
fn tags(count: usize, spans: &[TokenSpan<'_>], scheme: TaggingScheme, original: &OriginalPrefixes) -> anyhow::Result<Vec<String>> {
    let mut tags: Vec<String> = vec!["O".to_owned(); count];
    let mut tagged_by: Vec<Option<(&Triple, &Span)>> = vec![None; count];
    for TokenSpan { row, span, tokens } in spans {
        let label = &row.label;
        let fits_column = !label.is_empty() && label.trim() == label && !label.contains(char::is_control);
        ensure!(fits_column, "row {}: label {label:?} cannot stand in a column; write another --format", row.id);
        if let Some((other, first)) = tagged_by[tokens.clone()].iter().flatten().next() {
            bail!(
                "row {}: {:?} ({}..{}) overlaps {:?} ({}..{}) of row {}, and CoNLL holds one tag a token; write --format jsonl, nested or mrc-json",
                row.id,
                span.text,
                span.start,
                span.end,
                first.text,
                first.start,
                first.end,
                other.id
            );
        }
        tagged_by[tokens.clone()].fill(Some((row, span)));
        match original.get(row, span).filter(|prefixes| prefixes.len() == tokens.len()) {
            Some(prefixes) => {
                for (at, prefix) in tokens.clone().zip(prefixes.chars()) {
                    tags[at] = format!("{prefix}-{label}");
                }
            }
            None => tags.splice(tokens.clone(), encode(label, tokens.len(), scheme)).for_each(drop),
        }
    }
    Ok(tags)
}
