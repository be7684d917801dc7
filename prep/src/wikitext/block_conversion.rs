//! Converts the text of a block to the wanted script of Chinese, with the conversion rules of the page first, and maps offsets of the
//! old text to the new one.

use std::ops::Range;

use hashbrown::HashMap;

use super::conversion_rule::ConversionRule;
use super::script_converter::ScriptConverter;

/// Most chars that a rule replaces. Rules for longer texts, which occur once, are not looked for.
const MAX_RULE_CHARS: usize = 60;

/// The conversion rules of the page that are active at the current position: a trie, so that a rule becomes active in time linear in its
/// length.
#[derive(Default)]
pub(super) struct ActiveRules {
    /// For a node and a char, the node of the text with that char more. Node 0 is the empty text.
    nodes: HashMap<(usize, char), usize>,
    /// What replaces the text of each node but node 0, while a rule for it is active.
    replacements: Vec<Option<String>>,
}

impl ActiveRules {
    /// Activates or deactivates a rule. Of two rules for the same text, the later one counts.
    pub fn apply(&mut self, rule: &ConversionRule) {
        for (from, to) in rule.pairs.iter().filter(|(from, _)| from.chars().nth(MAX_RULE_CHARS).is_none()) {
            let mut node = 0;
            for c in from.chars() {
                let new = self.replacements.len() + 1;
                node = *self.nodes.entry((node, c)).or_insert(new);
                if node == new {
                    self.replacements.push(None);
                }
            }
            if node > 0 {
                self.replacements[node - 1] = rule.activates.then(|| to.clone());
            }
        }
    }

    /// The replacements in a text: leftmost first, of these the longest.
    fn find(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let mut found = Vec::new();
        let mut start = 0;
        while let Some(first) = text[start..].chars().next().filter(|_| !self.nodes.is_empty()) {
            let (mut node, mut longest) = (0, None);
            for (at, c) in text[start..].char_indices() {
                let Some(&next) = self.nodes.get(&(node, c)) else { break };
                node = next;
                longest = self.replacements[node - 1].as_deref().map(|to| (start..start + at + c.len_utf8(), to)).or(longest);
            }
            start = longest.as_ref().map_or(start + first.len_utf8(), |(range, _)| range.end);
            found.extend(longest);
        }
        found
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
    pub fn convert_to(&mut self, end: usize, rules: &ActiveRules) {
        let start = self.done;
        let found = self.text.get(start..end).map(|text| rules.find(text)).unwrap_or_default();
        for (range, replacement) in found {
            self.convert_script_to(start + range.start);
            let (old, new) = (self.chars, self.new_chars);
            self.advance(start + range.end);
            self.out.push_str(replacement);
            self.new_chars += count(replacement);
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
        conversion.convert_to(27, &rules);
        assert_eq!(conversion.out, "在信息技术界与信后");
        let ends: Vec<_> = (0..10).map(|at| (map_offset(at, &conversion.edits, false), map_offset(at, &conversion.edits, true))).collect();
        assert_eq!(ends, [(0, 0), (1, 1), (1, 6), (1, 6), (1, 6), (6, 6), (7, 7), (7, 8), (8, 8), (9, 9)]);
        let long = "資".repeat(MAX_RULE_CHARS);
        for (from, expected) in [(long.as_str(), "x"), (&format!("{long}資"), &"资".repeat(MAX_RULE_CHARS + 1))] {
            let mut rules = ActiveRules::default();
            rules.apply(&ConversionRule { pairs: vec![pair(from, "x")], activates: true });
            let mut conversion = BlockConversion::new(from, &converter);
            conversion.convert_to(from.len(), &rules);
            assert_eq!(conversion.out, expected);
        }
        rules.apply(&ConversionRule { pairs: vec![pair("資訊", "")], activates: false });
        let mut conversion = BlockConversion::new("資訊", &converter);
        conversion.convert_to(6, &rules);
        assert_eq!(conversion.out, "资讯");
    }
}
