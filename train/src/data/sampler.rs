//! Which sequences form a batch, and which batches form a training step.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::dataset::Sequence;
use super::padded_length::PaddingRule;

/// Steps whose sequences are sorted by length together: enough for little padding, few enough for a random order.
const STEPS_PER_BUCKET: usize = 50;

/// The batches of one training step, each as indices of sequences.
pub type StepBatches = Vec<Vec<usize>>;

/// What a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchSize {
    /// At most this many sequences.
    Sequences(usize),
    /// At most this many word pieces, padding included.
    Tokens(usize),
}

impl BatchSize {
    /// A size `factor` times as large.
    #[must_use]
    pub fn times(self, factor: usize) -> Self {
        match self {
            Self::Sequences(size) => Self::Sequences(size * factor),
            Self::Tokens(tokens) => Self::Tokens(tokens * factor),
        }
    }

    /// Splits a list of sequences, given by index, into batches of this size. A sequence that is larger than a batch is one by
    /// itself. Linear: the batch that is filled knows its longest sequence.
    fn split_into_batches(self, sequences: &[Sequence], order: &[usize], padding: PaddingRule) -> Vec<Vec<usize>> {
        match self {
            Self::Sequences(size) => order.chunks(size).map(<[usize]>::to_vec).collect(),
            Self::Tokens(tokens) => {
                let (mut longest, mut size) = (order.first().map_or(0, |&first| sequences[first].length()), 1);
                split_where(order, |next| {
                    let length = sequences[next].length();
                    (longest, size) = (longest.max(length), size + 1);
                    let full = padding.padded(longest) * size > tokens;
                    if full {
                        (longest, size) = (length, 1);
                    }
                    full
                })
            }
        }
    }

    /// Splits a shuffled list into the buckets that are sorted by length.
    fn split_into_buckets(self, sequences: &[Sequence], order: &[usize]) -> Vec<Vec<usize>> {
        match self.times(STEPS_PER_BUCKET) {
            Self::Sequences(size) => order.chunks(size).map(<[usize]>::to_vec).collect(),
            Self::Tokens(tokens) => {
                let mut filled = 0;
                split_where(order, |next| {
                    filled += sequences[next].length();
                    let full = filled > tokens;
                    filled = if full { sequences[next].length() } else { filled };
                    full
                })
            }
        }
    }
}

/// Splits before each element for which `starts_part` holds. It is asked once for each in order, but not for the first.
fn split_where(order: &[usize], mut starts_part: impl FnMut(usize) -> bool) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for &next in order {
        match parts.last_mut() {
            Some(part) if !starts_part(next) => part.push(next),
            _ => parts.push(vec![next]),
        }
    }
    parts
}

/// Draws the steps of a training set, or of a block of one, and splits them into batches of sequences of similar length.
#[derive(Debug, Clone, Copy)]
pub struct BatchSampler {
    /// What a batch may hold.
    pub batch: BatchSize,
    /// Batches per step (gradient accumulation).
    pub accumulate: usize,
    /// How batches are padded.
    pub padding: PaddingRule,
}

impl BatchSampler {
    /// The steps of one pass over the sequences. The order is shuffled, sorted by length within buckets of 50 steps, and
    /// the steps of a bucket are shuffled again.
    ///
    /// It depends on the sequences' lengths and the generator's state alone. A step holds the same sequences whether it is one
    /// batch or several.
    pub fn steps(self, sequences: &[Sequence], rng: &mut ChaCha8Rng) -> Vec<StepBatches> {
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.shuffle(rng);
        let step_size = self.batch.times(self.accumulate);
        let mut steps = Vec::new();
        for mut bucket in step_size.split_into_buckets(sequences, &order) {
            bucket.sort_by_key(|&index| sequences[index].length());
            let mut bucket_steps = step_size.split_into_batches(sequences, &bucket, self.padding);
            bucket_steps.shuffle(rng);
            steps.extend(bucket_steps.into_iter().map(|step| self.batch.split_into_batches(sequences, &step, self.padding)));
        }
        steps
    }
}

/// Batches for evaluation of the sequences with these indices: longest first, so that memory is at its peak at the start.
pub fn batches_by_length(
    sequences: &[Sequence],
    indices: impl Iterator<Item = usize>,
    size: BatchSize,
    padding: PaddingRule,
) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = indices.collect();
    order.sort_by_key(|&index| std::cmp::Reverse(sequences[index].length()));
    size.split_into_batches(sequences, &order, padding)
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, SpecialTokens};
    use super::*;
    use rand::SeedableRng;
    use std::sync::Arc;

    /// Sequences with contexts of these lengths; 5 word pieces of each are query and special tokens.
    fn sequences(context_lengths: impl Iterator<Item = usize>) -> Vec<Sequence> {
        let text = |count: usize| -> Arc<[u32]> { vec![9; count].into() };
        let query = text(2);
        let sequence = |length| Sequence {
            triple: 0,
            query: query.clone(),
            context: text(length),
            window: 0..length,
            answers: Vec::new(),
            answers_before: 0,
        };
        context_lengths.map(sequence).collect()
    }

    fn sampler(batch: BatchSize, accumulate: usize) -> BatchSampler {
        BatchSampler { batch, accumulate, padding: PaddingRule::Longest }
    }

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    #[test]
    fn epochs_differ_but_hold_every_sequence_once() {
        let sequences = sequences((0..1003).map(|at| at % 37 + 1));
        for (batch, accumulate) in [
            (BatchSize::Sequences(16), 1),
            (BatchSize::Sequences(5), 3),
            (BatchSize::Tokens(400), 1),
            (BatchSize::Tokens(130), 3),
            (BatchSize::Tokens(42), 1),
        ] {
            let sampler = sampler(batch, accumulate);
            let mut generator = rng();
            let (first, second) = (sampler.steps(&sequences, &mut generator), sampler.steps(&sequences, &mut generator));
            assert_ne!(first, second);
            assert_eq!(first, sampler.steps(&sequences, &mut rng()));
            for epoch in [first, second, vec![batches_by_length(&sequences, 0..1003, batch, PaddingRule::Longest)]] {
                for indices in epoch.concat() {
                    let longest = indices.iter().map(|&index| sequences[index].length()).max().unwrap();
                    match batch {
                        BatchSize::Sequences(size) => assert!(indices.len() <= size),
                        BatchSize::Tokens(tokens) => assert!(indices.len() * longest <= tokens),
                    }
                }
                let mut all = epoch.concat().concat();
                all.sort_unstable();
                assert_eq!(all, (0..1003).collect::<Vec<_>>());
            }
        }
    }

    /// A run's weights depend on this order; a change of it is a change of every run.
    #[test]
    fn the_order_of_a_seed_stays() {
        let sequences = sequences([3, 1, 4, 1, 5, 9, 2, 6].into_iter());
        let steps = |batch, accumulate| sampler(batch, accumulate).steps(&sequences, &mut rng());
        let expected: [StepBatches; 3] = [vec![vec![0, 2, 4]], vec![vec![7, 5]], vec![vec![3, 1, 6]]];
        assert_eq!(steps(BatchSize::Sequences(3), 1), expected);
        let expected: [StepBatches; 3] = [vec![vec![2], vec![4]], vec![vec![7], vec![5]], vec![vec![3, 1], vec![6, 0]]];
        assert_eq!(steps(BatchSize::Tokens(16), 2), expected);
    }

    #[test]
    fn a_step_holds_the_same_sequences_in_one_batch_as_in_several() {
        let sequences = sequences((0..1003).map(|at| at % 37 + 1));
        for (whole, part) in [(BatchSize::Sequences(16), BatchSize::Sequences(4)), (BatchSize::Tokens(800), BatchSize::Tokens(200))] {
            let whole = sampler(whole, 1).steps(&sequences, &mut rng());
            let parts = sampler(part, 4).steps(&sequences, &mut rng());
            let joined = |steps: Vec<StepBatches>| steps.into_iter().map(|step| step.concat()).collect::<Vec<_>>();
            assert!(parts.iter().any(|step| step.len() > 1));
            assert_eq!(joined(whole), joined(parts));
        }
    }

    #[test]
    fn a_token_budget_counts_padding() {
        let sequences = sequences([60, 11, 11, 11, 1].into_iter());
        // Lengths 65, 16, 16, 16, 6.
        let batches = |padding| batches_by_length(&sequences, 0..5, BatchSize::Tokens(64), padding);
        assert_eq!(batches(PaddingRule::Longest), [vec![0], vec![1, 2, 3, 4]], "longer than a batch: one by itself");
        assert_eq!(batches(PaddingRule::FewLengths), [vec![0], vec![1, 2, 3, 4]]);
        let batches = |padding| batches_by_length(&sequences, 3..5, BatchSize::Tokens(22), padding);
        assert_eq!(batches(PaddingRule::Longest), [[3], [4]], "6 is padded to 16");
    }

    #[test]
    fn token_budgets_leave_little_padding() {
        let sequences = sequences((0..4000).map(|at| at * 7 % 100 + 1));
        let steps = sampler(BatchSize::Tokens(1000), 1).steps(&sequences, &mut rng());
        let padded: usize = steps
            .concat()
            .iter()
            .map(|indices| Batch::new(&sequences, indices, SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest))
            .map(|batch| batch.size * batch.length)
            .sum();
        let real: usize = sequences.iter().map(Sequence::length).sum();
        assert!((padded as f64) < 1.06 * real as f64, "{padded} for {real}");
    }
}
