//! Finds the sentence boundaries of any text: those of `sentencex`, which takes quadratic time for texts without spaces, of unpaired quotes,
//! or of many list items.
//!
//! `sentencex` decides about each terminator from the words around it. Quotes, brackets and list items are found here, in linear time.

use std::ops::Range;

use super::enclosures::{Enclosure, Enclosures};
use super::language_rules::LanguageRules;
use super::list_items::find_list_items;
use super::quotes::{CLOSING_MARKS, SYMMETRIC_MARKS, begins_sentence};

/// Finds sentence boundaries; reuses its buffer.
#[derive(Default)]
pub(super) struct BoundaryFinder {
    terminators: Vec<Range<usize>>,
}

impl BoundaryFinder {
    /// Replaces the content of `out` by the sentence boundaries inside a text without line feeds, in bytes.
    ///
    /// They are those that `sentencex` finds, except after more than 1 KiB of text without spaces or of nothing but names: what precedes that
    /// does not decide whether `J.` is an initial and `p.m.` ends a sentence.
    pub fn find_boundaries(&mut self, rules: &LanguageRules, text: &str, out: &mut Vec<usize>) {
        out.clear();
        let items = find_list_items(text);
        let mut enclosures = Enclosures::find(text, &items);
        rules.find_terminators(text, &mut self.terminators);
        for run in &self.terminators {
            let Some(boundary) = rules.boundary_after(text, run) else { continue };
            let boundary = match enclosures.around(rules, run, boundary) {
                // In quotes, only a terminator before the closing mark ends the sentence, after that mark.
                Some(Enclosure::Quote(quote)) if is_before_closing_mark(text, &quote, boundary) => rules.boundary_after_quote(text, &quote),
                Some(_) => None,
                None => Some(after_stray_mark(rules, text, boundary, &mut enclosures)),
            };
            out.extend(boundary.filter(|boundary| out.last().is_none_or(|last| last < boundary)));
        }
        drop(enclosures);
        if !items.is_empty() {
            out.extend(items);
            out.sort_unstable();
            out.dedup();
        }
        out.retain(|&boundary| 0 < boundary && boundary < text.len());
    }
}

/// Whether a boundary lies right before the closing mark of a quote.
fn is_before_closing_mark(text: &str, quote: &Range<usize>, boundary: usize) -> bool {
    CLOSING_MARKS.iter().any(|mark| boundary + mark.len() == quote.end && text[..quote.end].ends_with(mark))
}

/// The boundary after the closing quote mark that follows it without having been opened, and after terminators behind that.
fn after_stray_mark(rules: &LanguageRules, text: &str, boundary: usize, enclosures: &mut Enclosures<'_>) -> usize {
    // An enclosure that begins here belongs to the next sentence.
    let rest = &text[boundary..];
    if !rest.starts_with(|c| CLOSING_MARKS.iter().any(|mark| mark.starts_with(c))) || enclosures.begins(boundary) {
        return boundary;
    }
    let symmetric = |mark: &str| SYMMETRIC_MARKS.iter().position(|symmetric| *symmetric == mark);
    let is_stray = |mark: &&&str| {
        let Some(mark) = symmetric(mark) else { return true };
        let (before, all) = enclosures.free_marks(mark, boundary);
        before % 2 == 1 || (before == 0 && all == 1)
    };
    let Some(mark) = CLOSING_MARKS.iter().filter(|mark| rest.starts_with(**mark)).find(is_stray) else { return boundary };
    let after_mark = boundary + mark.len();
    // Where the text has had a quote, a mark between a space and a capital opens the next one.
    let is_spaced = text[..boundary].chars().next_back().is_none_or(char::is_whitespace);
    if is_spaced && begins_sentence(text, after_mark) && symmetric(mark).is_some_and(|mark| enclosures.has_quote_before(mark, boundary)) {
        return boundary;
    }
    let skip_space = |at: usize| text.len() - text[at..].trim_start().len();
    let mut end = skip_space(after_mark);
    while let Some(length) = rules.terminators_at_start(&text[end..]) {
        end = skip_space(end + length);
    }
    end
}
