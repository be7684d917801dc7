//! A block of text as it grows: its anchors, what is not converted, and what is left where something vanished.

use schemas::SegmentKind;

use super::conversion::{Conversion, Conversions, moved};
use super::links::Target;
use super::variants::Rule;
use super::{Converter, Prefix, Wiki};

/// The block that is being filled. Offsets are chars of its text.
pub(super) struct Block<'a> {
    pub kind: SegmentKind,
    pub level: u8,
    pub text: String,
    pub chars: u32,
    pub anchors: Vec<(u32, u32, &'a Target)>,
    /// The anchor that is open, and where its first char lies once it has one.
    pub open: Option<(&'a Target, Option<u32>)>,
    /// Bytes of the text that are not converted.
    pub keeps: Vec<(usize, usize)>,
    pub keep_from: Option<usize>,
    /// What is kept inside of what is kept.
    pub kept_inside: u32,
    /// Bytes of the text from which on rules of the page hold.
    pub switches: Vec<(usize, usize)>,
    /// White space came, but nothing after it yet.
    pub space: bool,
    /// Something vanished, and nothing came after it yet.
    pub gap: bool,
    /// Something vanished.
    pub vanished: bool,
    /// A parenthesis with nothing in it so far: where it lies in bytes and chars, and whether something vanished inside.
    pub parenthesis: Option<(usize, u32, bool)>,
}

impl Default for Block<'_> {
    fn default() -> Self {
        Self {
            kind: SegmentKind::Paragraph,
            level: 0,
            text: String::new(),
            chars: 0,
            anchors: Vec::new(),
            open: None,
            keeps: Vec::new(),
            keep_from: None,
            kept_inside: 0,
            switches: Vec::new(),
            space: false,
            gap: false,
            vanished: false,
            parenthesis: None,
        }
    }
}

impl Block<'_> {
    pub fn emptied(mut self) -> Self {
        self.text.clear();
        self.anchors.clear();
        self.keeps.clear();
        self.switches.clear();
        Self { text: self.text, anchors: self.anchors, keeps: self.keeps, switches: self.switches, ..Self::default() }
    }

    /// Whether the next char, if it is an ordinary one, is appended whatever came before it.
    pub fn is_quiet(&self) -> bool {
        !self.space && !self.gap && self.parenthesis.is_none() && !self.text.is_empty() && !matches!(self.open, Some((_, None)))
    }

    /// What [`push`](Self::push) does with each char of [`plain_words`] in a block that is quiet, at once.
    pub fn push_words(&mut self, words: &str, chars: u32) {
        self.text.push_str(words);
        self.chars += chars;
    }

    pub fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.space = true;
            return;
        }
        if c.is_control() {
            return;
        }
        let last = self.text.chars().next_back();
        // What vanished leaves no punctuation alone: `( ; born 1950)`, `Rome , and`, `born 1950; )`.
        let opened = matches!(self.parenthesis, Some((at, _, true)) if at + last.map_or(0, char::len_utf8) == self.text.len());
        if (opened && is_separator(c)) || (self.gap && is_separator(c) && last == Some(c)) {
            self.space = false;
            return;
        }
        if self.gap && is_closing(c) {
            self.space = false;
            if is_separator(c) && last.is_some_and(is_separator) {
                // Of two that now touch, the later one counts.
                self.trim_separators();
            }
            if matches!(c, ')' | '）') && !opened {
                self.trim_separators();
            }
        }
        let joins = self.gap && last.is_some_and(is_word) && is_word(c);
        if (self.space && last.is_some() && !opened) || joins {
            self.text.push(' ');
            self.chars += 1;
        }
        (self.space, self.gap) = (false, false);
        if let Some((_, start @ None)) = &mut self.open {
            *start = Some(self.chars);
        }
        match c {
            '(' | '（' => self.parenthesis = Some((self.text.len(), self.chars, false)),
            ')' | '）' => {
                if let Some((bytes, chars, true)) = self.parenthesis.take() {
                    return self.cut(bytes, chars);
                }
            }
            '·' | '/' => {}
            _ if is_separator(c) => {}
            _ => self.parenthesis = None,
        }
        self.text.push(c);
        self.chars += 1;
    }

    /// Takes back separators at the end, as far as no anchor holds them.
    fn trim_separators(&mut self) {
        let keep = self.text.trim_end_matches(|c: char| is_separator(c) || c == ' ').len();
        let cut = u32::try_from(self.text[keep..].chars().count()).expect("pages are under 4 GiB");
        let chars = self.chars - cut;
        let free = self.open.is_none() && self.anchors.last().is_none_or(|anchor| anchor.1 <= chars);
        if free && self.keeps.last().is_none_or(|kept| kept.1 <= keep) && self.keep_from.is_none() {
            self.text.truncate(keep);
            self.chars = chars;
            self.switches.iter_mut().for_each(|switch| switch.0 = switch.0.min(keep));
        }
    }

    /// Takes back an empty parenthesis and the space before it.
    fn cut(&mut self, bytes: usize, chars: u32) {
        self.text.truncate(bytes);
        self.chars = chars;
        if self.text.ends_with(' ') {
            self.text.pop();
            self.chars -= 1;
        }
        let length = self.text.len();
        self.switches.iter_mut().for_each(|switch| switch.0 = switch.0.min(length));
        self.keeps.iter_mut().for_each(|keep| *keep = (keep.0.min(length), keep.1.min(length)));
        if let Some((_, start)) = &mut self.open {
            *start = start.filter(|&start| start < self.chars);
        }
        self.gap = true;
    }

    /// Whether this is a list item that only names a category or a file, as `* [[:Category:Cats]]` under "See also" does.
    pub fn is_navigation(&self, wiki: &Wiki) -> bool {
        let [(0, end, _)] = self.anchors[..] else { return false };
        let shows = |prefix: &str| matches!(wiki.prefix(prefix), Some(Prefix::Namespace(6 | 14)));
        self.kind == SegmentKind::List && end == self.chars && self.text.split_once(':').is_some_and(|(prefix, _)| shows(prefix))
    }

    pub fn close_anchor(&mut self) {
        if let Some((target, Some(start))) = self.open.take()
            && start < self.chars
        {
            self.anchors.push((start, self.chars, target));
        }
    }

    pub fn close_keep(&mut self) {
        if let Some(from) = self.keep_from.take()
            && from < self.text.len()
        {
            self.keeps.push((from, self.text.len()));
        }
    }

    /// Converts the text to the wanted script, by the page's own rules first.
    pub fn convert(&mut self, converter: &Converter, conversions: &mut Conversions, rules: &[Rule]) {
        let mut conversion = Conversion::of(&self.text, converter);
        let mut switches = std::mem::take(&mut self.switches).into_iter().peekable();
        for &(start, end) in self.keeps.iter().chain([&(self.text.len(), self.text.len())]) {
            while let Some((at, number)) = switches.next_if(|&(at, _)| at <= start) {
                conversion.convert_to(at, conversions);
                conversions.apply(&rules[number]);
            }
            conversion.convert_to(start, conversions);
            conversion.keep_to(end);
            // Rules set inside what is kept hold after it.
            while let Some((_, number)) = switches.next_if(|&(at, _)| at < end) {
                conversions.apply(&rules[number]);
            }
        }
        if !conversion.edits.is_empty() {
            for (start, end, _) in &mut self.anchors {
                (*start, *end) = (moved(*start, &conversion.edits, false), moved(*end, &conversion.edits, true));
            }
            self.chars = u32::try_from(conversion.out.chars().count()).expect("pages are under 4 GiB");
        }
        self.text = conversion.out;
    }
}

/// Length, in bytes and chars, of the words at the start of `text`, with single spaces between them, that hold nothing which means more than itself.
pub(super) fn plain_words(text: &str) -> (usize, u32) {
    /// So many bytes are looked at together.
    const STRIDE: usize = 16;
    let bytes = text.as_bytes();
    let (mut end, mut chars) = (0, 0);
    loop {
        // No branch for each byte: the compiler makes one comparison of them all.
        while let Some(window) = bytes.get(end..=end + STRIDE)
            && window[..STRIDE]
                .iter()
                .zip(&window[1..])
                .fold(true, |all, (&byte, &next)| all & (plain(byte) | ((byte == b' ') & plain(next))))
        {
            end += STRIDE;
            chars += STRIDE as u32;
        }
        let space = usize::from(bytes.get(end) == Some(&b' '));
        match plain_char(&bytes[end + space..]) {
            0 => return (end, chars),
            length => {
                end += space + length;
                chars += space as u32 + 1;
            }
        }
    }
}

fn plain(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f) & (byte != b'(') & (byte != b'&')
}

/// Length of the char at the start of a text if it means no more than itself; of other scripts' chars those of two and three bytes, but
/// for white space, control chars, marks and `（`.
fn plain_char(bytes: &[u8]) -> usize {
    match *bytes {
        [byte, ..] if plain(byte) => 1,
        [0xc2, second, ..] if second > 0xa0 => 2,
        [0xc3..=0xdf, ..] => 2,
        [0xe1, second, third, ..] if (second, third) != (0x9a, 0x80) => 3,
        [0xe2, second, third, ..] if !matches!((second, third), (0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf) | (0x81, 0x9f)) => 3,
        [0xe3, second, third, ..] if (second, third) != (0x80, 0x80) => 3,
        [0xe0 | 0xe4..=0xed, ..] => 3,
        [0xef, second, third, ..] if second >= 0xb8 && (second, third) != (0xbc, 0x88) => 3,
        _ => 0,
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、')
}

/// Punctuation that no space stands before.
pub(super) fn is_closing(c: char) -> bool {
    is_separator(c) || matches!(c, '.' | '!' | '?' | ')' | '。' | '！' | '？' | '）')
}

/// Letters and digits of scripts that part words by spaces.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_cjk(c)
}

/// Chinese, Japanese and Thai letters: words of these join without a space.
fn is_cjk(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::super::marks::{is_mark, unprotect};
    use super::*;

    /// What is appended at once is what would be appended char by char.
    #[test]
    fn plain_chars_mean_no_more_than_themselves() {
        let quiet = || Block { text: "a".to_owned(), chars: 1, ..Block::default() };
        for c in ('\0'..=char::MAX).filter(|&c| plain_char(c.to_string().as_bytes()) > 0) {
            let mut block = quiet();
            block.push(c);
            assert_eq!((block.text.chars().last(), block.is_quiet(), is_mark(c), unprotect(c)), (Some(c), true, false, None), "{c:?}");
        }
        for (text, expected) in [
            ("one two", 7),
            (" one", 4),
            ("one  two", 3),
            ("one two three four five (", 23),
            ("twelve bytes and four &amp;", 21),
            ("это слово — 北京 ", "это слово — 北京".len()),
            ("a\u{a0}b", 1),
            ("a\u{fdd0}", 1),
            ("", 0),
        ] {
            assert_eq!(plain_words(text), (expected, text[..expected].chars().count() as u32), "{text}");
        }
    }
}
