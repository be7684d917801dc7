//! Tokens to running text and back, with char offsets.

use std::collections::BTreeSet;
use std::ops::Range;

use schemas::tokens::{has_spaces, join_tokens, joins_with_space};

/// What stands between two tokens of a corpus in running text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenJoin {
    /// One space.
    Space,
    /// Nothing.
    Nothing,
}

impl TokenJoin {
    /// That of a language, see [`joins_with_space`].
    pub fn for_lang(lang: &str) -> Self {
        if joins_with_space(lang) { Self::Space } else { Self::Nothing }
    }

    /// The text between two tokens.
    pub fn text(self) -> &'static str {
        match self {
            Self::Space => " ",
            Self::Nothing => "",
        }
    }
}

/// What is a token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenization {
    /// Words between white space.
    Words,
    /// Words between white space, cut where a span begins or ends inside of one.
    CutWords,
    /// Single chars.
    Chars,
}

impl Tokenization {
    /// Words, or chars in languages that write no spaces between words.
    pub fn for_lang(lang: &str) -> Self {
        if has_spaces(lang) { Self::Words } else { Self::Chars }
    }
}

/// A text cut into the tokens of a corpus format.
#[derive(Debug, PartialEq, Eq)]
pub struct CorpusTokens<'a> {
    tokens: Vec<&'a str>,
    /// The char range of each token.
    char_ranges: Vec<Range<u32>>,
}

impl<'a> CorpusTokens<'a> {
    /// Cuts a text. `span_bounds` are the char offsets at which spans begin and end, used by [`Tokenization::CutWords`].
    /// `is_separator` tells the white space that is in no token.
    pub fn new(text: &'a str, tokenization: Tokenization, span_bounds: &BTreeSet<u32>, is_separator: fn(char) -> bool) -> Self {
        let mut tokenized = Self { tokens: Vec::new(), char_ranges: Vec::new() };
        // Byte and char offset at which the current token began.
        let mut token_start: Option<(usize, u32)> = None;
        let mut text_chars = 0;
        for (at, (byte, char)) in (0u32..).zip(text.char_indices()) {
            text_chars = at + 1;
            let cut_before = match tokenization {
                Tokenization::Words => false,
                Tokenization::CutWords => span_bounds.contains(&at),
                Tokenization::Chars => true,
            };
            if cut_before || is_separator(char) {
                tokenized.end_token(token_start.take(), text, byte, at);
            }
            if !is_separator(char) && token_start.is_none() {
                token_start = Some((byte, at));
            }
        }
        tokenized.end_token(token_start, text, text.len(), text_chars);
        tokenized
    }

    fn end_token(&mut self, start: Option<(usize, u32)>, text: &'a str, end_byte: usize, end_char: u32) {
        if let Some((start_byte, start_char)) = start {
            self.tokens.push(&text[start_byte..end_byte]);
            self.char_ranges.push(start_char..end_char);
        }
    }

    /// The tokens.
    pub fn tokens(&self) -> &[&'a str] {
        &self.tokens
    }

    /// The tokens of a range of chars. Separators at its ends are ignored. `None` where it begins or ends inside of a token.
    pub fn token_range(&self, chars: Range<u32>) -> Option<Range<usize>> {
        let first = self.char_ranges.partition_point(|range| range.end <= chars.start);
        let end = self.char_ranges.partition_point(|range| range.start < chars.end);
        let fits = first < end && chars.start <= self.char_ranges[first].start && self.char_ranges[end - 1].end <= chars.end;
        fits.then_some(first..end)
    }

    /// Whether the text that `prep mrc` makes of the tokens differs from the original, `text`, in its white space.
    pub fn changes_whitespace(&self, text: &str, lang: &str) -> bool {
        // A reader trims a column unless it holds nothing but white space.
        let as_read = |token: &&str| {
            let token = column_text(token);
            let trimmed = token.trim();
            if trimmed.is_empty() { token } else { trimmed.to_owned() }
        };
        let tokens: Vec<String> = self.tokens.iter().map(as_read).collect();
        join_tokens(&tokens, TokenJoin::for_lang(lang).text()).0 != text
    }
}

/// A token as it is written in a column of a line: chars that end columns and lines become spaces.
pub fn column_text(token: &str) -> String {
    token.chars().map(|char| if matches!(char, '\t' | '\n' | '\r') { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_tokens() {
        for (text, tokenization, span_bounds, expected) in [
            ("Ödön  lives in Oslo.", Tokenization::Words, &[15, 19][..], "Ödön|lives|in|Oslo."),
            ("Ödön  lives in Oslo.", Tokenization::CutWords, &[0, 4, 15, 19], "Ödön|lives|in|Oslo|."),
            ("北京 ok", Tokenization::Chars, &[], "北|京|o|k"),
            (" a ", Tokenization::Words, &[], "a"),
            ("  ", Tokenization::Words, &[], ""),
            ("", Tokenization::Chars, &[], ""),
        ] {
            let tokenized = CorpusTokens::new(text, tokenization, &span_bounds.iter().copied().collect(), char::is_whitespace);
            assert_eq!(tokenized.tokens().join("|"), expected, "{text:?} {tokenization:?}");
        }
        let with_space = CorpusTokens::new("北 京", Tokenization::Chars, &BTreeSet::new(), |_| false);
        assert_eq!(with_space.tokens(), ["北", " ", "京"]);
    }

    #[test]
    fn char_ranges_become_token_ranges() {
        let text = CorpusTokens::new("Ödön von Horváth, Oslo.", Tokenization::Words, &BTreeSet::new(), char::is_whitespace);
        for (chars, expected) in
            [(0..4, Some(0..1)), (0..17, Some(0..3)), (5..8, Some(1..2)), (9..16, None), (18..22, None), (4..9, Some(1..2)), (4..5, None)]
        {
            assert_eq!(text.token_range(chars.clone()), expected, "{chars:?}");
        }
    }

    #[test]
    fn changed_whitespace_is_noticed() {
        for (text, lang, tokenization, is_separator, expected) in [
            ("a b", "en", Tokenization::Words, char::is_whitespace as fn(char) -> bool, false),
            ("a  b", "en", Tokenization::Words, char::is_whitespace, true),
            ("a\tb", "en", Tokenization::Words, char::is_whitespace, true),
            ("北 京", "zh", Tokenization::Chars, |_| false, false),
            ("北\n京", "zh", Tokenization::Chars, |_| false, true),
            ("北 京", "zh", Tokenization::Chars, char::is_whitespace, true),
        ] {
            let tokenized = CorpusTokens::new(text, tokenization, &BTreeSet::new(), is_separator);
            assert_eq!(tokenized.changes_whitespace(text, lang), expected, "{text:?}");
        }
    }
}
