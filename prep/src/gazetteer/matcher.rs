//! Many names found in a text at once.

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::HashTable;
use unicode_normalization::char::is_combining_mark;

use crate::strings::Full;

/// A table of all beginnings of names that end at a word's border, walked from each word of a text: the time it takes does not depend
/// on how many names there are.
///
/// Memory: the names' bytes and some 20 for each word in them.
#[derive(Debug)]
pub struct Matcher {
    names: String,
    /// Where each name ends in `names`.
    ends: Vec<u32>,
    beginnings: HashTable<Beginning>,
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
        let mut matcher = Self { names: String::new(), ends: Vec::new(), beginnings: HashTable::new() };
        let mut cuts = Vec::new();
        for name in names {
            let number = u32::try_from(matcher.ends.len()).ok().filter(|&number| number != NONE).ok_or(Full)?;
            matcher.names.push_str(name);
            matcher.ends.push(u32::try_from(matcher.names.len()).map_err(|_| Full)?);
            borders(name, &mut cuts);
            let mut hash = HASH;
            for cut in cuts.windows(2) {
                hash = hash_on(hash, &name.as_bytes()[cut[0]..cut[1]]);
                if cut[1] < name.len() {
                    matcher.insert(hash, NONE);
                }
            }
            matcher.insert(hash, number);
        }
        matcher.beginnings.shrink_to_fit(Beginning::hash);
        Ok(matcher)
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
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.names[start as usize..self.ends[at] as usize]
    }

    /// The names in a text that stand between word borders and that are `wanted`. Of overlapping ones the leftmost, of these the longest.
    pub fn longest(&self, text: &str, mut wanted: impl FnMut(&Match) -> bool) -> Vec<Match> {
        let mut cuts = Vec::new();
        borders(text, &mut cuts);
        let mut found = Vec::new();
        let mut candidates = Vec::new();
        let mut free_from = 0;
        for (at, &start) in cuts.iter().enumerate() {
            if start < free_from {
                continue;
            }
            candidates.clear();
            let (mut hash, mut from) = (HASH, start);
            for &end in &cuts[at + 1..] {
                hash = hash_on(hash, &text.as_bytes()[from..end]);
                from = end;
                let mut goes_on = false;
                for beginning in self.beginnings.iter_hash(hash).filter(|beginning| beginning.hash() == hash) {
                    goes_on = true;
                    if beginning.name != NONE && self.name(beginning.name) == &text[start..end] {
                        candidates.push(Match { name: beginning.name as usize, bytes: start..end });
                    }
                }
                if !goes_on {
                    break;
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
}

/// Start of the hash of Fowler, Noll and Vo (1a), which grows with the text.
const HASH: u64 = 0xcbf2_9ce4_8422_2325;

fn hash_on(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// All places where a word may begin or end, in bytes, both ends of the text among them.
pub(crate) fn borders(text: &str, cuts: &mut Vec<usize>) {
    cuts.clear();
    let mut before = None;
    for (at, after) in text.char_indices() {
        if before.is_none_or(|before| is_border(before, after)) {
            cuts.push(at);
        }
        before = Some(after);
    }
    cuts.push(text.len());
}

/// Whether a word may begin or end between two chars. Between two letters of a script that parts words by spaces none does; in Chinese,
/// Japanese, Thai and the like any char may.
fn is_border(before: char, after: char) -> bool {
    let inside_a_word = is_combining_mark(after) || (in_word(before) && in_word(after));
    !inside_a_word
}

fn in_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
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
    fn what_is_not_wanted_hides_nothing() {
        let matcher = Matcher::new(["New York", "York", "New"]).unwrap();
        let found = matcher.longest("New York", |found| found.name != 0);
        assert_eq!(found.iter().map(|found| found.name).collect::<Vec<_>>(), [2, 1]);
    }
}
