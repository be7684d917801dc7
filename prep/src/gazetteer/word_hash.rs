//! Hashes of words and of word sequences, as the matcher compares them.

use super::word_boundaries::{read_u64, word_boundaries};

/// The words of a text, and what stands between them, each with its hash.
pub(super) struct HashedWords {
    /// Byte offsets: word `i` is `boundaries[i]..boundaries[i + 1]`.
    pub boundaries: Vec<usize>,
    pub hashes: Vec<u64>,
}

impl HashedWords {
    pub(super) fn new(text: &str) -> Self {
        let mut boundaries = Vec::new();
        word_boundaries(text, &mut boundaries);
        let text = text.as_bytes();
        let hashes = boundaries.windows(2).map(|word| hash_word(text, word[0], word[1])).collect();
        Self { boundaries, hashes }
    }

    /// Whether a word is a single space; false beyond the last word.
    pub(super) fn is_space(&self, word: usize) -> bool {
        self.hashes.get(word) == Some(&SPACE)
    }
}

/// The hash of a single space.
const SPACE: u64 = append_word(b' ' as u64 + 1, b' ' as u64);

/// The hash of the word `text[start..end]`. It may read bytes after the word, which do not influence the hash.
pub(super) fn hash_word(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length > 16 {
        return text[start..end].chunks(8).fold(length as u64, |hash, bytes| append_word(hash, read_up_to_8(bytes)));
    }
    let head = match text.get(start..start + 8) {
        Some(eight) => read_u64(eight) & u64::MAX >> (64 - 8 * length.min(8)),
        None => read_up_to_8(&text[start..end.min(start + 8)]),
    };
    // The last eight bytes overlap with the first ones in a word of 9 to 15 bytes.
    let tail = if length > 8 { read_u64(&text[end - 8..end]) } else { head };
    append_word(head.wrapping_add(length as u64), tail)
}

/// At most eight bytes as a little-endian number, padded with zeros.
fn read_up_to_8(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The hash of a word sequence with one more word at its end. The empty sequence has hash 0.
pub(super) const fn append_word(sequence: u64, word: u64) -> u64 {
    (sequence.rotate_left(29) ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_the_word_alone() {
        for word in ["a", "ab", "abcdefgh", "abcdefghi", "abcdefghijklmnop", "abcdefghijklmnopq", "北京"] {
            let alone = hash_word(word.as_bytes(), 0, word.len());
            for (before, after) in [("", "xyzxyzxyzxyz"), ("x ", ""), ("xyz ", " xyz xyz")] {
                let text = format!("{before}{word}{after}");
                assert_eq!(hash_word(text.as_bytes(), before.len(), before.len() + word.len()), alone, "{text}");
            }
        }
        assert_eq!(hash_word(b" ", 0, 1), SPACE);
    }
}
