//! A WordPiece vocabulary, learned deterministically from words and their counts.
//!
//! Pairs of neighbouring word pieces are merged by frequency (byte-pair encoding, Sennrich et al. 2016, over chars), as the
//! `tokenizers` library does for WordPiece. The library's own trainer assigns ids in the order of a randomly seeded hash map, so
//! that the same texts give other ids in each run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

/// Smallest count of a pair that is merged.
const MIN_COUNT: u64 = 2;

/// Learns at most `size` word pieces: chars first, by count, then merged ones in order of merging. Word pieces inside a word
/// start with `##`. All ASCII letters and digits are in the vocabulary, so that a later stage's English is not unknown.
///
/// Memory: the distinct words and, for each pair of neighbours, the words that contain it.
pub fn learn(words: &BTreeMap<String, u64>, size: usize) -> Vec<String> {
    let ascii = (0..=u8::MAX).filter(u8::is_ascii_alphanumeric).map(char::from);
    let mut alphabet: BTreeMap<String, u64> = ascii.flat_map(|char| [(char.to_string(), 0), (format!("##{char}"), 0)]).collect();
    for (word, count) in words {
        for piece in chars(word) {
            *alphabet.entry(piece).or_default() += count;
        }
    }
    let mut alphabet: Vec<(String, u64)> = alphabet.into_iter().collect();
    alphabet.sort_by_key(|(_, count)| Reverse(*count));
    alphabet.truncate(size);
    let mut pieces: Vec<String> = alphabet.into_iter().map(|(piece, _)| piece).collect();
    let mut ids: HashMap<String, u32> = pieces.iter().zip(0..).map(|(piece, id)| (piece.clone(), id)).collect();

    // A word with a char outside the alphabet is unknown as a whole, so nothing is learned from it.
    let spelled =
        words.iter().filter_map(|(word, &count)| Some((chars(word).map(|c| ids.get(&c).copied()).collect::<Option<_>>()?, count)));
    let mut pairs = PairCounts::new(spelled.collect());
    while pieces.len() < size {
        let Some((left, right)) = pairs.pop() else { break };
        let merged = pieces[left as usize].clone() + pieces[right as usize].trim_start_matches("##");
        let id = *ids.entry(merged.clone()).or_insert_with(|| {
            pieces.push(merged);
            pieces.len() as u32 - 1
        });
        pairs.merge((left, right), id);
    }
    pieces
}

fn chars(word: &str) -> impl Iterator<Item = String> + '_ {
    word.chars().enumerate().map(|(at, char)| if at == 0 { char.to_string() } else { format!("##{char}") })
}

type Pair = (u32, u32);

/// Words as word pieces, and how often each pair of neighbours occurs.
struct PairCounts {
    /// Word pieces of each word, and the word's count.
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    /// Indices of the words in which a pair occurs, or did before a merge.
    words_with: HashMap<Pair, HashSet<usize>>,
    /// The most frequent pair on top, of equal ones the pair of the smallest ids. Counts may be outdated: [`Self::pop`] checks.
    heap: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl PairCounts {
    fn new(words: Vec<(Vec<u32>, u64)>) -> Self {
        let mut pairs = Self { words, counts: HashMap::new(), words_with: HashMap::new(), heap: BinaryHeap::new() };
        for word in 0..pairs.words.len() {
            pairs.count(word, true);
        }
        pairs.heap = pairs.counts.iter().map(|(&pair, &count)| (count, Reverse(pair))).collect();
        pairs
    }

    /// Adds the pairs of a word to the counts or subtracts them, and returns them.
    fn count(&mut self, word: usize, add: bool) -> Vec<Pair> {
        let (pieces, times) = &self.words[word];
        let neighbours: Vec<Pair> = pieces.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for &pair in &neighbours {
            let count = self.counts.entry(pair).or_default();
            if add {
                *count += times;
                self.words_with.entry(pair).or_default().insert(word);
            } else {
                *count -= times;
            }
        }
        neighbours
    }

    fn pop(&mut self) -> Option<Pair> {
        while let Some((count, Reverse(pair))) = self.heap.pop() {
            let current = self.counts.get(&pair).copied().unwrap_or(0);
            if current < MIN_COUNT {
                continue;
            }
            if current == count {
                return Some(pair);
            }
            self.heap.push((current, Reverse(pair)));
        }
        None
    }

    fn merge(&mut self, pair: Pair, merged: u32) {
        let mut changed = HashSet::new();
        for word in self.words_with.remove(&pair).unwrap_or_default() {
            self.count(word, false);
            let pieces = &mut self.words[word].0;
            let mut at = 0;
            while at + 1 < pieces.len() {
                if (pieces[at], pieces[at + 1]) == pair {
                    pieces[at] = merged;
                    pieces.remove(at + 1);
                }
                at += 1;
            }
            changed.extend(self.count(word, true));
        }
        // Counts only, so the order of the set does not matter.
        for pair in changed {
            self.heap.push((self.counts[&pair], Reverse(pair)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the learned word pieces without the ASCII chars that no word has.
    fn check(words: &[(&str, u64)], size: usize, expected: &[&str]) {
        let words = words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
        let ascii = learn(&BTreeMap::new(), 999);
        assert_eq!(ascii.len(), 124);
        let learned = learn(&words, size);
        assert!(learned.len() <= size);
        let seen = |piece: &String| words.keys().any(|word| chars(word).any(|char| char == *piece)) || !ascii.contains(piece);
        assert_eq!(learned.into_iter().filter(seen).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn frequent_pairs_are_merged_first() {
        let expected = ["##w", "##o", "l", "##e", "n", "##r", "##ow", "low", "##ew", "new", "##er", "lower"];
        check(&[("low", 5), ("lower", 2), ("new", 3)], 999, &expected);
    }

    #[test]
    fn size_is_kept_and_rare_pairs_are_not_merged() {
        check(&[("ab", 5)], 2, &["##b", "a"]);
        check(&[("ab", 1)], 999, &["##b", "a"]);
        check(&[("北", 4), ("aaaa", 2)], 999, &["##a", "北", "a", "##aa", "aaa", "aaaa"]);
    }
}
