//! Word pieces of words that were met before.
//!
//! BERT's normalisation and pre-tokenisation look at no char beyond white space and CJK characters, and WordPiece at no char beyond
//! a word. So the pieces of a stretch of text between two of these depend on the stretch alone, and most stretches of a text are
//! words that came before.

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::Result;

use super::tokenized_text::TokenizedText;

/// Most stretches that a thread remembers: the more frequent ones come early.
const MOST_STRETCHES: usize = 1 << 16;

/// Longest stretch that is remembered, in bytes.
const MOST_BYTES: usize = 64;

/// Remembers the word pieces of stretches, for each thread of rayon's pool by itself.
///
/// Memory: some 10 MB a thread at most.
#[derive(Debug)]
pub struct WordCache {
    by_thread: Vec<Mutex<Stretches>>,
}

/// The word pieces of stretches.
type Stretches = HashMap<Box<str>, Box<[Piece]>>;

/// A word piece: its id and the chars that it covers, counted from the start of its stretch.
#[derive(Debug, Clone, Copy)]
struct Piece {
    id: u32,
    start: u32,
    end: u32,
}

impl Default for WordCache {
    fn default() -> Self {
        // The last one serves all threads outside of the pool.
        Self { by_thread: (0..=rayon::current_num_threads()).map(|_| Mutex::default()).collect() }
    }
}

impl WordCache {
    /// Tokenises a text with the stretches that are remembered, and `tokenize` for the others.
    ///
    /// # Errors
    /// Those of `tokenize`.
    ///
    /// # Panics
    /// A thread panicked while it tokenised.
    pub fn tokenize(&self, text: &str, mut tokenize: impl FnMut(&str) -> Result<TokenizedText>) -> Result<TokenizedText> {
        let thread = rayon::current_thread_index().unwrap_or(usize::MAX).min(self.by_thread.len() - 1);
        let mut cache = self.by_thread[thread].lock().expect("no thread panics while it tokenises");
        let mut tokenized = TokenizedText::default();
        for Stretch { first_char, text } in stretches(text) {
            let mut push = |pieces: &[Piece]| {
                tokenized.ids.extend(pieces.iter().map(|piece| piece.id));
                tokenized.offsets.extend(pieces.iter().map(|piece| (first_char + piece.start, first_char + piece.end)));
            };
            if let Some(pieces) = cache.get(text) {
                push(pieces);
                continue;
            }
            let new = tokenize(text)?;
            let pieces = new.ids.iter().zip(&new.offsets).map(|(&id, &(start, end))| Piece { id, start, end });
            let pieces: Box<[Piece]> = pieces.collect();
            push(&pieces);
            if cache.len() < MOST_STRETCHES && text.len() <= MOST_BYTES {
                cache.insert(text.into(), pieces);
            }
        }
        Ok(tokenized)
    }
}

/// A part of a text that is tokenised by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch<'a> {
    first_char: u32,
    text: &'a str,
}

/// The parts between white space, and each CJK character by itself.
fn stretches(text: &str) -> impl Iterator<Item = Stretch<'_>> {
    let mut chars = text.char_indices().zip(0u32..).peekable();
    std::iter::from_fn(move || {
        let ((start, first), first_char) = chars.find(|((_, char), _)| !is_space(*char))?;
        if !is_cjk(first) {
            while chars.next_if(|((_, char), _)| !is_space(*char) && !is_cjk(*char)).is_some() {}
        }
        let end = chars.peek().map_or(text.len(), |((at, _), _)| *at);
        Some(Stretch { first_char, text: &text[start..end] })
    })
}

/// Whether BERT divides words at a char. It removes control characters first, among them three that Unicode counts as white space.
fn is_space(char: char) -> bool {
    char.is_whitespace() && !matches!(char, '\u{b}' | '\u{c}' | '\u{85}')
}

/// Whether BERT takes a character as a word by itself (`tokenization.py` of its first release).
fn is_cjk(char: char) -> bool {
    matches!(
        u32::from(char),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_divided_at_white_space_and_around_cjk_characters() {
        let check = |text, expected: &[(u32, &str)]| {
            let found: Vec<_> = stretches(text).map(|stretch| (stretch.first_char, stretch.text)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("", &[]);
        check("  ", &[]);
        check("Ödön's  book.", &[(0, "Ödön's"), (8, "book.")]);
        check(" a\u{a0}b\n", &[(1, "a"), (3, "b")]);
        check("a\u{b}b", &[(0, "a\u{b}b")]);
        check("在London北京。 x", &[(0, "在"), (1, "London"), (7, "北"), (8, "京"), (9, "。"), (11, "x")]);
    }

    #[test]
    fn stretches_are_tokenised_once() {
        let (cache, mut asked) = (WordCache::default(), Vec::new());
        let mut tokenize = |text: &str| {
            let tokenized = cache.tokenize(text, |stretch| {
                asked.push(stretch.to_owned());
                Ok(TokenizedText { ids: vec![stretch.len() as u32], offsets: vec![(0, stretch.chars().count() as u32)] })
            });
            tokenized.unwrap()
        };
        let expected = TokenizedText { ids: vec![2, 3, 2], offsets: vec![(0, 2), (3, 6), (7, 9)] };
        assert_eq!(tokenize("to the to"), expected);
        assert_eq!(tokenize("to the to"), expected);
        assert_eq!(asked, ["to", "the"]);
    }
}
