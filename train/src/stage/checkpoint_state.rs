//! Where training stands, beside weights and the optimizer's memory.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::metric::Scores;

/// How far training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: usize,
    /// The epoch that is under way, from 1.
    pub epoch: usize,
    /// Steps done in it.
    pub of_epoch: usize,
}

/// All that a checkpoint must know to go on as if never stopped. Generators are stored by how much was drawn from them: their
/// seed is in the run's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How far it has come.
    pub position: Position,
    /// Words drawn for shuffling before this epoch.
    pub shuffle_words: u64,
    /// Words drawn for dropout.
    pub dropout_words: u64,
    /// Size of `metrics.jsonl`.
    pub metrics_bytes: u64,
    /// Time spent.
    pub seconds: f64,
    /// What evaluations said.
    pub judge: Judge,
}

impl State {
    /// Before the first step.
    pub fn new() -> Self {
        Self {
            position: Position { step: 0, epoch: 1, of_epoch: 0 },
            shuffle_words: 0,
            dropout_words: 0,
            metrics_bytes: 0,
            seconds: 0.0,
            judge: Judge::default(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// Streams of the generator, one for each use.
#[derive(Debug, Clone, Copy)]
pub enum Use {
    /// Order of sequences.
    Shuffle = 0,
    /// Seeds of dropout.
    Dropout = 1,
    /// Starts of clusters.
    Cluster = 2,
}

/// The generator of one use, after so many words.
pub fn generator(seed: u64, of: Use, words: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(of as u64);
    generator.set_word_pos(words.into());
    generator
}

/// Words drawn from a generator so far.
pub fn words(generator: &ChaCha8Rng) -> u64 {
    u64::try_from(generator.get_word_pos()).expect("no training draws 2^64 words")
}

/// The evaluation whose weights a run keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Scores on dev.
    pub scores: Scores,
    /// When it was.
    pub position: Position,
}

/// Knows the best evaluation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    /// The best so far.
    pub best: Option<Best>,
    /// Evaluations since the F1 last rose.
    pub without_better: usize,
}

impl Judge {
    /// Whether this evaluation is the best: of equal ones, the later, which has seen more.
    pub fn judge(&mut self, scores: Scores, position: Position) -> bool {
        let (f1, last) = (scores.micro().f1(), self.best.as_ref().map(|best| best.scores.micro().f1()));
        self.without_better = if last.is_none_or(|last| f1 > last) { 0 } else { self.without_better + 1 };
        let best = last.is_none_or(|last| f1 >= last);
        if best {
            self.best = Some(Best { scores, position });
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Counts;
    use rand::RngCore;

    #[test]
    fn the_later_of_equal_evaluations_is_best_but_no_better() {
        let mut judge = Judge::default();
        let mut check = |correct: u64, best: bool, without_better: usize| {
            let counts = Counts { correct, predicted: 9, support: 9 };
            let scores = Scores { labels: [("PER".to_owned(), counts)].into() };
            let position = Position { step: 1, epoch: 1, of_epoch: 1 };
            assert_eq!((judge.judge(scores, position), judge.without_better), (best, without_better), "{correct}");
        };
        check(0, true, 0);
        check(5, true, 0);
        check(5, true, 1);
        check(4, false, 2);
        check(6, true, 0);
    }

    #[test]
    fn a_generator_goes_on_where_it_was() {
        let mut whole = generator(7, Use::Dropout, 0);
        let drawn: Vec<u64> = (0..5).map(|_| whole.next_u64()).collect();
        let at = words(&whole);
        assert_eq!(generator(7, Use::Dropout, at).next_u64(), whole.next_u64());
        assert_ne!(generator(7, Use::Shuffle, 0).next_u64(), drawn[0]);
    }
}
