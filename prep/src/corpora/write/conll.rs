//! CoNLL: a token, a tab and its tag a line, a blank line after a sentence.

use std::io::Write;

use anyhow::{bail, ensure};
use schemas::{Span, Triple};

use super::tokens::{Spans, Tokens, written};
use crate::corpora::broken::Prefixes;
use crate::corpora::read::conll::DOCUMENT_START;
use crate::corpora::scheme::{Scheme, tags};

/// Writes a sentence. Tags that broke the scheme when they were read are written as they were.
///
/// # Errors
/// Entities that overlap, a label or token that a line cannot hold, or a failed write.
pub fn write(
    rows: &[Triple],
    tokens: &Tokens<'_>,
    spans: Spans<'_>,
    (scheme, broken): (Scheme, &Prefixes),
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut tagged: Vec<String> = vec!["O".to_owned(); tokens.texts().len()];
    let mut taken: Vec<Option<(&Triple, &Span)>> = vec![None; tagged.len()];
    for (row, span, range) in spans {
        let label = &row.label;
        let sound = !label.is_empty() && label.trim() == label && !label.contains(char::is_control);
        ensure!(sound, "row {}: label {label:?} cannot stand in a column; write another --format", row.id);
        if let Some((other, first)) = taken[range.clone()].iter().flatten().next() {
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
        taken[range.clone()].fill(Some((row, span)));
        match broken.get(row, span).filter(|prefixes| prefixes.len() == range.len()) {
            Some(prefixes) => {
                for (at, prefix) in range.clone().zip(prefixes.chars()) {
                    tagged[at] = format!("{prefix}-{label}");
                }
            }
            None => tagged.splice(range.clone(), tags(label, range.len(), scheme)).for_each(drop),
        }
    }
    for (token, tag) in tokens.texts().iter().zip(tagged) {
        ensure!(
            !token.split_ascii_whitespace().any(|word| word == DOCUMENT_START),
            "row {}: a token `{DOCUMENT_START}` would begin a document; write another --format",
            rows[0].id
        );
        let token: String = token.chars().map(written).collect();
        writeln!(out, "{token}\t{tag}")?;
    }
    Ok(writeln!(out)?)
}
