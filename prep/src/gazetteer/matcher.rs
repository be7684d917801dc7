//! Many names found in a text at once.

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::HashTable;
use unicode_normalization::char::is_combining_mark;

use crate::interner::{Full, Seen, slice};

/// A table of all beginnings of names that end at a word's border, walked from each word of a text: the time it takes does not depend
/// on how many names there are.
///
/// Memory: the names' bytes and some 20 for each word in them.
///
/// What ends with a space is no beginning: something follows it anyway.
#[derive(Debug, Default)]
pub struct Matcher {
    names: String,
    /// Where each name ends in `names`.
    ends: Vec<u32>,
    beginnings: HashTable<Beginning>,
    /// Which beginnings there are.
    begun: Seen,
    /// Which of them are names.
    whole: Seen,
    /// Which words names begin with, and which are names.
    first: Seen,
    alone: Seen,
}

/// The first words of some name. Beginnings of the same hash are told apart only where they are names.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    /// High and low half, so that twelve bytes suffice.
    hash: [u32; 2],
    /// The name that this is the whole of, or [`NONE`].
    name: u32,
}

const NONE: u32 = u32::MAX;

impl Beginning {
    fn hash(&self) -> u64 {
        u64::from(self.hash[0]) << 32 | u64::from(self.hash[1])
    }
}

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
    /// More than 4 GiB of names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, Full> {
        let mut builder = MatcherBuilder::default();
        names.into_iter().try_for_each(|name| builder.add(name))?;
        Ok(builder.finish())
    }

    fn insert(&mut self, hash: u64, name: u32) {
        let known = self.beginnings.find_mut(hash, |other| other.hash() == hash && (name == NONE || other.name == NONE));
        match known {
            Some(known) if name != NONE => known.name = name,
            Some(_) => {}
            None => {
                let entry = Beginning { hash: [(hash >> 32) as u32, hash as u32], name };
                self.beginnings.insert_unique(hash, entry, Beginning::hash);
            }
        }
    }

    fn name(&self, number: u32) -> &str {
        slice(&self.names, &self.ends, number)
    }

    /// The names in a text that stand between word borders and that are `wanted`. Of overlapping ones the leftmost, of these the longest.
    pub fn longest(&self, text: &str, mut wanted: impl FnMut(&Match) -> bool) -> Vec<Match> {
        let words = Words::of(text);
        let mut found = Vec::new();
        let mut candidates = Vec::new();
        let mut free_from = 0;
        for at in self.starts(&words) {
            let start = words.cuts[at];
            if start < free_from {
                continue;
            }
            candidates.clear();
            let mut hash = 0;
            for (next, &word) in words.hashes.iter().enumerate().skip(at) {
                hash = with_word(hash, word);
                if words.is_space(next) {
                    continue;
                }
                if !self.begun.may_hold(hash) {
                    break;
                }
                if self.whole.may_hold(hash) {
                    let bytes = start..words.cuts[next + 1];
                    let same = self.beginnings.iter_hash(hash).filter(|beginning| beginning.hash() == hash && beginning.name != NONE);
                    let names = same.filter(|beginning| self.name(beginning.name) == &text[bytes.clone()]);
                    candidates.extend(names.map(|beginning| Match { name: beginning.name as usize, bytes: bytes.clone() }));
                }
            }
            candidates.sort_unstable_by_key(|candidate| Reverse(candidate.bytes.end));
            // What is not wanted hides nothing.
            if let Some(best) = candidates.drain(..).find(|candidate| wanted(candidate)) {
                free_from = best.bytes.end;
                found.push(best);
            }
        }
        found
    }

    /// The words from which a walk may lead to a name. Two passes without a branch that depends on what they look up: so the processor
    /// waits for many places of the bitmaps at a time.
    fn starts(&self, words: &Words) -> Vec<usize> {
        let count = words.hashes.len();
        let mut starts = vec![0; count];
        let mut kept = 0;
        for (at, &word) in words.hashes.iter().enumerate() {
            starts[kept] = at;
            // Names are trimmed.
            kept += usize::from(self.first.may_hold(with_word(0, word)) & !words.is_space(at));
        }
        let firsts = std::mem::replace(&mut kept, 0);
        for number in 0..firsts {
            let at = starts[number];
            let hash = with_word(0, words.hashes[at]);
            let one = words.hashes.get(at + 1).map_or(hash, |&word| with_word(hash, word));
            let two = words.hashes.get(at + 2).map_or(one, |&word| with_word(one, word));
            let (spaced, twice) = (words.is_space(at + 1), words.is_space(at + 2));
            let goes_on = self.begun.may_hold(if spaced { two } else { one }) | (spaced & twice);
            starts[kept] = at;
            kept += usize::from(goes_on | self.alone.may_hold(hash));
        }
        starts.truncate(kept);
        starts
    }
}

/// Names on their way to a [`Matcher`].
#[derive(Debug, Default)]
pub struct MatcherBuilder {
    matcher: Matcher,
    /// Hashes of words that names begin with, and of names of one word.
    first: Vec<u64>,
    alone: Vec<u64>,
    cuts: Vec<usize>,
}

impl MatcherBuilder {
    /// Adds a name that is not empty.
    ///
    /// # Errors
    /// More than 4 GiB of names.
    pub fn add(&mut self, name: &str) -> Result<(), Full> {
        let Self { matcher, first, alone, cuts } = self;
        let number = u32::try_from(matcher.ends.len()).ok().filter(|&number| number != NONE).ok_or(Full)?;
        matcher.names.push_str(name);
        matcher.ends.push(u32::try_from(matcher.names.len()).map_err(|_| Full)?);
        borders(name, cuts);
        let (mut hash, mut word) = (0, None);
        for cut in cuts.windows(2) {
            hash = with_word(hash, hash_of(name.as_bytes(), cut[0], cut[1]));
            word.get_or_insert(hash);
            if cut[1] < name.len() && !name[..cut[1]].ends_with(' ') {
                matcher.insert(hash, NONE);
            }
        }
        matcher.insert(hash, number);
        if cuts.len() > 2 {
            first.extend(word)
        } else {
            alone.push(hash)
        }
        Ok(())
    }

    /// The matcher of all that was added.
    pub fn finish(self) -> Matcher {
        let Self { mut matcher, mut first, alone, .. } = self;
        matcher.beginnings.shrink_to_fit(Beginning::hash);
        let (beginnings, whole) = (&matcher.beginnings, |beginning: &&Beginning| beginning.name != NONE);
        matcher.begun = Seen::of(beginnings.len(), beginnings.iter().map(Beginning::hash));
        matcher.whole = Seen::of(matcher.ends.len(), beginnings.iter().filter(whole).map(Beginning::hash));
        first.sort_unstable();
        first.dedup();
        matcher.first = Seen::of(first.len() + alone.len(), first.iter().chain(&alone).copied());
        matcher.alone = Seen::of(alone.len(), alone.iter().copied());
        matcher
    }
}

/// The words of a text and what stands between them.
struct Words {
    /// Where each begins, and where the last one ends.
    cuts: Vec<usize>,
    hashes: Vec<u64>,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut cuts = Vec::new();
        borders(text, &mut cuts);
        let text = text.as_bytes();
        let hashes = cuts.windows(2).map(|cut| hash_of(text, cut[0], cut[1])).collect();
        Self { cuts, hashes }
    }

    /// Whether a word is none but a space; what lies beyond the last one is no space either.
    fn is_space(&self, word: usize) -> bool {
        self.hashes.get(word) == Some(&SPACE)
    }
}

/// The hash of a space.
const SPACE: u64 = with_word(b' ' as u64 + 1, b' ' as u64);

/// The hash of a word in a text.
fn hash_of(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length > 16 {
        return text[start..end].chunks(8).fold(length as u64, |hash, eight| with_word(hash, few_bytes(eight)));
    }
    let head = match text.get(start..start + 8) {
        Some(eight) => number(eight) & u64::MAX >> (64 - 8 * length.min(8)),
        None => few_bytes(&text[start..end.min(start + 8)]),
    };
    // Its last eight bytes, some of them again.
    let tail = if length > 8 { number(&text[end - 8..end]) } else { head };
    with_word(head.wrapping_add(length as u64), tail)
}

fn number(eight: &[u8]) -> u64 {
    u64::from_le_bytes(eight.try_into().expect("they are eight"))
}

/// Eight bytes at most, as [`number`] has them with zeros after.
fn few_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// The hash of a beginning and a word after it.
const fn with_word(beginning: u64, word: u64) -> u64 {
    (beginning.rotate_left(29) ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25)
}

/// All places where a word may begin or end, in bytes, both ends of the text among them. Between two letters of a script that parts words
/// by spaces none does, and none before a combining mark; in Chinese, Japanese, Thai and the like any char may.
pub(crate) fn borders(text: &str, cuts: &mut Vec<usize>) {
    /// Bytes that are looked at together.
    const STRIDE: usize = 64;
    cuts.clear();
    let bytes = text.as_bytes();
    let (mut at, mut before) = (0, false);
    cuts.reserve(bytes.len() / 3 + 1);
    while at < bytes.len() {
        // A bit for each byte up to the first that is not ASCII, and no branch that depends on where words end.
        if let Some(stride) = bytes.get(at..at + STRIDE)
            && stride[0].is_ascii()
        {
            let (mut word, mut ascii) = (0, 0);
            for (place, eight) in stride.chunks_exact(8).enumerate() {
                let eight = number(eight);
                word |= letters(eight) << (8 * place);
                ascii |= high_bits(!eight) << (8 * place);
            }
            let length = ascii.trailing_ones() as usize;
            let mut borders = !(word & (word << 1 | u64::from(before))) & u64::MAX >> (STRIDE - length);
            while borders != 0 {
                cuts.push(at + borders.trailing_zeros() as usize);
                borders &= borders - 1;
            }
            before = word >> (length - 1) & 1 == 1;
            at += length;
            continue;
        }
        let byte = bytes[at];
        let (here, inside) = if byte.is_ascii() {
            let here = byte.is_ascii_alphanumeric();
            (here, before & here)
        } else {
            let c = text[at..].chars().next().expect("a char begins here");
            let (here, combines) = (in_word(c), is_combining_mark(c));
            (here, combines || (before && here))
        };
        if !inside || at == 0 {
            cuts.push(at);
        }
        before = here;
        at += if byte.is_ascii() { 1 } else { char_length(byte) };
    }
    cuts.push(text.len());
}

/// A bit for each of eight bytes that is an ASCII letter or digit; anything for bytes that are not ASCII.
fn letters(eight: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The high bit of a byte says that it is this one or beyond.
    let from = |bytes: u64, first: u8| bytes.wrapping_add(EACH * u64::from(0x80 - first));
    let low = eight & !(EACH * 0x80);
    let small = low | (EACH * 0x20);
    let letter = from(small, b'a') & !from(small, b'z' + 1);
    let digit = from(low, b'0') & !from(low, b'9' + 1);
    high_bits(letter | digit)
}

/// The high bit of each of eight bytes.
fn high_bits(eight: u64) -> u64 {
    (eight >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bytes of the char that begins with this one, which is not ASCII.
fn char_length(first: u8) -> usize {
    (!first).leading_zeros() as usize
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
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

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
        check(&["a b c d", "b c"], "a b c e", &["b c"]);
        check(&[], "nothing", &[]);
        check(&["x"], "", &[]);
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
    fn letters_are_those_of_ascii() {
        for byte in 0..128u8 {
            for place in 0..8 {
                let mut eight = *b"a /Z:9@{";
                eight[place] = byte;
                let expected: u64 = (0..8).map(|at| u64::from(eight[at].is_ascii_alphanumeric()) << at).sum();
                assert_eq!(letters(u64::from_le_bytes(eight)), expected, "{eight:?}");
            }
        }
    }

    const PIECES: [&str; 12] = ["a", "b", "ab", " ", " ", "  ", "-", "é", "e\u{301}", "北", "京", "abcdefghijklmnopqrstuvwxyz"];

    proptest! {
        /// What is found is what trying every stretch between borders finds.
        #[test]
        fn all_names_are_found(
            names in vec(vec(select(&PIECES[..]), 1..5), 0..30),
            text in vec(select(&PIECES[..]), 0..60),
        ) {
            let text = text.concat();
            let names: BTreeSet<String> = names.iter().map(|name| name.concat().trim().to_owned()).filter(|name| !name.is_empty()).collect();
            let matcher = Matcher::new(names.iter().map(String::as_str)).unwrap();
            let mut cuts = Vec::new();
            borders(&text, &mut cuts);
            let (mut expected, mut free_from) = (Vec::new(), 0);
            for (at, &start) in cuts.iter().enumerate() {
                let longest = cuts[at..].iter().rev().find(|&&end| names.contains(&text[start..end]));
                if let Some(&end) = longest.filter(|_| start >= free_from) {
                    expected.push(start..end);
                    free_from = end;
                }
            }
            let found: Vec<Range<usize>> = matcher.longest(&text, |_| true).into_iter().map(|found| found.bytes).collect();
            prop_assert_eq!(found, expected, "{:?} in {:?}", names, text);
        }
    }

    #[test]
    fn borders_do_not_depend_on_where_a_stride_begins() {
        let one_by_one = |text: &str| {
            let word = |at: usize| text[at..].chars().next().is_some_and(in_word);
            let inside = |at: usize| text[..at].chars().next_back().is_some_and(in_word) && word(at);
            (0..=text.len()).filter(|&at| text.is_char_boundary(at) && !inside(at)).collect::<Vec<_>>()
        };
        let text = "The end, they said: 12 words, 北京 or Zürich's?! ".repeat(9);
        let mut cuts = Vec::new();
        for start in (0..200).filter(|&start| text.is_char_boundary(start)) {
            borders(&text[start..], &mut cuts);
            assert_eq!(cuts, one_by_one(&text[start..]), "{start}");
        }
    }

    #[test]
    fn what_is_not_wanted_hides_nothing() {
        let matcher = Matcher::new(["New York", "York", "New"]).unwrap();
        let found = matcher.longest("New York", |found| found.name != 0);
        assert_eq!(found.iter().map(|found| found.name).collect::<Vec<_>>(), [2, 1]);
    }
}
