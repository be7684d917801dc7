//! Tags to entities.

use std::ops::Range;

use super::scheme::TaggingScheme;
use super::tag::{Tag, TagPrefix};

/// An entity by its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedSpan {
    /// Half-open range of token indices.
    pub tokens: Range<usize>,
    /// Its label.
    pub label: String,
    /// Whether its tags violate the scheme.
    pub violates_scheme: bool,
}

/// The entities of a sentence, in order and without overlap.
///
/// Entities are those of conlleval, the evaluation script of the CoNLL shared tasks, which seqeval follows: an entity begins at B and
/// S, and at I, M and E at the start of the sentence or after O, E, S or another label; it ends before O, B and S, before another label,
/// and after E and S. So tags that the scheme does not allow give entities too. These are marked: I at the start of an entity in BIO, B
/// without an adjacent entity of its label in IOB1, and in BMES and BIEOS an entity that does not begin with B or end with E.
pub fn decode(tags: &[Tag], scheme: TaggingScheme) -> Vec<TaggedSpan> {
    let mut spans: Vec<TaggedSpan> = Vec::new();
    // Whether the last span may go on with the next token.
    let mut is_open = false;
    let mut previous: Option<&str> = None;
    for (at, tag) in tags.iter().enumerate() {
        let Tag::Inside(prefix, label) = tag else {
            close_without_end(&mut spans, &mut is_open, scheme);
            previous = None;
            continue;
        };
        let is_adjacent = previous == Some(label);
        let continues = matches!(prefix, TagPrefix::Inside | TagPrefix::Middle | TagPrefix::End);
        if is_open && is_adjacent && continues {
            spans.last_mut().expect("the open span is the last one").tokens.end = at + 1;
        } else {
            close_without_end(&mut spans, &mut is_open, scheme);
            let violates_scheme = match scheme {
                TaggingScheme::Bio => *prefix == TagPrefix::Inside,
                TaggingScheme::Iob1 => *prefix == TagPrefix::Begin && !is_adjacent,
                TaggingScheme::Io => false,
                TaggingScheme::Bmes | TaggingScheme::Bieos => continues,
            };
            spans.push(TaggedSpan { tokens: at..at + 1, label: label.clone(), violates_scheme });
        }
        is_open = !matches!(prefix, TagPrefix::End | TagPrefix::Single);
        previous = Some(label);
    }
    close_without_end(&mut spans, &mut is_open, scheme);
    spans
}

/// Closes the open span, if there is one. It has no E then, which BMES and BIEOS require.
fn close_without_end(spans: &mut [TaggedSpan], is_open: &mut bool, scheme: TaggingScheme) {
    if std::mem::take(is_open) && matches!(scheme, TaggingScheme::Bmes | TaggingScheme::Bieos) {
        spans.last_mut().expect("the open span is the last one").violates_scheme = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_entities() {
        use TaggingScheme::{Bieos, Bio, Bmes, Io, Iob1};
        // Entities as start-end:label, with ! where their tags violate the scheme.
        for (scheme, text, expected) in [
            (Bio, "O B-A I-A O B-B", "1-3:A 4-5:B"),
            (Bio, "B-A B-A I-A", "0-1:A 1-3:A"),
            (Bio, "I-A I-A O I-B", "0-2:A! 3-4:B!"),
            (Bio, "B-A I-B I-B", "0-1:A 1-3:B!"),
            (Bio, "B-creative-work I-creative-work", "0-2:creative-work"),
            (Iob1, "I-A I-A B-A O I-B", "0-2:A 2-3:A 4-5:B"),
            (Iob1, "O B-A I-A", "1-3:A!"),
            (Io, "I-A I-A I-B O I-B", "0-2:A 2-3:B 4-5:B"),
            (Bmes, "B-A M-A E-A S-A S-B", "0-3:A 3-4:A 4-5:B"),
            (Bmes, "B-A O M-A M-A", "0-1:A! 2-4:A!"),
            (Bieos, "B-A B-A E-A", "0-1:A! 1-3:A"),
            (Bieos, "E-A E-A", "0-1:A! 1-2:A!"),
            (Bieos, "B-A E-A I-A E-A", "0-2:A 2-4:A!"),
            (Bieos, "B-A I-A S-A", "0-2:A! 2-3:A"),
            (Bieos, "B-A E-B", "0-1:A! 1-2:B!"),
            (Bieos, "U-A B-A L-A", "0-1:A 1-3:A"),
        ] {
            let tags: Vec<Tag> = text.split(' ').map(|tag| Tag::parse(tag, None).unwrap()).collect();
            let found: Vec<String> = decode(&tags, scheme)
                .into_iter()
                .map(|span| {
                    let mark = if span.violates_scheme { "!" } else { "" };
                    format!("{}-{}:{}{mark}", span.tokens.start, span.tokens.end, span.label)
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{scheme}: {text}");
        }
    }
}
