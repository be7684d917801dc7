//! Tokens joined to a text, and ranges of a text of which none overlaps another.

use std::collections::BTreeMap;
use std::ops::Range;

/// Languages written without spaces, in chars that are a word or a part of one.
const SHORT_WORDS: [&str; 8] = ["zh", "ja", "yue", "wuu", "gan", "hak", "nan", "lzh"];
/// Languages written without spaces, in letters: a word has several chars.
const LONG_WORDS: [&str; 6] = ["th", "lo", "km", "my", "bo", "dz"];

fn is_one_of(lang: &str, codes: &[&str]) -> bool {
    let main = lang.split(['-', '_']).next().unwrap_or(lang);
    codes.iter().any(|code| code.eq_ignore_ascii_case(main))
}

/// Whether a language writes spaces between words. Region, script and variant of the code (`zh-hans`, `zh_yue`) are ignored.
pub fn has_spaces(lang: &str) -> bool {
    !is_one_of(lang, &SHORT_WORDS) && !is_one_of(lang, &LONG_WORDS)
}

/// Whether tokens of a language are joined by spaces: those of Chinese and Japanese are not, for a model reads single chars of them. A
/// space shows where a token of a Thai, Lao, Khmer, Burmese or Tibetan text ends, although the language writes none: the words could
/// not be found again without it.
pub fn joins_with_space(lang: &str) -> bool {
    !is_one_of(lang, &SHORT_WORDS)
}

/// Joins tokens to a text and gives the char range of each.
///
/// Tokens are taken as they are. A token may hold spaces or be one: in Chinese corpora a token that is a space stands for a space of the
/// text.
///
/// # Panics
/// If the text has more than 2³² chars.
///
/// ```
/// let tokens = ["Ödön", "in", "北京"].map(str::to_owned);
/// assert_eq!(schemas::tokens::join_tokens(&tokens, " "), ("Ödön in 北京".to_owned(), vec![0..4, 5..7, 8..10]));
/// ```
pub fn join_tokens(tokens: &[String], separator: &str) -> (String, Vec<Range<u32>>) {
    let char_count = |text: &str| u32::try_from(text.chars().count()).expect("a text has at most 2³² chars");
    let mut text = String::with_capacity(tokens.iter().map(|token| token.len() + separator.len()).sum());
    let (mut chars, separator_chars) = (0u32, char_count(separator));
    let mut ranges = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            text.push_str(separator);
            chars += separator_chars;
        }
        let start = chars;
        text.push_str(token);
        chars += char_count(token);
        ranges.push(start..chars);
    }
    (text, ranges)
}

/// Half-open ranges of which none overlaps another.
#[derive(Debug, Default, Clone)]
pub struct DisjointRanges {
    /// The end of each range, by its start.
    ends: BTreeMap<u32, u32>,
}

impl DisjointRanges {
    /// Adds a range that is not empty, unless it overlaps one that is there. Returns whether it was added. Cost: logarithmic.
    ///
    /// ```
    /// let mut ranges = schemas::tokens::DisjointRanges::default();
    /// assert_eq!([ranges.insert(3..6), ranges.insert(0..3), ranges.insert(5..9), ranges.insert(6..9)], [true, true, false, true]);
    /// ```
    pub fn insert(&mut self, range: Range<u32>) -> bool {
        // Of disjoint ranges the last one that begins before the end reaches farthest.
        let overlaps = self.ends.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start);
        if !overlaps {
            self.ends.insert(range.start, range.end);
        }
        !overlaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_write_spaces_or_not() {
        for (lang, spaces, joined) in [
            ("zh", false, false),
            ("zh-hans", false, false),
            ("ZH_yue", false, false),
            ("ja", false, false),
            ("th", false, true),
            ("ko", true, true),
            ("en", true, true),
            ("", true, true),
        ] {
            assert_eq!((has_spaces(lang), joins_with_space(lang)), (spaces, joined), "{lang}");
        }
    }

    #[test]
    fn joined_tokens_know_their_chars() {
        for (tokens, separator, text, expected) in [
            ("Ödön|lives|in|北京", " ", "Ödön lives in 北京", vec![0..4, 5..10, 11..13, 14..16]),
            ("北|京| |o|k", "", "北京 ok", vec![0..1, 1..2, 2..3, 3..4, 4..5]),
            ("New York|is", " ", "New York is", vec![0..8, 9..11]),
            ("a| |b", " ", "a   b", vec![0..1, 2..3, 4..5]),
            ("🎉|e\u{301}", "", "🎉e\u{301}", vec![0..1, 1..3]),
        ] {
            let tokens: Vec<String> = tokens.split('|').map(str::to_owned).collect();
            assert_eq!(join_tokens(&tokens, separator), (text.to_owned(), expected), "{tokens:?}");
        }
    }

    #[test]
    fn overlapping_ranges_are_refused() {
        let mut ranges = DisjointRanges::default();
        for (range, expected) in [(4..8, true), (0..4, true), (8..9, true), (3..5, false), (0..20, false), (5..6, false), (12..13, true)] {
            assert_eq!(ranges.insert(range.clone()), expected, "{range:?}");
        }
    }
}
