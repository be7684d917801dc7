//! Batches of sequences of similar length.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::encode::Sequence;
use crate::model::kernels::Padding;
use crate::model::{Input, Target};

/// Batches whose sequences are sorted by length together: enough for little padding, few enough to stay random.
const BATCHES_OF_A_BUCKET: usize = 50;

/// A padded batch in the host's memory.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Sequences.
    pub size: usize,
    /// Pieces of each, padding included.
    pub length: usize,
    lengths: Vec<usize>,
    ids: Vec<i32>,
    segments: Vec<i32>,
    starts: Vec<f32>,
    ends: Vec<f32>,
    shares: Vec<f32>,
}

impl Batch {
    /// Pads sequences to the longest, rounded up to a multiple of `multiple`.
    pub fn new<'a>(sequences: impl ExactSizeIterator<Item = &'a Sequence> + Clone, special: Specials, multiple: usize) -> Self {
        let size = sequences.len();
        let longest = sequences.clone().map(Sequence::length).max().unwrap_or(0);
        let length = longest.next_multiple_of(multiple);
        let tokens = size * length;
        let context: usize = sequences.clone().map(|sequence| sequence.window.len()).sum();
        let share = 1.0 / context.max(1) as f32;
        let mut batch = Self {
            size,
            length,
            lengths: sequences.clone().map(Sequence::length).collect(),
            ids: vec![special.pad as i32; tokens],
            segments: vec![0; tokens],
            starts: vec![-1.0; tokens],
            ends: vec![-1.0; tokens],
            shares: vec![0.0; tokens],
        };
        for (row, sequence) in sequences.enumerate() {
            let row = row * length;
            let (from, to) = (row + sequence.context_start(), row + sequence.length() - 1);
            batch.ids[row] = special.cls as i32;
            for (id, piece) in batch.ids[row + 1..].iter_mut().zip(&sequence.query.ids) {
                *id = *piece as i32;
            }
            batch.ids[from - 1] = special.sep as i32;
            for (id, piece) in batch.ids[from..to].iter_mut().zip(&sequence.context.ids[sequence.window.clone()]) {
                *id = *piece as i32;
            }
            batch.ids[to] = special.sep as i32;
            batch.segments[from..=to].fill(1);
            batch.shares[from..to].fill(share);
            for &(first, last) in &sequence.answers {
                batch.starts[from + first as usize - sequence.window.start] = 1.0;
                batch.ends[from + last as usize - sequence.window.start] = 1.0;
            }
        }
        batch
    }

    /// The reader's input.
    pub fn input<B: Backend>(&self, device: &B::Device) -> Input<B> {
        let int = |values: &[i32]| Tensor::<B, 2, Int>::from_data(TensorData::new(values.to_vec(), [self.size, self.length]), device);
        Input {
            ids: int(&self.ids),
            segments: int(&self.segments),
            padding: Padding::new(self.lengths.clone().into(), self.length, device),
        }
    }

    /// What it should be answered with.
    pub fn target<B: Backend>(&self, device: &B::Device) -> Target<B> {
        let float = |values: &[f32]| Tensor::<B, 1>::from_data(TensorData::new(values.to_vec(), [values.len()]), device);
        Target { start: float(&self.starts), end: float(&self.ends), share: float(&self.shares) }
    }
}

/// Numbers of the special pieces.
#[derive(Debug, Clone, Copy)]
pub struct Specials {
    /// Opens a sequence.
    pub cls: u32,
    /// Closes query and context.
    pub sep: u32,
    /// Fills a batch.
    pub pad: u32,
}

impl From<&super::WordPieces> for Specials {
    fn from(pieces: &super::WordPieces) -> Self {
        Self { cls: pieces.cls(), sep: pieces.sep(), pad: pieces.pad() }
    }
}

/// An epoch's batches, as positions of sequences: shuffled, then sorted by length within buckets, then the bucket's batches
/// shuffled again. Depends on the generator's state only.
pub fn shuffled_batches(sequences: &[Sequence], size: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.shuffle(rng);
    let mut batches = Vec::with_capacity(sequences.len().div_ceil(size));
    for bucket in order.chunks_mut(size * BATCHES_OF_A_BUCKET) {
        bucket.sort_by_key(|&at| sequences[at].length());
        let mut of_bucket: Vec<Vec<usize>> = bucket.chunks(size).map(<[usize]>::to_vec).collect();
        of_bucket.shuffle(rng);
        batches.append(&mut of_bucket);
    }
    batches
}

/// Batches for evaluation, as positions of sequences: by length, longest first, so that memory is at its peak at the start.
pub fn batches_by_length(sequences: &[Sequence], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(sequences[at].length()));
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tokenizer::Pieces;
    use super::*;
    use rand::SeedableRng;

    fn sequence(query: usize, context: usize, answers: &[(u32, u32)]) -> Sequence {
        let pieces = |count: usize, first: u32| {
            let ids = (first..).take(count).collect();
            Arc::new(Pieces { ids, offsets: vec![(0, 0); count] })
        };
        Sequence { triple: 0, query: pieces(query, 10), context: pieces(context, 50), window: 0..context, answers: answers.to_vec() }
    }

    #[test]
    fn a_batch_is_padded_to_its_longest() {
        let sequences = [sequence(2, 3, &[(1, 2)]), sequence(2, 1, &[])];
        let special = Specials { cls: 1, sep: 2, pad: 0 };
        let batch = Batch::new(sequences.iter(), special, 1);
        assert_eq!((batch.size, batch.length), (2, 8));
        assert_eq!(batch.ids, [1, 10, 11, 2, 50, 51, 52, 2, 1, 10, 11, 2, 50, 2, 0, 0]);
        assert_eq!(batch.segments, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(batch.lengths, [8, 6]);
        let at =
            |values: &[f32], wanted: f32| values.iter().enumerate().filter(|(_, v)| **v == wanted).map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!((at(&batch.starts, 1.0), at(&batch.ends, 1.0), at(&batch.shares, 0.25)), (vec![5], vec![6], vec![4, 5, 6, 12]));
        assert_eq!(Batch::new(sequences.iter(), special, 16).length, 16);
    }

    #[test]
    fn epochs_differ_but_hold_every_sequence_once() {
        let sequences: Vec<Sequence> = (0..1003).map(|at| sequence(2, at % 37 + 1, &[])).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (first, second) = (shuffled_batches(&sequences, 16, &mut rng), shuffled_batches(&sequences, 16, &mut rng));
        assert_ne!(first, second);
        assert_eq!(first, shuffled_batches(&sequences, 16, &mut ChaCha8Rng::seed_from_u64(1)));
        for batches in [first, second, batches_by_length(&sequences, 16)] {
            assert_eq!(batches.len(), 63);
            let mut all = batches.concat();
            all.sort_unstable();
            assert_eq!(all, (0..1003).collect::<Vec<_>>());
        }
    }
}
