//! Random numbers of a run: a stream of one seed for each use, so that uses do not disturb each other.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A stream of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RngStream {
    /// Order of the sequences.
    Shuffle = 0,
    /// Seeds of dropout masks.
    Dropout = 1,
    /// Initial centroids of clusters, and the sample of span vectors that is stored.
    Cluster = 2,
}

/// The generator of a stream after `words` words were drawn from it.
pub fn generator(seed: u64, stream: RngStream, words: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream as u64);
    generator.set_word_pos(words.into());
    generator
}

/// Words drawn from a generator so far.
///
/// # Panics
/// After 2^64 words, which no training draws.
pub fn words_drawn(generator: &ChaCha8Rng) -> u64 {
    u64::try_from(generator.get_word_pos()).expect("no training draws 2^64 words")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn a_generator_continues_after_the_words_that_were_drawn() {
        let mut whole = generator(7, RngStream::Dropout, 0);
        let drawn: Vec<u64> = (0..5).map(|_| whole.next_u64()).collect();
        let words = words_drawn(&whole);
        assert_eq!(generator(7, RngStream::Dropout, words).next_u64(), whole.next_u64());
        assert_ne!(generator(7, RngStream::Shuffle, 0).next_u64(), drawn[0]);
    }
}
