//! How words are written: in lower case, or with a capital.

use std::collections::{HashMap, HashSet};

use crate::interner::{CapacityError, Interner};

/// Distinct words that are counted at most; further ones are rare.
const MAX_WORDS: usize = 4 << 20;

/// How often words are written in lower case and otherwise, within sentences.
///
/// Memory: the distinct words, up to four million, with about 30 bytes each.
#[derive(Debug, Default)]
pub(super) struct WordCases {
    words: Interner,
    counts: Vec<WordCase>,
}

/// How often a word is written in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct WordCase {
    lower: u32,
    upper: u32,
}

/// Counts the words of a text that stand within a sentence: after a space that follows a lower-case letter, a comma, a semicolon or a
/// bracket. There a capital says that the word is a name.
pub(super) fn count_words(text: &str, counts: &mut HashMap<String, WordCase>) {
    let mut before = ['\n'; 2];
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let is_within = before[1] == ' ' && (before[0].is_lowercase() || matches!(before[0], ',' | ';' | ')'));
        let mut last = [before[1], c];
        if c.is_alphabetic() {
            let mut end = start + c.len_utf8();
            while let Some((at, next)) = chars.next_if(|(_, next)| next.is_alphabetic()) {
                end = at + next.len_utf8();
                last = [last[1], next];
            }
            if is_within {
                let word = &text[start..end];
                let lower = word.to_lowercase();
                let is_lower = lower == word;
                let case = counts.entry(lower).or_default();
                case.lower += u32::from(is_lower);
                case.upper += u32::from(!is_lower);
            }
        }
        before = last;
    }
}

impl WordCases {
    /// Adds counts.
    pub fn add(&mut self, counts: HashMap<String, WordCase>) -> Result<(), CapacityError> {
        // In order, so that the same words are counted whatever the threads do.
        let mut counts: Vec<(String, WordCase)> = counts.into_iter().collect();
        counts.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (word, case) in counts {
            let number = match self.words.number(&word) {
                None if self.words.len() >= MAX_WORDS => continue,
                None => self.words.intern(&word)?,
                Some(number) => number,
            } as usize;
            self.counts.resize(self.words.len(), WordCase::default());
            self.counts[number].lower += case.lower;
            self.counts[number].upper += case.upper;
        }
        Ok(())
    }

    /// The words, in lower case, that are written in lower case more often than otherwise.
    pub fn common_words(&self) -> HashSet<String> {
        let common = (0u32..).zip(&self.counts).filter(|(_, case)| case.lower > case.upper);
        common.map(|(number, _)| self.words.get(number).to_owned()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn words_within_sentences_are_counted() {
        let mut counts = HashMap::new();
        count_words("Reading is fun. Reading by the river, Reading and reading; (reading) Ödön", &mut counts);
        let case = |word: &str| counts.get(word).map(|case| (case.lower, case.upper));
        assert_eq!(case("reading"), Some((1, 1)), "after `fun.` and in brackets nothing is known");
        assert_eq!((case("the"), case("ödön"), case("fun")), (Some((1, 0)), Some((0, 1)), Some((1, 0))));
        let mut cases = WordCases::default();
        cases.add(counts).unwrap();
        let common = cases.common_words();
        assert!(common.contains("river") && !common.contains("reading") && !common.contains("ödön"));
    }
}
