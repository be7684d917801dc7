//! Later mentions of what a page links or is named by.

use std::collections::HashMap;
use std::ops::Range;

use schemas::SegmentView;

use super::overlap::overlaps;
use crate::gazetteer::matcher::NameMatcher;
use crate::gazetteer::normalizer::Normalizer;

/// Fewest chars of a name whose later mentions are found.
const MIN_CHARS: usize = 2;
/// Most chars of such a name. A longer text is no name, and would be compared with all of the page.
const MAX_CHARS: usize = 100;

/// A name that a page links or is named by.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownName<'a> {
    /// The name.
    pub text: &'a str,
    /// Char of the page from which on a mention of it is a later one.
    pub from: u32,
    /// Its label, as in [`SpanCandidate`](super::span_candidate::SpanCandidate).
    pub label: usize,
}

/// Finds later mentions of the names of a page.
pub(super) struct RepeatFinder {
    matcher: NameMatcher,
    /// By number of the name in the matcher.
    names: Vec<FirstMention>,
}

#[derive(Debug, Clone, Copy)]
struct FirstMention {
    /// Char of the page at which the first mention ends.
    end: u32,
    /// The label; `None` if the page uses the name with two labels of the query set.
    label: Option<usize>,
}

impl RepeatFinder {
    /// A finder of names in a page in `lang`, given in the order in which the page mentions them. Labels from `other` on are none of the query
    /// set: they give way to those of the set, as a film with the name of its hero does.
    pub(super) fn new<'a>(lang: &str, other: usize, names: impl IntoIterator<Item = KnownName<'a>>) -> Self {
        let mut first_mentions: HashMap<&str, FirstMention> = HashMap::new();
        for KnownName { text, from, label } in names {
            if text.chars().nth(MIN_CHARS - 1).is_some() && text.chars().nth(MAX_CHARS).is_none() {
                let first = first_mentions.entry(text).or_insert(FirstMention { end: from, label: Some(label) });
                match first.label {
                    Some(known) if known >= other => first.label = Some(label),
                    known => first.label = known.filter(|&known| known == label || label >= other),
                }
            }
        }
        let (texts, names): (Vec<&str>, Vec<FirstMention>) = first_mentions.into_iter().unzip();
        let matcher = NameMatcher::new(texts).expect("the names of a page are far below the matcher's capacity");
        Self { matcher: matcher.with_korean_particles(lang == "ko"), names }
    }

    /// Later mentions in a segment, in its chars, each with its label. Of overlapping ones the longest is taken, and none overlaps a link,
    /// wherever that leads.
    pub(super) fn find(&self, segment: &SegmentView<'_>) -> Vec<(Range<u32>, usize)> {
        let text = Normalizer::default().normalize_text(segment.text);
        let links: Vec<Range<u32>> = segment.anchor_ranges().map(|(_, chars)| chars).collect();
        let is_later =
            |chars: &Range<u32>, name: usize| self.names[name].end <= segment.segment.start + chars.start && !overlaps(chars, &links);
        let found = self
            .matcher
            .leftmost_longest(text.as_str(), |found| text.original_chars(&found.bytes).is_some_and(|chars| is_later(&chars, found.name)));
        found.into_iter().filter_map(|found| Some((text.original_chars(&found.bytes)?, self.names[found.name].label?))).collect()
    }
}
