//! Batches of sequences of similar length.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::encode::Sequence;
use crate::device::Device;
use crate::model::kernels::{Lookup, Padding, TokensOfRows};
use crate::model::{Input, Pairs, Target};

/// Steps whose sequences are sorted by length together: enough for little padding, few enough to stay random.
const STEPS_OF_A_BUCKET: usize = 50;

/// What a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchSize {
    /// So many sequences.
    Sequences(usize),
    /// So many word pieces, padding included.
    Tokens(usize),
}

impl BatchSize {
    /// Room for so many batches in one.
    #[must_use]
    pub fn times(self, factor: usize) -> Self {
        match self {
            Self::Sequences(size) => Self::Sequences(size * factor),
            Self::Tokens(tokens) => Self::Tokens(tokens * factor),
        }
    }

    /// Cuts a list of sequences, by their positions, into batches of this size.
    fn cut(self, sequences: &[Sequence], order: &[usize], device: Device) -> Vec<Vec<usize>> {
        match self {
            Self::Sequences(size) => order.chunks(size).map(<[usize]>::to_vec).collect(),
            Self::Tokens(tokens) => cut_where(order, |batch, next| {
                let longest = batch.iter().chain([&next]).map(|&at| sequences[at].length()).max().unwrap_or(0);
                device.padded(longest) * (batch.len() + 1) > tokens
            }),
        }
    }

    /// Cuts a shuffled list into the buckets that are sorted by length.
    fn buckets(self, sequences: &[Sequence], order: &[usize]) -> Vec<Vec<usize>> {
        match self.times(STEPS_OF_A_BUCKET) {
            Self::Sequences(size) => order.chunks(size).map(<[usize]>::to_vec).collect(),
            Self::Tokens(tokens) => {
                let mut filled = 0;
                cut_where(order, |_, next| {
                    filled += sequences[next].length();
                    let full = filled > tokens;
                    filled = if full { sequences[next].length() } else { filled };
                    full
                })
            }
        }
    }
}

/// Cuts before each element that does not go with those since the last cut.
fn cut_where(order: &[usize], mut ends: impl FnMut(&[usize], usize) -> bool) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for &next in order {
        match parts.last_mut() {
            Some(part) if !ends(part, next) => part.push(next),
            _ => parts.push(vec![next]),
        }
    }
    parts
}

/// A padded batch in the host's memory.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Sequences.
    pub size: usize,
    /// Pieces of each, padding included.
    pub length: usize,
    /// Rows of each sequence's context among all pieces of the batch.
    pub contexts: Vec<Range<usize>>,
    /// Positions of the sequences in their data set.
    pub numbers: Vec<usize>,
    /// First and last row of each answer, those of a sequence together.
    pub answers: Vec<[usize; 2]>,
    lengths: Vec<usize>,
    ids: Vec<i32>,
    segments: Vec<i32>,
    tokens: Arc<TokensOfRows>,
}

impl Batch {
    /// Takes the sequences at these positions and pads them to the longest, or to what the device wants for it.
    pub fn new(sequences: &[Sequence], numbers: &[usize], special: Specials, device: Device) -> Self {
        let sequences = numbers.iter().map(|&number| &sequences[number]);
        let size = sequences.len();
        let longest = sequences.clone().map(Sequence::length).max().unwrap_or(0);
        let length = device.padded(longest);
        let tokens = size * length;
        let mut batch = Self {
            size,
            length,
            contexts: Vec::with_capacity(size),
            numbers: numbers.to_vec(),
            answers: Vec::new(),
            lengths: sequences.clone().map(Sequence::length).collect(),
            ids: vec![special.pad as i32; tokens],
            segments: vec![0; tokens],
            tokens: Arc::default(),
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
            batch.contexts.push(from..to);
            let row_of = |piece: u32| from + piece as usize - sequence.window.start;
            batch.answers.extend(sequence.answers.iter().map(|&(first, last)| [row_of(first), row_of(last)]));
        }
        batch.tokens = Arc::new(TokensOfRows::new(&batch.ids, length, &batch.lengths));
        batch
    }

    /// The reader's input.
    pub fn input<B: Backend>(&self, device: &B::Device) -> Input<B> {
        let int = |values: &[i32]| Tensor::<B, 2, Int>::from_data(TensorData::new(values.to_vec(), [self.size, self.length]), device);
        Input {
            words: Lookup { ids: int(&self.ids), tokens: self.tokens.clone() },
            segments: int(&self.segments),
            padding: Padding::new(self.lengths.clone().into(), device),
        }
    }

    /// Pieces of its contexts, which the loss is a mean over.
    pub fn context_pieces(&self) -> usize {
        self.contexts.iter().map(Range::len).sum()
    }

    /// What it should be answered with, as a part of a step whose contexts have `pieces` pieces.
    pub fn target<B: Backend>(&self, pieces: usize, device: &B::Device) -> Target<B> {
        let tokens = self.size * self.length;
        let (mut starts, mut ends, mut shares) = (vec![-1.0; tokens], vec![-1.0; tokens], vec![0.0; tokens]);
        for &[first, last] in &self.answers {
            starts[first] = 1.0;
            ends[last] = 1.0;
        }
        let share = 1.0 / pieces.max(1) as f32;
        self.contexts.iter().for_each(|rows| shares[rows.clone()].fill(share));
        Target { start: floats(starts, device), end: floats(ends, device), share: floats(shares, device) }
    }

    /// What the pairs of its contexts' pieces should be answered with. An answer's pair weighs as much as its start does, and so
    /// does every other: the losses are summed over pairs, and divided by pieces.
    pub fn pairs<B: Backend>(&self, pieces: usize, device: &B::Device) -> Pairs<B> {
        let width = self.contexts.iter().map(Range::len).max().unwrap_or(0);
        let (mut sign, mut shares) = (vec![-1.0; self.size * width * width], vec![0.0; self.size * width * width]);
        let mut rows = Vec::with_capacity(self.size * width);
        let share = 1.0 / pieces.max(1) as f32;
        let mut answers = self.answers.iter().peekable();
        for (number, context) in self.contexts.iter().enumerate() {
            let at = |first: usize, last: usize| (number * width + first) * width + last;
            for first in 0..context.len() {
                shares[at(first, first)..at(first, context.len())].fill(share);
            }
            while let Some(&[first, last]) = answers.next_if(|[first, _]| context.contains(first)) {
                sign[at(first - context.start, last - context.start)] = 1.0;
            }
            rows.extend((0..width).map(|piece| context.start.saturating_add(piece).min(self.size * self.length - 1) as i32));
        }
        let rows = Tensor::from_data(TensorData::new(rows, [self.size, width]), device);
        Pairs { rows, sign: floats(sign, device), share: floats(shares, device) }
    }

    /// Rows of one sequence's context: `[1, width]`.
    pub fn context_rows<B: Backend>(&self, number: usize, device: &B::Device) -> Tensor<B, 2, Int> {
        let rows: Vec<i32> = self.contexts[number].clone().map(|row| row as i32).collect();
        let width = rows.len();
        Tensor::from_data(TensorData::new(rows, [1, width]), device)
    }
}

fn floats<B: Backend>(values: Vec<f32>, device: &B::Device) -> Tensor<B, 1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
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

/// How an epoch is cut into steps, and those into batches.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// What a batch may hold.
    pub batch: BatchSize,
    /// Batches of a step.
    pub accumulate: usize,
    /// Where they are computed: what lengths are padded to.
    pub device: Device,
}

impl Steps {
    /// An epoch's steps, each as its batches of positions of sequences: shuffled, then sorted by length within buckets, then the
    /// bucket's steps shuffled again. Depends on the generator's state only; a step holds the same sequences in one batch as in
    /// several.
    pub fn of_epoch(self, sequences: &[Sequence], rng: &mut ChaCha8Rng) -> Vec<Vec<Vec<usize>>> {
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.shuffle(rng);
        let whole = self.batch.times(self.accumulate);
        let mut steps = Vec::new();
        for mut bucket in whole.buckets(sequences, &order) {
            bucket.sort_by_key(|&at| sequences[at].length());
            let mut of_bucket = whole.cut(sequences, &bucket, self.device);
            of_bucket.shuffle(rng);
            steps.extend(of_bucket.into_iter().map(|step| self.batch.cut(sequences, &step, self.device)));
        }
        steps
    }

    /// Steps of so many epochs from the generator's state on.
    pub fn count(self, sequences: &[Sequence], epochs: usize, mut rng: ChaCha8Rng) -> usize {
        match self.batch.times(self.accumulate) {
            BatchSize::Sequences(size) => sequences.len().div_ceil(size) * epochs,
            // How many there are depends on which sequences come together.
            BatchSize::Tokens(_) => (0..epochs).map(|_| self.of_epoch(sequences, &mut rng).len()).sum(),
        }
    }
}

/// Batches of sequences at these positions, for evaluation: by length, longest first, so that memory is at its peak at the start.
pub fn batches_by_length(sequences: &[Sequence], which: impl Iterator<Item = usize>, size: BatchSize, device: Device) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = which.collect();
    order.sort_by_key(|&at| std::cmp::Reverse(sequences[at].length()));
    size.cut(sequences, &order, device)
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer::Pieces;
    use super::*;
    use burn::backend::Flex;
    use rand::SeedableRng;

    fn sequence(query: usize, context: usize, answers: &[(u32, u32)]) -> Sequence {
        let pieces = |count: usize, first: u32| {
            let ids = (first..).take(count).collect();
            Arc::new(Pieces { ids, offsets: vec![(0, 0); count] })
        };
        Sequence { triple: 0, query: pieces(query, 10), context: pieces(context, 50), window: 0..context, answers: answers.to_vec() }
    }

    /// Where an iterator's elements are what is looked for.
    trait Positions: Iterator + Sized {
        fn positions(self, wanted: impl Fn(Self::Item) -> bool) -> Vec<usize> {
            self.enumerate().filter_map(|(at, item)| wanted(item).then_some(at)).collect()
        }
    }

    impl<I: Iterator> Positions for I {}

    #[test]
    fn a_batch_is_padded_to_its_longest() {
        let sequences = [sequence(2, 3, &[(1, 2)]), sequence(2, 1, &[])];
        let special = Specials { cls: 1, sep: 2, pad: 0 };
        let batch = Batch::new(&sequences, &[0, 1], special, Device::Cpu);
        assert_eq!((batch.size, batch.length), (2, 8));
        assert_eq!(batch.ids, [1, 10, 11, 2, 50, 51, 52, 2, 1, 10, 11, 2, 50, 2, 0, 0]);
        assert_eq!(batch.segments, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(batch.lengths, [8, 6]);
        assert_eq!((batch.contexts.clone(), batch.context_pieces()), (vec![4..7, 12..13], 4));
        assert_eq!(batch.answers, [[5, 6]]);
        let Target::<Flex> { start, end, share } = batch.target(8, &Default::default());
        let at = |values: Tensor<Flex, 1>, wanted: f32| values.into_data().to_vec::<f32>().unwrap().into_iter().positions(|v| v == wanted);
        assert_eq!((at(start, 1.0), at(end, 1.0), at(share, 0.125)), (vec![5], vec![6], vec![4, 5, 6, 12]));
        let Pairs::<Flex> { rows, sign, share } = batch.pairs(4, &Default::default());
        assert_eq!(rows.into_data().convert::<i64>().to_vec::<i64>().unwrap(), [4, 5, 6, 12, 13, 14]);
        assert_eq!((at(sign, 1.0), at(share, 0.25)), (vec![5], vec![0, 1, 2, 4, 5, 8, 9]));
        assert_eq!(Batch::new(&sequences, &[0, 1], special, Device::Cuda(0)).length, 16);
    }

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    #[test]
    fn epochs_differ_but_hold_every_sequence_once() {
        let sequences: Vec<Sequence> = (0..1003).map(|at| sequence(2, at % 37 + 1, &[])).collect();
        for (batch, accumulate) in [
            (BatchSize::Sequences(16), 1),
            (BatchSize::Sequences(5), 3),
            (BatchSize::Tokens(400), 1),
            (BatchSize::Tokens(130), 3),
            (BatchSize::Tokens(42), 1),
        ] {
            let steps = Steps { batch, accumulate, device: Device::Cpu };
            let mut generator = rng();
            let (first, second) = (steps.of_epoch(&sequences, &mut generator), steps.of_epoch(&sequences, &mut generator));
            assert_ne!(first, second);
            assert_eq!(first, steps.of_epoch(&sequences, &mut rng()));
            assert_eq!(first.len() + second.len(), steps.count(&sequences, 2, rng()));
            for epoch in [first, second, vec![batches_by_length(&sequences, 0..1003, batch, Device::Cpu)]] {
                for batch_of in epoch.concat() {
                    let longest = batch_of.iter().map(|&at| sequences[at].length()).max().unwrap();
                    match batch {
                        BatchSize::Sequences(size) => assert!(batch_of.len() <= size),
                        BatchSize::Tokens(tokens) => assert!(batch_of.len() * longest <= tokens),
                    }
                }
                let mut all = epoch.concat().concat();
                all.sort_unstable();
                assert_eq!(all, (0..1003).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_step_holds_the_same_sequences_in_one_batch_as_in_several() {
        let sequences: Vec<Sequence> = (0..1003).map(|at| sequence(2, at % 37 + 1, &[])).collect();
        for (whole, part) in [(BatchSize::Sequences(16), BatchSize::Sequences(4)), (BatchSize::Tokens(800), BatchSize::Tokens(200))] {
            let whole = Steps { batch: whole, accumulate: 1, device: Device::Cpu }.of_epoch(&sequences, &mut rng());
            let parts = Steps { batch: part, accumulate: 4, device: Device::Cpu }.of_epoch(&sequences, &mut rng());
            let joined = |steps: Vec<Vec<Vec<usize>>>| steps.into_iter().map(|step| step.concat()).collect::<Vec<_>>();
            assert!(parts.iter().any(|step| step.len() > 1));
            assert_eq!(joined(whole), joined(parts));
        }
    }

    #[test]
    fn token_budgets_leave_little_padding() {
        let sequences: Vec<Sequence> = (0..4000).map(|at| sequence(2, at * 7 % 100 + 1, &[])).collect();
        let steps = Steps { batch: BatchSize::Tokens(1000), accumulate: 1, device: Device::Cpu }.of_epoch(&sequences, &mut rng());
        let padded: usize = steps
            .concat()
            .iter()
            .map(|batch| Batch::new(&sequences, batch, Specials { cls: 1, sep: 2, pad: 0 }, Device::Cpu))
            .map(|batch| batch.size * batch.length)
            .sum();
        let real: usize = sequences.iter().map(Sequence::length).sum();
        assert!((padded as f64) < 1.06 * real as f64, "{padded} for {real}");
    }
}
