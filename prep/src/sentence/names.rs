//! Joins sentences that a name was cut into, or cut off from: `Jeopardy! is a quiz show`.

use std::iter::Peekable;
use std::ops::Range;
use std::slice;

use schemas::{Anchor, CharSlicer};

use super::following_text::is_terminator;
use super::language_rules::LanguageRules;

/// The names of a page, ascending, and its text.
pub(super) struct Names<'p> {
    anchors: Peekable<slice::Iter<'p, Anchor<'p>>>,
    slicer: CharSlicer<'p>,
}

impl<'p> Names<'p> {
    pub fn new(text: &'p str, anchors: &'p [Anchor<'p>]) -> Self {
        Self { anchors: anchors.iter().peekable(), slicer: CharSlicer::new(text) }
    }

    /// Joins those of the sentences from index `from` on, all of one line, that have a name across their boundary, or a name that ends in a
    /// terminator before it and no certain beginning of a sentence after it. Lines are given in the order of the text.
    pub fn join(&mut self, rules: &LanguageRules, sentences: &mut Vec<Range<u32>>, from: usize) {
        let mut last = from;
        for at in from + 1..sentences.len() {
            let sentence = sentences[at].clone();
            if self.joins(rules, sentences[last].end, &sentence) {
                sentences[last].end = sentence.end;
            } else {
                last += 1;
                sentences[last] = sentence;
            }
        }
        sentences.truncate(last + 1);
    }

    /// Whether a sentence that ends at `end` goes on with `next`.
    fn joins(&mut self, rules: &LanguageRules, end: u32, next: &Range<u32>) -> bool {
        while self.anchors.next_if(|name| name.end < end).is_some() {}
        match self.anchors.peek().filter(|name| name.start < end) {
            Some(name) if name.end > end => true,
            Some(name) if name.text.ends_with(is_terminator) => {
                self.slicer.slice(next.start, next.end).is_some_and(|text| !rules.clearly_begins(text, 0))
            }
            _ => false,
        }
    }
}
