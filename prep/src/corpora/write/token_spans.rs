//! Spans by token.

use std::ops::Range;

use anyhow::Context;
use schemas::{Span, Triple};

use crate::corpora::tokenization::CorpusTokens;

/// A span of a row, with its tokens.
#[derive(Debug, Clone)]
pub struct TokenSpan<'a> {
    /// The row, which has the label.
    pub row: &'a Triple,
    /// The span.
    pub span: &'a Span,
    /// Half-open range of token indices.
    pub tokens: Range<usize>,
}

/// The spans of all rows of a sentence.
///
/// # Errors
/// A span that begins or ends inside of a token.
pub fn token_spans<'a>(rows: &'a [Triple], text: &CorpusTokens<'_>) -> anyhow::Result<Vec<TokenSpan<'a>>> {
    let spans = rows.iter().flat_map(|row| row.spans.iter().map(move |span| (row, span)));
    let with_tokens = spans.map(|(row, span)| {
        let tokens = text.token_range(span.start..span.end).with_context(|| {
            let Span { start, end, text, .. } = span;
            format!(
                "row {}: {text:?} ({start}..{end}) begins or ends inside a token; write --format jsonl, or give --tokens cut or chars",
                row.id
            )
        })?;
        Ok(TokenSpan { row, span, tokens })
    });
    with_tokens.collect()
}
