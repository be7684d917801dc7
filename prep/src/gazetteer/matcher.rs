//! Many names found in a text at once.

use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use unicode_normalization::char::is_combining_mark;

/// An automaton over names (Aho and Corasick 1975): the time it takes does not depend on how many they are.
///
/// Memory: about six times the bytes of the names, twenty times while it is built.
#[derive(Debug)]
pub struct Matcher(AhoCorasick);

/// A name found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which one, by its place among the names.
    pub name: usize,
    /// Where, in bytes.
    pub bytes: Range<usize>,
}

impl Matcher {
    /// A matcher of names, none of them empty.
    ///
    /// # Errors
    /// More names than the automaton holds, which is some thousand millions of chars.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, BuildError> {
        // The other kinds are faster on few names and take far more memory on many.
        AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).prefilter(false).build(names).map(Self)
    }

    /// The names in a text that stand between word borders and that are `wanted`. Of overlapping ones the leftmost, of these the longest.
    pub fn longest(&self, text: &str, mut wanted: impl FnMut(&Match) -> bool) -> Vec<Match> {
        // All are looked at, not what the automaton would take for the longest: that one may be no word or not wanted, and hide another.
        let mut found: Vec<Match> = self
            .0
            .find_overlapping_iter(text)
            .map(|found| Match { name: found.pattern().as_usize(), bytes: found.range() })
            .filter(|found| is_border(text, found.bytes.start) && is_border(text, found.bytes.end) && wanted(found))
            .collect();
        found.sort_unstable_by_key(|found| (found.bytes.start, Reverse(found.bytes.end)));
        let mut end = 0;
        found.retain(|found| {
            let free = found.bytes.start >= end;
            if free {
                end = found.bytes.end;
            }
            free
        });
        found
    }
}

/// Whether a word may begin or end at this byte. Between two letters of a script that parts words by spaces none does; in Chinese,
/// Japanese, Thai and the like any char may.
fn is_border(text: &str, at: usize) -> bool {
    // What lies inside a char is none of ours.
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return false };
    let (Some(before), Some(after)) = (before.chars().next_back(), after.chars().next()) else { return true };
    let inside_a_word = is_combining_mark(after) || (in_word(before) && in_word(after));
    !inside_a_word
}

fn in_word(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_unspaced(c)
}

/// Scripts that put no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31ff}' // kana, Bopomofo
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{ff66}'..='\u{ff9f}' // half-width kana
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], text: &str, expected: &[&str]) {
        let found = Matcher::new(names.iter().copied()).unwrap().longest(text, |_| true);
        assert!(found.iter().all(|found| names[found.name] == &text[found.bytes.clone()]));
        assert_eq!(found.iter().map(|found| &text[found.bytes.clone()]).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn the_leftmost_and_of_these_the_longest() {
        check(&["New York", "York", "New York City", "City Hall"], "In New York City Hall stands.", &["New York City"]);
        check(&["北京", "北京大学", "大学生"], "北京大学生在北京", &["北京大学", "北京"]);
        check(&["a b", "b c d", "c"], "a b c d", &["a b", "c"]);
        check(&[], "nothing", &[]);
    }

    #[test]
    fn words_end_where_the_script_says() {
        check(&["Art", "Arthur Dent", "Arthur"], "Arthur Dentist, Arts and Art.", &["Arthur", "Art"]);
        check(&["Arden"], "Arden's Arden-based Ardenian XArden Arden2 (Arden)", &["Arden", "Arden", "Arden"]);
        check(&["MT银行", "MT"], "在MT银行，MT好，MTV不", &["MT银行", "MT"]);
        check(&["кот"], "котик кот", &["кот"]);
        check(&["cafe"], "cafe\u{301} cafe", &["cafe"]);
        check(&["ไทย"], "ประเทศไทย", &["ไทย"]);
        check(&["ไท"], "ไทยไท\u{e49}", &["ไท"]);
    }

    #[test]
    fn what_is_not_wanted_hides_nothing() {
        let matcher = Matcher::new(["New York", "York", "New"]).unwrap();
        let found = matcher.longest("New York", |found| found.name != 0);
        assert_eq!(found.iter().map(|found| found.name).collect::<Vec<_>>(), [2, 1]);
    }
}
