//! Builds the text of a block char by char: normalizes white space, and removes the punctuation that is left where templates were removed.

use schemas::SegmentKind;

use super::block_conversion::{ActiveRules, BlockConversion, map_offset};
use super::conversion_rule::ConversionRule;
use super::internal_links::LinkTarget;
use super::invisible::is_invisible;
use super::namespaces::{CATEGORY_NAMESPACE, FILE_NAMESPACE, TitlePrefix};
use super::script_converter::ScriptConverter;
use super::wiki::Wiki;

/// Most separators in a row that are removed with a template beside them.
const MAX_SEPARATORS: usize = 100;

/// A block in progress.
pub(super) struct BlockBuilder<'a> {
    pub kind: SegmentKind,
    pub level: u8,
    pub text: String,
    /// Number of chars of `text`.
    pub chars: u32,
    /// Anchors as char ranges with their targets.
    pub anchors: Vec<(u32, u32, &'a LinkTarget)>,
    /// The open anchor, with the offset of its first char once it has one.
    pub open_anchor: Option<(&'a LinkTarget, Option<u32>)>,
    /// Byte ranges that are not converted.
    pub unconverted: Vec<(usize, usize)>,
    /// Start of the unconverted range that is open.
    pub unconverted_start: Option<usize>,
    /// Number of unconverted ranges that are open inside the open one.
    pub unconverted_depth: u32,
    /// Byte offsets at which conversion rules of the page, by number, become active or inactive.
    pub rule_switches: Vec<(usize, usize)>,
    /// Chars before which an unknown template vanished, with the number of the template.
    pub holes: Vec<(u32, usize)>,
    /// White space was read, and no char after it yet.
    pub space: bool,
    /// Something was removed, and no char was read after it yet.
    pub gap: bool,
    /// Something was removed from the block.
    pub has_gap: bool,
    /// A parenthesis that is empty so far: its offset in bytes and chars, and whether something was removed inside.
    pub parenthesis: Option<(usize, u32, bool)>,
}

impl Default for BlockBuilder<'_> {
    fn default() -> Self {
        Self {
            kind: SegmentKind::Paragraph,
            level: 0,
            text: String::new(),
            chars: 0,
            anchors: Vec::new(),
            open_anchor: None,
            unconverted: Vec::new(),
            unconverted_start: None,
            unconverted_depth: 0,
            rule_switches: Vec::new(),
            holes: Vec::new(),
            space: false,
            gap: false,
            has_gap: false,
            parenthesis: None,
        }
    }
}

impl BlockBuilder<'_> {
    /// An empty block that reuses the buffers of this one.
    pub fn cleared(mut self) -> Self {
        self.text.clear();
        self.anchors.clear();
        self.unconverted.clear();
        self.rule_switches.clear();
        Self { text: self.text, anchors: self.anchors, unconverted: self.unconverted, rule_switches: self.rule_switches, ..Self::default() }
    }

    /// Whether plain text can be appended by [`push_plain_text`](Self::push_plain_text), because nothing before it affects it.
    pub fn accepts_plain_text(&self) -> bool {
        !self.space && !self.gap && self.parenthesis.is_none() && !self.text.is_empty() && !matches!(self.open_anchor, Some((_, None)))
    }

    /// Appends plain text, like [`push`](Self::push) for each of its chars. `chars` is their number.
    pub fn push_plain_text(&mut self, text: &str, chars: u32) {
        self.text.push_str(text);
        self.chars += chars;
    }

    /// Appends a char.
    pub fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.space = true;
            return;
        }
        if c.is_control() || is_invisible(c) {
            return;
        }
        let last = self.text.chars().next_back();
        // Punctuation around a removed template is removed too: `( ; born 1950)`, `Rome , and`, `born 1950; )`.
        let after_parenthesis = matches!(self.parenthesis, Some((at, _, true)) if at + last.map_or(0, char::len_utf8) == self.text.len());
        if (after_parenthesis && is_separator(c)) || (self.gap && is_separator(c) && last == Some(c)) {
            self.space = false;
            return;
        }
        if self.gap && is_closing(c) {
            self.space = false;
            if is_separator(c) && last.is_some_and(is_separator) {
                // Of two adjacent separators, the later one is kept.
                self.trim_separators();
            }
            if matches!(c, ')' | '）') && !after_parenthesis {
                self.trim_separators();
            }
        }
        let would_join = self.gap && last.is_some_and(is_word) && is_word(c);
        if (self.space && last.is_some() && !after_parenthesis) || would_join {
            self.text.push(' ');
            self.chars += 1;
        }
        (self.space, self.gap) = (false, false);
        if let Some((_, start @ None)) = &mut self.open_anchor {
            *start = Some(self.chars);
        }
        match c {
            '(' | '（' => self.parenthesis = Some((self.text.len(), self.chars, false)),
            ')' | '）' => {
                if let Some((bytes, chars, true)) = self.parenthesis.take() {
                    return self.remove_parenthesis(bytes, chars);
                }
            }
            '·' | '/' => {}
            _ if is_separator(c) => {}
            _ => self.parenthesis = None,
        }
        self.text.push(c);
        self.chars += 1;
    }

    /// Removes separators at the end, unless an anchor or unconverted text holds them.
    fn trim_separators(&mut self) {
        let separators = self.text.chars().rev().take(MAX_SEPARATORS).take_while(|&c| is_separator(c) || c == ' ');
        let (removed, bytes) = separators.fold((0, 0), |(chars, bytes), c| (chars + 1, bytes + c.len_utf8()));
        let (chars, keep) = (self.chars - removed, self.text.len() - bytes);
        let is_free = self.open_anchor.is_none() && self.anchors.last().is_none_or(|anchor| anchor.1 <= chars);
        if is_free && self.unconverted.last().is_none_or(|range| range.1 <= keep) && self.unconverted_start.is_none() {
            self.text.truncate(keep);
            self.chars = chars;
            self.move_switches(keep);
        }
    }

    /// Moves the switches after the end of the text, which was shortened, to its end.
    fn move_switches(&mut self, end: usize) {
        self.rule_switches.iter_mut().rev().take_while(|switch| switch.0 > end).for_each(|switch| switch.0 = end);
    }

    /// Removes an empty parenthesis and the space before it.
    fn remove_parenthesis(&mut self, bytes: usize, chars: u32) {
        self.text.truncate(bytes);
        self.chars = chars;
        if self.text.ends_with(' ') {
            self.text.pop();
            self.chars -= 1;
        }
        let length = self.text.len();
        self.move_switches(length);
        let moved = self.unconverted.iter_mut().rev().take_while(|range| range.1 > length);
        moved.for_each(|range| *range = (range.0.min(length), length));
        if let Some((_, start)) = &mut self.open_anchor {
            *start = start.filter(|&start| start < self.chars);
        }
        self.gap = true;
    }

    /// Whether this is a list item that consists of the name of a category or file, as `* [[:Category:Cats]]` under "See also".
    pub fn is_navigation(&self, wiki: &Wiki) -> bool {
        let [(0, end, _)] = self.anchors[..] else { return false };
        let is_shown =
            |prefix: &str| matches!(wiki.namespaces.prefix(prefix), Some(TitlePrefix::Namespace(FILE_NAMESPACE | CATEGORY_NAMESPACE)));
        self.kind == SegmentKind::List && end == self.chars && self.text.split_once(':').is_some_and(|(prefix, _)| is_shown(prefix))
    }

    /// Ends the open anchor. An anchor without text is dropped.
    pub fn close_anchor(&mut self) {
        if let Some((target, Some(start))) = self.open_anchor.take()
            && start < self.chars
        {
            self.anchors.push((start, self.chars, target));
        }
    }

    /// Ends the open unconverted range.
    pub fn close_unconverted(&mut self) {
        if let Some(start) = self.unconverted_start.take()
            && start < self.text.len()
        {
            self.unconverted.push((start, self.text.len()));
        }
    }

    /// Converts the text to the wanted script, with the rules of the page first. `rules` are all of them, `active` those that are active at
    /// the start of the block, and afterwards at its end.
    pub fn convert(&mut self, converter: &ScriptConverter, active: &mut ActiveRules, rules: &[ConversionRule]) {
        let mut conversion = BlockConversion::new(&self.text, converter);
        let mut switches = std::mem::take(&mut self.rule_switches).into_iter().peekable();
        for &(start, end) in self.unconverted.iter().chain([&(self.text.len(), self.text.len())]) {
            while let Some((at, number)) = switches.next_if(|&(at, _)| at <= start) {
                conversion.convert_to(at, active);
                active.apply(&rules[number]);
            }
            conversion.convert_to(start, active);
            conversion.copy_to(end);
            // Rules that are defined inside unconverted text are active after it.
            while let Some((_, number)) = switches.next_if(|&(at, _)| at < end) {
                active.apply(&rules[number]);
            }
        }
        if !conversion.edits.is_empty() {
            for (start, end, _) in &mut self.anchors {
                (*start, *end) = (map_offset(*start, &conversion.edits, false), map_offset(*end, &conversion.edits, true));
            }
            self.holes.iter_mut().for_each(|(hole, _)| *hole = map_offset(*hole, &conversion.edits, false));
            self.chars = u32::try_from(conversion.out.chars().count()).expect("pages are under 4 GiB");
        }
        self.text = conversion.out;
    }
}

/// Punctuation between parts of a sentence.
fn is_separator(c: char) -> bool {
    matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、')
}

/// Punctuation that has no space before it.
pub(super) fn is_closing(c: char) -> bool {
    is_separator(c) || matches!(c, '.' | '!' | '?' | ')' | '。' | '！' | '？' | '）')
}

/// Letters and digits of scripts that separate words by spaces.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_unspaced(c)
}

/// Chinese, Japanese, Thai and Lao chars: scripts in which a removed template leaves no space between words.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::super::markers::{is_marker, unprotect};
    use super::super::plain_text::plain_char_length;
    use super::*;

    #[test]
    fn plain_chars_are_pushed_unchanged() {
        let builder = || BlockBuilder { text: "a".to_owned(), chars: 1, ..BlockBuilder::default() };
        // Invisible chars of the page are removed before; those of entities do not come this way.
        let plain = ('\0'..=char::MAX).filter(|&c| plain_char_length(c.to_string().as_bytes()) > 0 && !is_invisible(c));
        for c in plain {
            let mut block = builder();
            block.push(c);
            let last = block.text.chars().last();
            assert_eq!((last, block.accepts_plain_text(), is_marker(c), unprotect(c)), (Some(c), true, false, None), "{c:?}");
        }
    }
}
