//! A block's text in the wanted script of Chinese, by the page's own conversions first, and where its offsets lie afterwards.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Converter;
use super::variants::Rule;

/// A page's own conversions that hold at some place of it.
#[derive(Default)]
pub(super) struct Conversions {
    /// What to replace, and by what.
    pairs: Vec<(String, String)>,
    /// Finds the longest of them; made when it is needed.
    matcher: Option<AhoCorasick>,
}

impl Conversions {
    /// A rule begins or ends to hold. The later of two that replace the same counts.
    pub fn apply(&mut self, rule: &Rule) {
        for pair in &rule.pairs {
            self.pairs.retain(|(from, _)| *from != pair.0);
            self.pairs.extend(rule.holds.then(|| pair.clone()));
        }
        self.matcher = None;
    }

    fn matcher(&mut self) -> Option<&AhoCorasick> {
        if self.pairs.is_empty() {
            return None;
        }
        if self.matcher.is_none() {
            let patterns = self.pairs.iter().map(|(from, _)| from);
            self.matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).ok();
        }
        self.matcher.as_ref()
    }
}

/// A replacement that may change the number of chars.
pub(super) struct Edit {
    /// Chars of the text as it was.
    old: Range<u32>,
    /// Chars of the result.
    new: Range<u32>,
}

/// A text being converted from its start to its end.
pub(super) struct Conversion<'a> {
    text: &'a str,
    converter: &'a Converter,
    /// Bytes done, the chars that they are, and those of the result.
    done: usize,
    chars: u32,
    new_chars: u32,
    /// The result.
    pub out: String,
    /// What changed its length, in order.
    pub edits: Vec<Edit>,
}

impl<'a> Conversion<'a> {
    pub fn of(text: &'a str, converter: &'a Converter) -> Self {
        Self { text, converter, done: 0, chars: 0, new_chars: 0, out: String::with_capacity(text.len()), edits: Vec::new() }
    }

    /// Copies as it is, up to a byte.
    pub fn keep_to(&mut self, end: usize) {
        let piece = self.advance(end);
        self.new_chars += count(piece);
        self.out.push_str(piece);
    }

    fn plainly_to(&mut self, end: usize) {
        let piece = self.advance(end);
        self.new_chars += count(piece);
        self.converter.convert(piece, &mut self.out);
    }

    /// Converts up to a byte.
    pub fn convert_to(&mut self, end: usize, conversions: &mut Conversions) {
        let start = self.done;
        let found: Vec<(usize, usize, usize)> = match conversions.matcher() {
            Some(matcher) if start < end => matcher
                .find_iter(&self.text[start..end])
                .map(|found| (start + found.start(), start + found.end(), found.pattern().as_usize()))
                .collect(),
            _ => Vec::new(),
        };
        for (from, to, pair) in found {
            self.plainly_to(from);
            let (old, new) = (self.chars, self.new_chars);
            self.advance(to);
            let text = &conversions.pairs[pair].1;
            self.out.push_str(text);
            self.new_chars += count(text);
            self.edits.push(Edit { old: old..self.chars, new: new..self.new_chars });
        }
        self.plainly_to(end);
    }

    fn advance(&mut self, to: usize) -> &'a str {
        let piece = &self.text[self.done..to.max(self.done)];
        self.chars += count(piece);
        self.done += piece.len();
        piece
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).expect("pages are under 4 GiB")
}

/// Where an offset lies after the edits; inside of one, at its border.
pub(super) fn moved(offset: u32, edits: &[Edit], to_end: bool) -> u32 {
    let before = edits.partition_point(|edit| edit.old.end <= offset);
    match edits.get(before) {
        Some(edit) if edit.old.start < offset => {
            if to_end {
                edit.new.end
            } else {
                edit.new.start
            }
        }
        _ => before.checked_sub(1).map_or(offset, |last| edits[last].new.end + (offset - edits[last].old.end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wikitext::options::Variant;

    #[test]
    fn offsets_follow_the_text() {
        let converter = Converter::to(Variant::ZhHans).unwrap();
        let mut conversions = Conversions::default();
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        conversions.apply(&Rule { pairs: vec![pair("資訊", "信"), pair("資訊科技", "信息技术界")], holds: true });
        let mut conversion = Conversion::of("在資訊科技與資訊後", &converter);
        conversion.convert_to(27, &mut conversions);
        assert_eq!(conversion.out, "在信息技术界与信后");
        let ends: Vec<_> = (0..10).map(|at| (moved(at, &conversion.edits, false), moved(at, &conversion.edits, true))).collect();
        assert_eq!(ends, [(0, 0), (1, 1), (1, 6), (1, 6), (1, 6), (6, 6), (7, 7), (7, 8), (8, 8), (9, 9)]);
        conversions.apply(&Rule { pairs: vec![pair("資訊", "")], holds: false });
        let mut conversion = Conversion::of("資訊", &converter);
        conversion.convert_to(6, &mut conversions);
        assert_eq!(conversion.out, "资讯");
    }
}
