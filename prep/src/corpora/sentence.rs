//! An annotated sentence, whatever the format of its file.

use std::collections::BTreeMap;
use std::ops::Range;

use schemas::tokens::join_tokens;

use super::tagging::decode::decode;
use super::tagging::scheme::TaggingScheme;
use super::tagging::tag::{Tag, TagNotation, prefixes};
use super::tokenization::TokenJoin;

/// A sentence of an annotated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotatedSentence {
    /// Number in the file, from 0. Skipped sentences are numbered too, empty ones are not.
    pub number: u32,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its text and what is marked in it.
    pub annotation: Annotation,
    /// The labels that the file asks for, each with its question. Empty in formats without questions.
    pub questions: Vec<(String, String)>,
    /// What is to be reported about it.
    pub notes: SentenceNotes,
}

/// What is to be reported about a sentence that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentenceNotes {
    /// Unusual notations of its tags, each with the first such tag, its line and their number.
    pub notations: BTreeMap<TagNotation, (String, u64, u64)>,
    /// Entities that were not read.
    pub dropped: Vec<DroppedSpan>,
    /// Whether its spans, which carry no text, lie behind chars that UTF-16 writes in two units, and were counted in chars.
    pub ambiguous_offsets: bool,
}

/// An entity of a file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedSpan {
    /// The reason, as counters name it.
    pub reason: &'static str,
    /// What was found and what was expected, where the span is malformed; `None` where it was not asked for.
    pub detail: Option<String>,
}

impl SentenceNotes {
    /// Counts a tag of an unusual notation.
    pub fn add_notation(&mut self, notation: TagNotation, tag: &str, line: u64) {
        self.notations.entry(notation).or_insert_with(|| (tag.to_owned(), line, 0)).2 += 1;
    }
}

/// The text and the entities of a sentence, as its format gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Annotation {
    /// Tokens, each with its tag.
    Tags {
        /// The tokens.
        tokens: Vec<String>,
        /// A tag for each token.
        tags: Vec<Tag>,
    },
    /// Running text, and the places of its tokens, each with its tag.
    TaggedText {
        /// The text.
        text: String,
        /// The char range of each token. Several may have the same one.
        tokens: Vec<Range<u32>>,
        /// A tag for each token.
        tags: Vec<Tag>,
    },
    /// Tokens, and spans of tokens.
    TokenSpans {
        /// The tokens.
        tokens: Vec<String>,
        /// Half-open ranges of token indices, each with its label. They may nest and overlap.
        spans: Vec<(Range<usize>, String)>,
    },
    /// Running text, and spans of chars.
    CharSpans {
        /// The text.
        text: String,
        /// Half-open ranges of char offsets, each with its label. They may nest and overlap.
        spans: Vec<(Range<u32>, String)>,
    },
}

/// An entity in running text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotatedEntity {
    /// Half-open range of char offsets.
    pub chars: Range<u32>,
    /// Its label.
    pub label: String,
    /// The prefixes of its tags, one char each, where they violate the tagging scheme.
    pub violating_prefixes: Option<String>,
}

impl Annotation {
    /// Whether there is no text.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Tags { tokens, .. } | Self::TokenSpans { tokens, .. } => tokens.is_empty(),
            Self::CharSpans { text, .. } | Self::TaggedText { text, .. } => text.trim().is_empty(),
        }
    }

    /// Adds the spans of another annotation of the same text.
    pub fn append_spans(&mut self, other: Self) {
        match (self, other) {
            (Self::TokenSpans { spans, .. }, Self::TokenSpans { spans: others, .. }) => spans.extend(others),
            (Self::CharSpans { spans, .. }, Self::CharSpans { spans: others, .. }) => spans.extend(others),
            _ => {}
        }
    }

    /// Bytes of its text.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Tags { tokens, .. } | Self::TokenSpans { tokens, .. } => tokens.iter().map(String::len).sum(),
            Self::CharSpans { text, .. } | Self::TaggedText { text, .. } => text.len(),
        }
    }

    /// The running text, with its entities by char offset. `join` is what stands between tokens.
    ///
    /// # Panics
    /// If a span of tokens is empty or outside of the tokens. The readers check that.
    pub fn into_text(self, scheme: TaggingScheme, join: TokenJoin) -> (String, Vec<AnnotatedEntity>) {
        let decoded = |tags: &[Tag]| {
            let spans = decode(tags, scheme).into_iter().map(|span| {
                let violating_prefixes = span.violates_scheme.then(|| prefixes(&tags[span.tokens.clone()], scheme));
                (span.tokens, span.label, violating_prefixes)
            });
            spans.collect::<Vec<_>>()
        };
        let ((text, char_ranges), token_spans) = match self {
            Self::CharSpans { text, spans } => {
                let entity = |(chars, label)| AnnotatedEntity { chars, label, violating_prefixes: None };
                return (text, spans.into_iter().map(entity).collect());
            }
            Self::TokenSpans { tokens, spans } => {
                (join_tokens(&tokens, join.text()), spans.into_iter().map(|(range, label)| (range, label, None)).collect())
            }
            Self::Tags { tokens, tags } => (join_tokens(&tokens, join.text()), decoded(&tags)),
            Self::TaggedText { text, tokens, tags } => ((text, tokens), decoded(&tags)),
        };
        let entity = |(tokens, label, violating_prefixes): (Range<usize>, String, Option<String>)| {
            let chars = char_ranges[tokens.start].start..char_ranges[tokens.end - 1].end;
            AnnotatedEntity { chars, label, violating_prefixes }
        };
        let entities = token_spans.into_iter().map(entity).collect();
        (text, entities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn every_annotation_gives_the_same_text_and_entities() {
        let tags: Vec<Tag> = words("B-PER I-PER O O B-LOC").iter().map(|tag| Tag::parse(tag, None).unwrap()).collect();
        let labelled = [(0..2, "PER".to_owned()), (4..5, "LOC".to_owned())];
        let chars = [(0..8, "PER".to_owned()), (18..20, "LOC".to_owned())];
        let tokens = words("Ödön Bek was here 北京");
        for annotation in [
            Annotation::Tags { tokens: tokens.clone(), tags: tags.clone() },
            Annotation::TaggedText { text: tokens.join(" "), tokens: vec![0..4, 5..8, 9..12, 13..17, 18..20], tags },
            Annotation::TokenSpans { tokens: tokens.clone(), spans: labelled.to_vec() },
            Annotation::CharSpans { text: tokens.join(" "), spans: chars.to_vec() },
        ] {
            let (text, entities) = annotation.into_text(TaggingScheme::Bio, TokenJoin::Space);
            assert_eq!(text, "Ödön Bek was here 北京");
            let found: Vec<_> = entities.into_iter().map(|entity| (entity.chars, entity.label)).collect();
            assert_eq!(found, chars);
        }
    }

    #[test]
    fn nested_and_overlapping_spans_are_kept() {
        let spans = vec![(0..3, "A".to_owned()), (1..2, "B".to_owned()), (1..4, "A".to_owned())];
        let annotation = Annotation::TokenSpans { tokens: words("北 京 大 学"), spans };
        let (text, entities) = annotation.into_text(TaggingScheme::Bio, TokenJoin::Nothing);
        let found: Vec<_> = entities.iter().map(|entity| (entity.chars.clone(), entity.label.as_str())).collect();
        assert_eq!((text.as_str(), found), ("北京大学", vec![(0..3, "A"), (1..2, "B"), (1..4, "A")]));
    }

    #[test]
    fn tags_that_violate_the_scheme_keep_their_prefixes() {
        let tags = ["O", "I-X", "I-X", "B-X"].map(|tag| Tag::parse(tag, None).unwrap()).to_vec();
        let (_, entities) = Annotation::Tags { tokens: words("a b c d"), tags }.into_text(TaggingScheme::Bio, TokenJoin::Space);
        let found: Vec<_> = entities.into_iter().map(|entity| (entity.chars, entity.violating_prefixes)).collect();
        assert_eq!(found, [(2..5, Some("II".to_owned())), (6..7, None)]);
    }

    #[test]
    fn blank_sentences_have_no_text() {
        assert!(Annotation::Tags { tokens: vec![], tags: vec![] }.is_blank());
        assert!(Annotation::CharSpans { text: " \n".to_owned(), spans: vec![] }.is_blank());
        assert!(!Annotation::TokenSpans { tokens: words("a"), spans: vec![] }.is_blank());
    }
}
