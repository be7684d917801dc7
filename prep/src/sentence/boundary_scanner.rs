//! Finds sentence boundaries of ordinary text quickly.
//!
//! Most of the time goes into finding text that must not be split: quotes, brackets, addresses, list numbers. Most texts have few of these, and
//! none near a boundary. Then it is enough to ask `sentencex` about each terminator, which depends only on a few words around it. If a text
//! has anything that could make a difference beyond that, the scanner gives up, and [`BoundaryFinder`](super::boundary_finder::BoundaryFinder)
//! reads the text.

use std::ops::Range;

use super::byte_class::{BYTE_CLASSES, ByteClass};
use super::enclosures::enclosing;
use super::language_rules::LanguageRules;

/// Number of bytes tested together.
const STRIDE: usize = 16;

/// Whether a byte is an ASCII letter, digit, space or comma: a quickly tested subset of [`ByteClass::Plain`].
fn is_word_byte(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10) | (byte == b' ') | (byte == b',')
}

/// Finds sentence boundaries; reuses its buffers.
#[derive(Debug, Default)]
pub(super) struct BoundaryScanner {
    /// Runs of `.`, `!` and `?`, as byte ranges.
    terminators: Vec<Range<usize>>,
    /// Text in brackets.
    brackets: Vec<Range<usize>>,
    /// Text in quotes.
    quotes: Vec<Range<usize>>,
    /// Number of `"`.
    double_quotes: usize,
    /// Number of `'`.
    single_quotes: usize,
}

impl BoundaryScanner {
    /// Replaces the content of `out` by the sentence boundaries inside `text`, in bytes. `false` if the scanner gives up.
    pub(super) fn find_boundaries(&mut self, rules: &LanguageRules, text: &str, out: &mut Vec<usize>) -> bool {
        out.clear();
        if !rules.has_english_terminators() || !self.scan(text) {
            return false;
        }
        for run in &self.terminators {
            let Some(boundary) = rules.boundary_after(text, run).filter(|&boundary| boundary < text.len()) else { continue };
            let bracket = enclosing(&self.brackets, boundary);
            let quote = enclosing(&self.quotes, boundary).filter(|quote| bracket.is_none_or(|bracket| quote.start < bracket.start));
            let quote = quote.filter(|quote| !self.is_mispaired(rules, text, quote, run));
            let boundary = match (quote, bracket) {
                // In quotes, only a terminator at the end of the quote ends the sentence, after the closing mark.
                (Some(quote), _) => {
                    let length = if text[quote.clone()].ends_with('”') { '”'.len_utf8() } else { 1 };
                    if boundary + length == quote.end { rules.boundary_after_quote(text, quote) } else { None }
                }
                (None, Some(_)) => None,
                // The boundary would move behind a closing mark that has no opening one.
                _ if begins_with_quote_mark(&text[boundary..]) && !begins_range(&self.quotes, boundary) => return false,
                _ => Some(boundary),
            };
            out.extend(boundary.filter(|&boundary| boundary < text.len() && out.last().is_none_or(|&last| last < boundary)));
        }
        true
    }

    /// Finds terminators, brackets and quotes. `false` if the text contains anything that this scanner does not handle.
    fn scan(&mut self, text: &str) -> bool {
        self.terminators.clear();
        self.brackets.clear();
        self.quotes.clear();
        (self.double_quotes, self.single_quotes) = (0, 0);
        let bytes = text.as_bytes();
        let (mut bracket, mut quote): (Option<usize>, Option<(usize, u8)>) = (None, None);
        // Whether there is a quote mark inside an open quote.
        let mut has_inner_mark = false;
        let mut item_markers = item_markers_at_start(bytes);
        let mut at = 0;
        while at < bytes.len() {
            // Without a branch per byte, so that the compiler vectorises the test.
            if let Some(stride) = bytes.get(at..at + STRIDE)
                && stride.iter().fold(true, |all, &byte| all & is_word_byte(byte))
            {
                at += STRIDE;
                continue;
            }
            // The byte that is not of a word is usually among the next ones.
            if let Some(plain) = bytes[at..].iter().take(STRIDE).position(|&byte| BYTE_CLASSES[usize::from(byte)] != ByteClass::Plain) {
                at += plain;
            } else {
                at = bytes.len().min(at + STRIDE);
                continue;
            }
            let here = at;
            at += 1;
            match BYTE_CLASSES[usize::from(bytes[here])] {
                ByteClass::Plain => {}
                ByteClass::Terminator => {
                    while bytes.get(at).is_some_and(|&byte| BYTE_CLASSES[usize::from(byte)] == ByteClass::Terminator) {
                        at += 1;
                    }
                    if at < bytes.len() {
                        self.terminators.push(here..at);
                    }
                    // `. . .` is one terminator for `sentencex`.
                    let blanks = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                    if blanks > 0 && bytes.get(at + blanks).is_some_and(|&byte| BYTE_CLASSES[usize::from(byte)] == ByteClass::Terminator) {
                        return false;
                    }
                }
                ByteClass::Opener => bracket = bracket.or(Some(here)),
                ByteClass::Closer => {
                    item_markers += usize::from(bytes[here] == b')' && is_item_marker(bytes, here));
                    self.brackets.extend(bracket.take().map(|open| open..at));
                }
                ByteClass::Quote => {
                    self.double_quotes += 1;
                    match quote {
                        None => quote = Some((here, b'"')),
                        Some((open, b'"')) => {
                            self.quotes.push(open..at);
                            quote = None;
                        }
                        Some(_) => has_inner_mark = true,
                    }
                }
                ByteClass::Apostrophe => {
                    self.single_quotes += 1;
                    match (Apostrophe::at(text, here), quote) {
                        (Apostrophe::Within, _) => {}
                        (Apostrophe::Opens, None) => quote = Some((here, b'\'')),
                        (Apostrophe::Opens, Some((_, b'\''))) => {}
                        (Apostrophe::Opens, Some(_)) => has_inner_mark = true,
                        (Apostrophe::Closes, Some((open, b'\''))) => {
                            self.quotes.push(open..at);
                            quote = None;
                        }
                        (Apostrophe::Closes, _) => {}
                        (Apostrophe::Unknown, _) => return false,
                    }
                }
                ByteClass::Lead => match (bytes[here], bytes[at], bytes.get(at + 1)) {
                    // Two-byte chars except « and ».
                    (0xc2, second, _) if second != 0xab && second != 0xbb => {}
                    // Vietnamese and ancient Greek letters; kana and ideographs; Armenian and Arabic letters.
                    (0xe1, 0xb8.., _) | (0xe3, 0x81.., _) => {}
                    (0xd6, second, _) if second != 0x89 => {}
                    (0xd8, second, _) if !matches!(second, 0x9d..=0x9f) => {}
                    (0xdb, second, _) if second != 0x94 => {}
                    (0xe2, 0x80, Some(0x9c)) if quote.is_none() => quote = Some((here, 0x9d)),
                    (0xe2, 0x80, Some(0x9c)) => has_inner_mark = true,
                    (0xe2, 0x80, Some(0x9d)) => match quote {
                        Some((open, 0x9d)) => {
                            self.quotes.push(open..at + 2);
                            quote = None;
                        }
                        Some(_) => has_inner_mark = true,
                        None => {}
                    },
                    // Dashes, ’, daggers, primes; currency signs; letter-like symbols, arrows, mathematical symbols; other symbols except stars.
                    (0xe2, 0x80, Some(0x90..=0x95 | 0x99 | 0xa0 | 0xa1 | 0xb2 | 0xb3)) | (0xe2, 0x82 | 0x84..=0x8c | 0x99 | 0x9f, _) => {}
                    (0xe2, 0x98, Some(third)) if !matches!(third, 0x85 | 0x86) => {}
                    _ => return false,
                },
                ByteClass::Unknown => return false,
            }
        }
        item_markers < 2 && !(quote.is_some() && has_inner_mark)
    }

    /// Whether a quote that encloses a run of terminators pairs the wrong marks. This is possible if its opening and closing marks are the
    /// same char: one mark lies in brackets and the other does not, or the number of marks is odd and the run certainly ends a sentence.
    fn is_mispaired(&self, rules: &LanguageRules, text: &str, quote: &Range<usize>, run: &Range<usize>) -> bool {
        let marks = match text.as_bytes()[quote.start] {
            b'"' => self.double_quotes,
            b'\'' => self.single_quotes,
            _ => return false,
        };
        let crosses = enclosing(&self.brackets, quote.start) != enclosing(&self.brackets, quote.end);
        crosses || marks % 2 == 1 && rules.is_strong(text, run)
    }
}

/// The role of a `'`, by the chars beside it.
enum Apostrophe {
    /// Inside a word: `it's`.
    Within,
    /// It may begin a quote.
    Opens,
    /// It may end a quote, or is an apostrophe as in `the boys'`.
    Closes,
    /// The scanner gives up.
    Unknown,
}

impl Apostrophe {
    fn at(text: &str, at: usize) -> Self {
        let (before, after) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
        // At the start of a text there are other rules.
        if before.is_none() || before == Some('\'') || after == Some('\'') {
            return Self::Unknown;
        }
        match (is_in_word(before), is_in_word(after)) {
            (Some(true), Some(true)) => Self::Within,
            (Some(false), Some(true)) => Self::Opens,
            (Some(_), Some(false)) if !before.is_some_and(char::is_whitespace) => Self::Closes,
            _ => Self::Unknown,
        }
    }
}

/// Whether a char belongs to a word; `None` if that is uncertain.
fn is_in_word(c: Option<char>) -> Option<bool> {
    match c {
        None | Some('–' | '—' | '”' | '“' | '’') => Some(false),
        Some(c) if c.is_ascii() => Some(c.is_ascii_alphanumeric() || c == '_'),
        Some(c) if c.is_alphabetic() => Some(true),
        Some(c) if c.is_whitespace() => Some(false),
        Some(_) => None,
    }
}

/// The list item markers that a text may begin with: 1 for one that counts only with another one (`1.`, `iv)`, `a)`), 2 for `(a)`.
fn item_markers_at_start(bytes: &[u8]) -> usize {
    let start = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (count, rest) = match &bytes[start..] {
        [b'(', rest @ ..] => (2, rest),
        rest => (1, rest),
    };
    let (word, rest) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count());
    let is_closed = matches!(rest, [b'.' | b')', b' ' | b'\t', ..] | [b'.', b')', ..]);
    count * usize::from(is_closed && !word.is_empty() && is_item_number(word))
}

/// Whether a `)` may end a list item marker inside a text: `1)`, `iv)`, `a.)`, `(a)`, with a space before it, and after it a space and no
/// lower-case letter.
fn is_item_marker(bytes: &[u8], at: usize) -> bool {
    match &bytes[at + 1..] {
        [b' ' | b'\t', next, ..] if !next.is_ascii_lowercase() => {}
        _ => return false,
    }
    let before = bytes[..at].strip_suffix(b".").unwrap_or(&bytes[..at]);
    let word = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (before, word) = before.split_at(before.len() - word);
    let before = before.strip_suffix(b"(").unwrap_or(before);
    !word.is_empty() && is_item_number(word) && before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether a word may be the number of a list item: digits, one letter, or a Roman number.
fn is_item_number(word: &[u8]) -> bool {
    let roman = |byte: &u8| matches!(byte.to_ascii_lowercase(), b'i' | b'v' | b'x' | b'l' | b'c' | b'd' | b'm');
    word.len() == 1 || word.iter().all(u8::is_ascii_digit) || word.iter().all(roman)
}

/// Whether a text begins with a mark that can close a quote.
fn begins_with_quote_mark(text: &str) -> bool {
    text.starts_with(['"', '\'', '’', '”', '“'])
}

/// Whether one of the ranges begins at a boundary.
fn begins_range(ranges: &[Range<usize>], boundary: usize) -> bool {
    ranges.binary_search_by_key(&boundary, |range| range.start).is_ok()
}
