//! A WordPiece vocabulary learned from words and their counts, the same every time.
//!
//! Byte-pair merging (Sennrich et al. 2016) over chars, as the `tokenizers` library does it for WordPiece; its own learner
//! numbers pieces in the order of a randomly seeded hash map, so that the same texts give other numbers in each run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

/// Least count of a pair that is merged.
const LEAST_COUNT: u64 = 2;

/// At most `size` pieces: chars first, by count, then merged ones in order of merging. Pieces inside a word begin with `##`.
/// All letters and digits of ASCII are among the chars: a later stage's English must not become unknown words.
///
/// Memory: the distinct words and, for each pair of neighbours, the words that hold it.
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
    let mut numbers: HashMap<String, u32> = pieces.iter().zip(0..).map(|(piece, number)| (piece.clone(), number)).collect();

    // A word with a char outside the alphabet is unknown as a whole, so nothing is learned from it.
    let spelled =
        words.iter().filter_map(|(word, &count)| Some((chars(word).map(|c| numbers.get(&c).copied()).collect::<Option<_>>()?, count)));
    let mut pairs = Pairs::new(spelled.collect());
    while pieces.len() < size {
        let Some((left, right)) = pairs.pop() else { break };
        let merged = pieces[left as usize].clone() + pieces[right as usize].trim_start_matches("##");
        let number = *numbers.entry(merged.clone()).or_insert_with(|| {
            pieces.push(merged);
            pieces.len() as u32 - 1
        });
        pairs.merge((left, right), number);
    }
    pieces
}

fn chars(word: &str) -> impl Iterator<Item = String> + '_ {
    word.chars().enumerate().map(|(at, char)| if at == 0 { char.to_string() } else { format!("##{char}") })
}

type Pair = (u32, u32);

/// Words as pieces, and where pairs of neighbours stand.
struct Pairs {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    places: HashMap<Pair, HashSet<usize>>,
    /// The most frequent pair on top, of equal ones that of the smallest numbers. Counts may be out of date.
    heap: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Pairs {
    fn new(words: Vec<(Vec<u32>, u64)>) -> Self {
        let mut pairs = Self { words, counts: HashMap::new(), places: HashMap::new(), heap: BinaryHeap::new() };
        for word in 0..pairs.words.len() {
            pairs.count(word, true);
        }
        pairs.heap = pairs.counts.iter().map(|(&pair, &count)| (count, Reverse(pair))).collect();
        pairs
    }

    /// Adds or takes away a word's pairs; returns them.
    fn count(&mut self, word: usize, add: bool) -> Vec<Pair> {
        let (pieces, times) = &self.words[word];
        let neighbours: Vec<Pair> = pieces.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for &pair in &neighbours {
            let count = self.counts.entry(pair).or_default();
            if add {
                *count += times;
                self.places.entry(pair).or_default().insert(word);
            } else {
                *count -= times;
            }
        }
        neighbours
    }

    fn pop(&mut self) -> Option<Pair> {
        while let Some((count, Reverse(pair))) = self.heap.pop() {
            let current = self.counts.get(&pair).copied().unwrap_or(0);
            if current < LEAST_COUNT {
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
        for word in self.places.remove(&pair).unwrap_or_default() {
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

    /// Compares the pieces that are not just there for being ASCII.
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
