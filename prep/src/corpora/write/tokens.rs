//! Text to the tokens that formats of tokens are written in, and spans by token.

use std::collections::BTreeSet;
use std::ops::Range;

use schemas::{Span, Triple};

use crate::corpora::context;

/// The spans of a sentence, each with its row and its range of tokens.
pub type Spans<'a> = &'a [(&'a Triple, &'a Span, Range<usize>)];

/// What is a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// What stands between white space.
    Words,
    /// Words, cut where an entity begins or ends inside one.
    Cut,
    /// Each char.
    Chars,
}

/// The tokens of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Tokens<'a> {
    texts: Vec<&'a str>,
    /// The chars of each.
    ranges: Vec<Range<u32>>,
}

impl<'a> Tokens<'a> {
    /// Cuts a text. `borders`: where entities begin and end, in chars. `is_gap`: white space that separates tokens and is none.
    pub fn of(text: &'a str, unit: Unit, borders: &BTreeSet<u32>, is_gap: fn(char) -> bool) -> Self {
        let mut tokens = Self { texts: Vec::new(), ranges: Vec::new() };
        // Where the open token begins: byte and char.
        let mut open: Option<(usize, u32)> = None;
        let mut end = 0;
        for (at, (byte, char)) in (0u32..).zip(text.char_indices()) {
            end = at + 1;
            let cut = match unit {
                Unit::Words => false,
                Unit::Cut => borders.contains(&at),
                Unit::Chars => true,
            };
            if cut || is_gap(char) {
                tokens.close(open.take(), text, byte, at);
            }
            if !is_gap(char) && open.is_none() {
                open = Some((byte, at));
            }
        }
        tokens.close(open, text, text.len(), end);
        tokens
    }

    fn close(&mut self, open: Option<(usize, u32)>, text: &'a str, byte: usize, at: u32) {
        if let Some((first_byte, first)) = open {
            self.texts.push(&text[first_byte..byte]);
            self.ranges.push(first..at);
        }
    }

    /// The tokens.
    pub fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    /// The tokens of a span of chars, less white space that separates tokens at its ends; nothing where it begins or ends inside
    /// a token.
    pub fn range(&self, start: u32, end: u32) -> Option<Range<usize>> {
        let first = self.ranges.partition_point(|range| range.end <= start);
        let past = self.ranges.partition_point(|range| range.start < end);
        let inside = first < past && start <= self.ranges[first].start && self.ranges[past - 1].end <= end;
        inside.then_some(first..past)
    }

    /// Whether `prep mrc` would read another text out of the tokens.
    pub fn change(&self, text: &str, lang: &str) -> bool {
        // Columns of a line lose the white space at their ends, unless there is nothing else.
        let read = |token: &&str| {
            let token: String = token.chars().map(written).collect();
            let trimmed = token.trim();
            if trimmed.is_empty() { token } else { trimmed.to_owned() }
        };
        let tokens: Vec<String> = self.texts.iter().map(read).collect();
        context::join(&tokens, context::has_spaces(lang)).0 != text
    }
}

/// What a char becomes in a format of lines and columns.
pub fn written(char: char) -> char {
    if matches!(char, '\t' | '\n' | '\r') { ' ' } else { char }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut() {
        for (text, unit, borders, expected) in [
            ("Ödön  lives in Oslo.", Unit::Words, &[15, 19][..], "Ödön|lives|in|Oslo."),
            ("Ödön  lives in Oslo.", Unit::Cut, &[0, 4, 15, 19], "Ödön|lives|in|Oslo|."),
            ("北京 ok", Unit::Chars, &[], "北|京|o|k"),
            (" a ", Unit::Words, &[], "a"),
            ("  ", Unit::Words, &[], ""),
            ("", Unit::Chars, &[], ""),
        ] {
            let tokens = Tokens::of(text, unit, &borders.iter().copied().collect(), char::is_whitespace);
            assert_eq!(tokens.texts().join("|"), expected, "{text:?} {unit:?}");
        }
        let spaced = Tokens::of("北 京", Unit::Chars, &BTreeSet::new(), |_| false);
        assert_eq!(spaced.texts(), ["北", " ", "京"]);
    }

    #[test]
    fn spans_by_token() {
        let tokens = Tokens::of("Ödön von Horváth, Oslo.", Unit::Words, &BTreeSet::new(), char::is_whitespace);
        for (start, end, expected) in
            [(0, 4, Some(0..1)), (0, 17, Some(0..3)), (5, 8, Some(1..2)), (9, 16, None), (18, 22, None), (4, 9, Some(1..2)), (4, 5, None)]
        {
            assert_eq!(tokens.range(start, end), expected, "{start}..{end}");
        }
    }

    #[test]
    fn changes_of_white_space_are_known() {
        for (text, lang, unit, gap, expected) in [
            ("a b", "en", Unit::Words, char::is_whitespace as fn(char) -> bool, false),
            ("a  b", "en", Unit::Words, char::is_whitespace, true),
            ("a\tb", "en", Unit::Words, char::is_whitespace, true),
            ("北 京", "zh", Unit::Chars, |_| false, false),
            ("北\n京", "zh", Unit::Chars, |_| false, true),
            ("北 京", "zh", Unit::Chars, char::is_whitespace, true),
        ] {
            assert_eq!(Tokens::of(text, unit, &BTreeSet::new(), gap).change(text, lang), expected, "{text:?}");
        }
    }
}
