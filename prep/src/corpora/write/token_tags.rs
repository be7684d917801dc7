//! Tags of tokens.

use anyhow::{bail, ensure};
use schemas::{Span, Triple};

use super::token_spans::TokenSpan;
use crate::corpora::tagging::encode::encode;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::violations::OriginalPrefixes;

/// The tag of each of `count` tokens. Entities that were read from tags which violate the scheme get these tags back.
///
/// # Errors
/// Overlapping entities, entities of one label that touch in scheme IO, or a label that is no tag.
pub fn tags(count: usize, spans: &[TokenSpan<'_>], scheme: TaggingScheme, original: &OriginalPrefixes) -> anyhow::Result<Vec<String>> {
    let mut tags: Vec<String> = vec!["O".to_owned(); count];
    let mut tagged_by: Vec<Option<(&Triple, &Span)>> = vec![None; count];
    for TokenSpan { row, span, tokens } in spans {
        let label = &row.label;
        let fits_column = !label.is_empty() && label.trim() == label && !label.contains(char::is_control);
        ensure!(fits_column, "row {}: label {label:?} cannot stand in a tag; write another --format", row.id);
        if let Some((other, first)) = tagged_by[tokens.clone()].iter().flatten().next() {
            bail!(
                "row {}: {:?} ({}..{}) overlaps {:?} ({}..{}) of row {}, and a token has one tag; keep the surest with --flat, or write --format jsonl, nested or mrc-json",
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
        let touches = |at: usize| tagged_by.get(at).is_some_and(|tagged| tagged.is_some_and(|(other, _)| other.label == *label));
        let (follows, precedes) = (tokens.start > 0 && touches(tokens.start - 1), touches(tokens.end));
        ensure!(
            scheme != TaggingScheme::Io || !(follows || precedes),
            "row {}: {:?} ({}..{}) touches another entity of its label, and tags of scheme IO cannot tell them apart; give another --scheme",
            row.id,
            span.text,
            span.start,
            span.end
        );
        match original.get(row, span).filter(|prefixes| prefixes.len() == tokens.len()) {
            Some(prefixes) => {
                for (at, prefix) in tokens.clone().zip(prefixes.chars()) {
                    tags[at] = format!("{prefix}-{label}");
                }
            }
            None => tags.splice(tokens.clone(), encode(label, tokens.len(), scheme)).for_each(drop),
        }
        // IOB1 writes B where an entity follows another one of its label, whichever of them comes first in the rows.
        if scheme == TaggingScheme::Iob1 {
            for at in [follows.then_some(tokens.start), precedes.then_some(tokens.end)].into_iter().flatten() {
                tags[at] = format!("B-{label}");
            }
        }
    }
    Ok(tags)
}
