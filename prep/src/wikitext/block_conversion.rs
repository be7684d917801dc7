//! Converts the text of a block to the wanted script of Chinese, with the conversion rules of the page first, and maps offsets of the
//! old text to the new one.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::conversion_rule::ConversionRule;
use super::script_converter::ScriptConverter;

/// The conversion rules of the page that are active at the current position.
#[derive(Default)]
pub(super) struct ActiveRules {
    /// What is replaced, and by what.
    pairs: Vec<(String, String)>,
    /// Finds the leftmost longest match; built on first use after a change.
    matcher: Option<AhoCorasick>,
}

impl ActiveRules {
    /// Activates or deactivates a rule. Of two rules for the same text, the later one counts.
    pub fn apply(&mut self, rule: &ConversionRule) {
        for pair in &rule.pairs {
            self.pairs.retain(|(from, _)| *from != pair.0);
            self.pairs.extend(rule.activates.then(|| pair.clone()));
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
    /// Char range in the old text.
    old: Range<u32>,
    /// Char range in the new text.
    new: Range<u32>,
}

/// The conversion of a block, from its start to its end.
pub(super) struct BlockConversion<'a> {
    text: &'a str,
    converter: &'a ScriptConverter,
    /// Bytes converted so far, as bytes and chars of the old text and chars of the new text.
    done: usize,
    chars: u32,
    new_chars: u32,
    /// The new text.
    pub out: String,
    /// Replacements by rules of the page, in order.
    pub edits: Vec<Edit>,
}

impl<'a> BlockConversion<'a> {
    pub fn new(text: &'a str, converter: &'a ScriptConverter) -> Self {
        Self { text, converter, done: 0, chars: 0, new_chars: 0, out: String::with_capacity(text.len()), edits: Vec::new() }
    }

    /// Copies the text up to a byte offset unchanged.
    pub fn copy_to(&mut self, end: usize) {
        let piece = self.advance(end);
        self.new_chars += count(piece);
        self.out.push_str(piece);
    }

    /// Converts up to a byte offset, without the rules of the page.
    fn convert_script_to(&mut self, end: usize) {
        let piece = self.advance(end);
        self.new_chars += count(piece);
        self.converter.convert(piece, &mut self.out);
    }

    /// Converts up to a byte offset.
    pub fn convert_to(&mut self, end: usize, rules: &mut ActiveRules) {
        let start = self.done;
        let found: Vec<(usize, usize, usize)> = match rules.matcher() {
            Some(matcher) if start < end => matcher
                .find_iter(&self.text[start..end])
                .map(|found| (start + found.start(), start + found.end(), found.pattern().as_usize()))
                .collect(),
            _ => Vec::new(),
        };
        for (from, to, pair) in found {
            self.convert_script_to(from);
            let (old, new) = (self.chars, self.new_chars);
            self.advance(to);
            let text = &rules.pairs[pair].1;
            self.out.push_str(text);
            self.new_chars += count(text);
            self.edits.push(Edit { old: old..self.chars, new: new..self.new_chars });
        }
        self.convert_script_to(end);
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

/// Maps an offset in the old text to the new one. An offset inside an edit moves to the start of the edit, or to its end.
pub(super) fn map_offset(offset: u32, edits: &[Edit], to_end: bool) -> u32 {
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
    use crate::wikitext::script_converter::ChineseVariant;

    #[test]
    fn offsets_are_mapped() {
        let converter = ScriptConverter::to(ChineseVariant::Simplified).unwrap();
        let mut rules = ActiveRules::default();
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        rules.apply(&ConversionRule { pairs: vec![pair("資訊", "信"), pair("資訊科技", "信息技术界")], activates: true });
        let mut conversion = BlockConversion::new("在資訊科技與資訊後", &converter);
        conversion.convert_to(27, &mut rules);
        assert_eq!(conversion.out, "在信息技术界与信后");
        let ends: Vec<_> = (0..10).map(|at| (map_offset(at, &conversion.edits, false), map_offset(at, &conversion.edits, true))).collect();
        assert_eq!(ends, [(0, 0), (1, 1), (1, 6), (1, 6), (1, 6), (6, 6), (7, 7), (7, 8), (8, 8), (9, 9)]);
        rules.apply(&ConversionRule { pairs: vec![pair("資訊", "")], activates: false });
        let mut conversion = BlockConversion::new("資訊", &converter);
        conversion.convert_to(6, &mut rules);
        assert_eq!(conversion.out, "资讯");
    }
}
