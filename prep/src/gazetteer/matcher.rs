//! Finds many names in a text at once.

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::HashTable;

use super::korean_particles::nouns_of;
use super::word_boundaries::word_boundaries;
use super::word_hash::{HashedWords, append_word, hash_word};
use crate::interner::{BloomFilter, CapacityError, slice};

/// Finds leftmost-longest occurrences of names between word boundaries.
///
/// A table holds all prefixes of names that end at a word boundary. It is walked from each word of a text, so that the time does not
/// depend on the number of names. `prep/benches/README.md` compares it with Aho-Corasick automata.
///
/// Memory: the names' bytes and about 20 for each word in them.
#[derive(Debug, Default)]
pub struct NameMatcher {
    /// All names, one after the other.
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<u32>,
    /// Prefixes that end with a space are not in the table: another word always follows them.
    prefixes: HashTable<WordPrefix>,
    /// Hashes of all prefixes.
    prefix_filter: BloomFilter,
    /// Hashes of whole names.
    name_filter: BloomFilter,
    /// Hashes of the first words of all names.
    first_word_filter: BloomFilter,
    /// Hashes of the names that are a single word.
    single_word_filter: BloomFilter,
    /// Whether a name may end before a particle of Korean inside a word.
    korean_particles: bool,
}

/// The first words of a name. Prefixes with equal hashes are distinguished only if they are whole names.
#[derive(Debug, Clone, Copy)]
struct WordPrefix {
    /// High half of the hash. Halves keep an entry at 12 bytes; a `u64` would make it 16.
    hash_high: u32,
    /// Low half of the hash.
    hash_low: u32,
    /// The name that consists of these words, or [`NO_NAME`].
    name: u32,
}

/// Marks a [`WordPrefix`] that is not a whole name.
const NO_NAME: u32 = u32::MAX;

impl WordPrefix {
    fn new(hash: u64, name: u32) -> Self {
        Self { hash_high: (hash >> 32) as u32, hash_low: hash as u32, name }
    }

    fn hash(&self) -> u64 {
        u64::from(self.hash_high) << 32 | u64::from(self.hash_low)
    }

    fn is_name(&self) -> bool {
        self.name != NO_NAME
    }
}

/// An occurrence of a name in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameMatch {
    /// Index of the name, in the order in which names were added.
    pub name: usize,
    /// Byte range in the text.
    pub bytes: Range<usize>,
}

impl NameMatcher {
    /// A matcher of names, none of which may be empty.
    ///
    /// # Errors
    /// More than 4 GiB of names.
    ///
    /// ```
    /// # use prep::gazetteer::matcher::NameMatcher;
    /// let matcher = NameMatcher::new(["New York", "York", "New York City"]).unwrap();
    /// let matches = matcher.leftmost_longest("New York Cities, York", |_| true);
    /// assert_eq!(matches.iter().map(|found| (found.name, found.bytes.clone())).collect::<Vec<_>>(), [(0, 0..8), (1, 17..21)]);
    /// ```
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, CapacityError> {
        let mut builder = NameMatcherBuilder::default();
        names.into_iter().try_for_each(|name| builder.add(name))?;
        Ok(builder.build())
    }

    /// The same matcher, which also finds names before a particle of Korean: 서울 in 서울은. A particle is told by its letters alone, so a
    /// longer noun with such an end holds its beginning too: 고양 in 고양이, a cat.
    #[must_use]
    pub fn with_korean_particles(mut self, korean_particles: bool) -> Self {
        self.korean_particles = korean_particles;
        self
    }

    /// Finds names between word boundaries that `accept` agrees to. Of overlapping ones the leftmost is taken, of these the longest.
    ///
    /// A rejected occurrence hides no other: shorter ones at the same place, and later ones that overlap it, are still tried.
    pub fn leftmost_longest(&self, text: &str, mut accept: impl FnMut(&NameMatch) -> bool) -> Vec<NameMatch> {
        let words = HashedWords::new(text);
        let mut matches: Vec<NameMatch> = Vec::new();
        let mut candidates = Vec::new();
        let mut free_from = 0;
        for first_word in self.candidate_starts(&words) {
            if words.boundaries[first_word] < free_from {
                continue;
            }
            candidates.clear();
            self.names_from(text, &words, first_word, &mut candidates);
            candidates.sort_unstable_by_key(|candidate| Reverse(candidate.bytes.end));
            if let Some(longest) = candidates.drain(..).find(|candidate| accept(candidate)) {
                free_from = longest.bytes.end;
                matches.push(longest);
            }
        }
        matches
    }

    /// Adds all names that begin with a word of the text to `candidates`.
    fn names_from(&self, text: &str, words: &HashedWords, first_word: usize, candidates: &mut Vec<NameMatch>) {
        let start = words.boundaries[first_word];
        let mut hash = 0;
        for (word, &word_hash) in words.hashes.iter().enumerate().skip(first_word) {
            let before = hash;
            hash = append_word(before, word_hash);
            if words.is_space(word) {
                continue;
            }
            if self.korean_particles {
                let (word_start, word_end) = (words.boundaries[word], words.boundaries[word + 1]);
                for noun in nouns_of(&text[word_start..word_end]) {
                    let end = word_start + noun;
                    let hash = append_word(before, hash_word(text.as_bytes(), word_start, end));
                    candidates.extend(self.name_with(hash, text, start..end));
                }
            }
            if !self.prefix_filter.may_contain(hash) {
                break;
            }
            candidates.extend(self.name_with(hash, text, start..words.boundaries[word + 1]));
        }
    }

    /// The name that stands at these bytes of a text, if one does. `hash` is that of its words.
    fn name_with(&self, hash: u64, text: &str, bytes: Range<usize>) -> Option<NameMatch> {
        if !self.name_filter.may_contain(hash) {
            return None;
        }
        let mut with_hash = self.prefixes.iter_hash(hash).filter(|prefix| prefix.hash() == hash && prefix.is_name());
        let prefix = with_hash.find(|prefix| self.name(prefix.name) == &text[bytes.clone()])?;
        Some(NameMatch { name: prefix.name as usize, bytes })
    }

    /// The words that may begin a name. Two passes without branches on what the filters say, so that the processor has many of their
    /// cache misses in flight at a time.
    fn candidate_starts(&self, words: &HashedWords) -> Vec<usize> {
        if self.korean_particles {
            // The filters know whole words.
            return (0..words.hashes.len()).filter(|&word| !words.is_space(word)).collect();
        }
        let mut starts = vec![0; words.hashes.len()];
        let mut kept = 0;
        for (word, &word_hash) in words.hashes.iter().enumerate() {
            starts[kept] = word;
            // Names are trimmed, so none begins with a space.
            kept += usize::from(self.first_word_filter.may_contain(append_word(0, word_hash)) & !words.is_space(word));
        }
        let with_first_word = std::mem::replace(&mut kept, 0);
        for index in 0..with_first_word {
            let word = starts[index];
            let hash = append_word(0, words.hashes[word]);
            let two_words = words.hashes.get(word + 1).map_or(hash, |&next| append_word(hash, next));
            let three_words = words.hashes.get(word + 2).map_or(two_words, |&next| append_word(two_words, next));
            // No prefix ends with a space, so the word after it decides; after two spaces only the full walk can tell.
            let (one_space, two_spaces) = (words.is_space(word + 1), words.is_space(word + 1) & words.is_space(word + 2));
            let may_continue = self.prefix_filter.may_contain(if one_space { three_words } else { two_words }) | two_spaces;
            starts[kept] = word;
            kept += usize::from(may_continue | self.single_word_filter.may_contain(hash));
        }
        starts.truncate(kept);
        starts
    }

    fn name(&self, number: u32) -> &str {
        slice(&self.text, &self.ends, number)
    }

    fn insert_prefix(&mut self, hash: u64, name: u32) {
        let known = self.prefixes.find_mut(hash, |other| other.hash() == hash && (name == NO_NAME || !other.is_name()));
        match known {
            Some(known) if name != NO_NAME => known.name = name,
            Some(_) => {}
            None => {
                self.prefixes.insert_unique(hash, WordPrefix::new(hash, name), WordPrefix::hash);
            }
        }
    }
}

/// Collects names for a [`NameMatcher`].
#[derive(Debug, Default)]
pub struct NameMatcherBuilder {
    /// Its filters are empty until [`Self::build`].
    matcher: NameMatcher,
    /// Hashes of the first words of names of several words.
    first_words: Vec<u64>,
    /// Hashes of names of one word.
    single_words: Vec<u64>,
    /// Kept to save allocations.
    boundaries: Vec<usize>,
}

impl NameMatcherBuilder {
    /// Adds a name, which may not be empty. Its index is the number of names added before.
    ///
    /// # Errors
    /// More than 4 GiB of names.
    pub fn add(&mut self, name: &str) -> Result<(), CapacityError> {
        let Self { matcher, first_words, single_words, boundaries } = self;
        let number = u32::try_from(matcher.ends.len()).ok().filter(|&number| number != NO_NAME).ok_or(CapacityError)?;
        matcher.text.push_str(name);
        matcher.ends.push(u32::try_from(matcher.text.len()).map_err(|_| CapacityError)?);
        word_boundaries(name, boundaries);
        let (mut hash, mut first_word) = (0, None);
        for word in boundaries.windows(2) {
            hash = append_word(hash, hash_word(name.as_bytes(), word[0], word[1]));
            first_word.get_or_insert(hash);
            if word[1] < name.len() && !name[..word[1]].ends_with(' ') {
                matcher.insert_prefix(hash, NO_NAME);
            }
        }
        matcher.insert_prefix(hash, number);
        if boundaries.len() > 2 {
            first_words.extend(first_word)
        } else {
            single_words.push(hash)
        }
        Ok(())
    }

    /// The matcher of all names that were added.
    pub fn build(self) -> NameMatcher {
        let Self { mut matcher, mut first_words, single_words, .. } = self;
        matcher.prefixes.shrink_to_fit(WordPrefix::hash);
        let prefixes = &matcher.prefixes;
        matcher.prefix_filter = BloomFilter::new(prefixes.len(), prefixes.iter().map(WordPrefix::hash));
        let names = prefixes.iter().filter(|prefix| prefix.is_name());
        matcher.name_filter = BloomFilter::new(matcher.ends.len(), names.map(WordPrefix::hash));
        first_words.sort_unstable();
        first_words.dedup();
        let all_first_words = first_words.iter().chain(&single_words).copied();
        matcher.first_word_filter = BloomFilter::new(first_words.len() + single_words.len(), all_first_words);
        matcher.single_word_filter = BloomFilter::new(single_words.len(), single_words.iter().copied());
        matcher
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn check(names: &[&str], text: &str, expected: &[&str]) {
        let matches = NameMatcher::new(names.iter().copied()).unwrap().leftmost_longest(text, |_| true);
        assert!(matches.iter().all(|found| names[found.name] == &text[found.bytes.clone()]));
        assert_eq!(matches.iter().map(|found| &text[found.bytes.clone()]).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn the_leftmost_longest_name_is_taken() {
        check(&["New York", "York", "New York City", "City Hall"], "In New York City Hall stands.", &["New York City"]);
        check(&["北京", "北京大学", "大学生"], "北京大学生在北京", &["北京大学", "北京"]);
        check(&["a b", "b c d", "c"], "a b c d", &["a b", "c"]);
        check(&["a b c d", "b c"], "a b c e", &["b c"]);
        check(&[], "nothing", &[]);
        check(&["x"], "", &[]);
    }

    #[test]
    fn names_stand_between_word_boundaries() {
        check(&["Art", "Arthur Dent", "Arthur"], "Arthur Dentist, Arts and Art.", &["Arthur", "Art"]);
        check(&["Arden"], "Arden's Arden-based Ardenian XArden Arden2 (Arden)", &["Arden", "Arden", "Arden"]);
        check(&["MT银行", "MT"], "在MT银行，MT好，MTV不", &["MT银行", "MT"]);
        check(&["кот"], "котик кот", &["кот"]);
        check(&["cafe"], "cafe\u{301} cafe", &["cafe"]);
        check(&["ไทย"], "ประเทศไทย", &["ไทย"]);
        check(&["ไท"], "ไทยไท\u{e49}", &["ไท"]);
    }

    #[test]
    fn names_end_before_particles_of_korean() {
        let text = "서울은 부산광역시에서는 뉴욕 시의 서울시는 서울";
        let names = ["서울", "부산광역시", "뉴욕 시", "부산"];
        let found = |matcher: NameMatcher| matcher.leftmost_longest(text, |_| true).iter().map(|found| found.name).collect::<Vec<_>>();
        assert_eq!(found(NameMatcher::new(names).unwrap().with_korean_particles(true)), [0, 1, 2, 0]);
        assert_eq!(found(NameMatcher::new(names).unwrap()), [0]);
    }

    #[test]
    fn a_rejected_match_hides_no_other() {
        let matcher = NameMatcher::new(["New York", "York", "New"]).unwrap();
        let matches = matcher.leftmost_longest("New York", |found| found.name != 0);
        assert_eq!(matches.iter().map(|found| found.name).collect::<Vec<_>>(), [2, 1]);
    }

    const WORDS: [&str; 12] = ["a", "b", "ab", " ", " ", "  ", "-", "é", "e\u{301}", "北", "京", "abcdefghijklmnopqrstuvwxyz"];

    proptest! {
        /// The matcher finds what a comparison of every slice between two boundaries finds.
        #[test]
        fn all_names_are_found(
            names in vec(vec(select(&WORDS[..]), 1..5), 0..30),
            text in vec(select(&WORDS[..]), 0..60),
        ) {
            let text = text.concat();
            let names: BTreeSet<String> = names.iter().map(|name| name.concat().trim().to_owned()).filter(|name| !name.is_empty()).collect();
            let matcher = NameMatcher::new(names.iter().map(String::as_str)).unwrap();
            let mut boundaries = Vec::new();
            word_boundaries(&text, &mut boundaries);
            let (mut expected, mut free_from) = (Vec::new(), 0);
            for (at, &start) in boundaries.iter().enumerate() {
                let longest = boundaries[at..].iter().rev().find(|&&end| names.contains(&text[start..end]));
                if let Some(&end) = longest.filter(|_| start >= free_from) {
                    expected.push(start..end);
                    free_from = end;
                }
            }
            let found: Vec<Range<usize>> = matcher.leftmost_longest(&text, |_| true).into_iter().map(|found| found.bytes).collect();
            prop_assert_eq!(found, expected, "{:?} in {:?}", names, text);
        }
    }
}
