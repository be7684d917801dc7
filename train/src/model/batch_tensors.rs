//! Batches in host memory to tensors on a device.

use std::ops::Range;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use super::bert::BertInput;
use super::loss::{BoundaryTargets, SpanTargets};
use crate::data::{Batch, PaddingRule};
use crate::device::Device;
use crate::kernels::{EmbeddingLookup, Padding};

impl From<Device> for PaddingRule {
    /// How batches for this device are padded.
    fn from(device: Device) -> Self {
        if device.is_gpu() { Self::FewLengths } else { Self::Longest }
    }
}

impl<B: Backend> BertInput<B> {
    /// The encoder's input for a batch.
    pub fn from_batch(batch: &Batch, device: &B::Device) -> Self {
        let ints = |values: &[i32]| Tensor::<B, 2, Int>::from_data(TensorData::new(values.to_vec(), [batch.size, batch.length]), device);
        Self {
            words: EmbeddingLookup { ids: ints(&batch.ids), tokens: batch.token_index.clone() },
            segments: ints(&batch.segments),
            padding: Padding::new(batch.lengths.clone().into(), device),
        }
    }
}

impl<B: Backend> BoundaryTargets<B> {
    /// Targets for a batch that is part of a step whose contexts have `word_pieces` word pieces: the loss is a mean over the step.
    pub fn from_batch(batch: &Batch, word_pieces: usize, device: &B::Device) -> Self {
        let rows = batch.size * batch.length;
        let (mut starts, mut ends, mut weights) = (vec![-1.0; rows], vec![-1.0; rows], vec![0.0; rows]);
        for &[first, last] in &batch.answers {
            starts[first] = 1.0;
            ends[last] = 1.0;
        }
        let weight = 1.0 / word_pieces.max(1) as f32;
        batch.contexts.iter().for_each(|rows| weights[rows.clone()].fill(weight));
        Self { start: floats(starts, device), end: floats(ends, device), share: floats(weights, device) }
    }
}

impl<B: Backend> SpanTargets<B> {
    /// Targets for the pairs of word pieces of a batch's contexts, as part of a step whose contexts have `word_pieces` word pieces.
    ///
    /// The losses of pairs are summed and divided by the number of word pieces, not of pairs: so the pair of an answer weighs as
    /// much as the answer's start does.
    pub fn from_batch(batch: &Batch, word_pieces: usize, device: &B::Device) -> Self {
        let width = batch.contexts.iter().map(Range::len).max().unwrap_or(0);
        let pairs = batch.size * width * width;
        let (mut signs, mut weights) = (vec![-1.0; pairs], vec![0.0; pairs]);
        let mut rows = Vec::with_capacity(batch.size * width);
        let weight = 1.0 / word_pieces.max(1) as f32;
        let last_row = batch.size * batch.length - 1;
        let mut answers = batch.answers.iter().peekable();
        for (number, context) in batch.contexts.iter().enumerate() {
            let pair = |first: usize, last: usize| (number * width + first) * width + last;
            for first in 0..context.len() {
                weights[pair(first, first)..pair(first, context.len())].fill(weight);
            }
            while let Some(&[first, last]) = answers.next_if(|[first, _]| context.contains(first)) {
                signs[pair(first - context.start, last - context.start)] = 1.0;
            }
            rows.extend((0..width).map(|word_piece| (context.start + word_piece).min(last_row) as i32));
        }
        let rows = Tensor::from_data(TensorData::new(rows, [batch.size, width]), device);
        Self { rows, sign: floats(signs, device), share: floats(weights, device) }
    }
}

/// Rows of the context of sequence `number` of a batch: `[1, width]`.
pub fn context_rows<B: Backend>(batch: &Batch, number: usize, device: &B::Device) -> Tensor<B, 2, Int> {
    let rows: Vec<i32> = batch.contexts[number].clone().map(|row| row as i32).collect();
    let width = rows.len();
    Tensor::from_data(TensorData::new(rows, [1, width]), device)
}

fn floats<B: Backend>(values: Vec<f32>, device: &B::Device) -> Tensor<B, 1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sequence, SpecialTokens};
    use burn::backend::Flex;
    use std::sync::Arc;

    /// Two sequences, padded to 8: contexts of 3 and 1 word pieces at rows 4..7 and 12..13; an answer at rows 5..=6.
    fn batch() -> Batch {
        let text = |count: usize| -> Arc<[u32]> { vec![9; count].into() };
        let sequence = |length: usize, answers| {
            let (query, context) = (text(2), text(length));
            Sequence { triple: 0, query, context, window: 0..length, answers, answers_before: 0 }
        };
        let sequences = [sequence(3, vec![(1, 2)]), sequence(1, Vec::new())];
        Batch::new(&sequences, &[0, 1], SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest)
    }

    /// Indices at which a tensor has this value.
    fn indices(tensor: Tensor<Flex, 1>, value: f32) -> Vec<usize> {
        let values = tensor.into_data().to_vec::<f32>().unwrap();
        values.iter().enumerate().filter(|&(_, found)| *found == value).map(|(index, _)| index).collect()
    }

    #[test]
    fn boundary_targets_mark_starts_and_ends() {
        let BoundaryTargets::<Flex> { start, end, share } = BoundaryTargets::from_batch(&batch(), 8, &Default::default());
        assert_eq!((indices(start, 1.0), indices(end, 1.0), indices(share, 0.125)), (vec![5], vec![6], vec![4, 5, 6, 12]));
    }

    #[test]
    fn span_targets_mark_pairs() {
        let SpanTargets::<Flex> { rows, sign, share } = SpanTargets::from_batch(&batch(), 4, &Default::default());
        assert_eq!(rows.into_data().convert::<i64>().to_vec::<i64>().unwrap(), [4, 5, 6, 12, 13, 14]);
        // Pair (1, 2) of the first context; pairs on and above the diagonal of both contexts weigh.
        assert_eq!((indices(sign, 1.0), indices(share, 0.25)), (vec![5], vec![0, 1, 2, 4, 5, 8, 9]));
    }

    #[test]
    fn a_gpu_pads_to_few_lengths() {
        assert_eq!(PaddingRule::from(Device::Cpu), PaddingRule::Longest);
        assert_eq!(PaddingRule::from(Device::Cuda(1)), PaddingRule::FewLengths);
    }
}
