//! Candidates: spans of a segment before it is known whether their sentence is kept.

use std::ops::Range;

use schemas::{Anchor, Origin, SegmentView, SpanInput};

use crate::counters::{CounterKey, Counters};
use crate::wikitext::Wiki;

/// A span of a segment. No sentence is split inside one.
#[derive(Debug, Clone)]
pub struct SpanCandidate {
    /// Chars of the segment.
    pub chars: Range<u32>,
    /// Its label, by position in the query set; a name of a label that the set lacks has the next one. `None`: a name of unknown label. Neither
    /// is a span of any triple.
    pub label: Option<usize>,
    /// Origin of the span in the triple.
    pub origin: Origin,
    /// What it is counted as.
    pub counter: CounterKey,
    /// Number of its name in the gazetteer.
    pub name: Option<u32>,
}

impl SpanCandidate {
    /// The span in chars of a sentence that starts at `sentence` in the segment.
    pub(super) fn in_sentence(&self, sentence: u32) -> SpanInput {
        SpanInput { chars: self.chars.start - sentence..self.chars.end - sentence, origin: self.origin, score: None }
    }
}

/// The anchors of a segment that lead to articles, with their chars in the segment. Counts the others as skipped.
pub(super) fn article_links<'p>(segment: &SegmentView<'p>, wiki: &Wiki, counters: &mut Counters) -> Vec<(&'p Anchor<'p>, Range<u32>)> {
    let mut links = Vec::with_capacity(segment.anchors.len());
    for (anchor, chars) in segment.anchor_ranges() {
        if wiki.is_article(&anchor.target) {
            links.push((anchor, chars));
        } else {
            counters.of(CounterKey::Anchors).skip("not to an article");
        }
    }
    links
}
