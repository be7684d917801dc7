//! Scaled dot-product attention: scores, softmax, dropout and the product with the values, head by head, so that the scores of a head
//! stay in the cache.
//!
//! As in FlashAttention (Dao et al. 2022), the backward pass computes the scores again: that is faster than to store and fetch them.
//! Each head of each sequence is computed by one thread, so that results do not depend on the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::simd::{LANES, exp, sum_of, vectorised};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::dropout::{Dropout, DropoutMask};

/// Queries, keys and values, each `[batch * length, width]` with the heads side by side.
#[derive(Clone, Copy)]
pub struct Projections<'a> {
    /// Queries of all heads.
    pub query: &'a [f32],
    /// Keys of all heads.
    pub key: &'a [f32],
    /// Values of all heads.
    pub value: &'a [f32],
}

/// Attention over a padded batch.
#[derive(Clone, Copy)]
pub struct Attention<'a> {
    /// Sequences, tokens and heads.
    pub shape: AttentionShape,
    /// Real tokens of each sequence.
    pub lengths: &'a [usize],
    /// Dropout of the attention weights.
    pub dropout: Option<Dropout>,
}

/// Softmax statistics of each row of scores, for the backward pass: the largest scaled score, and one over the sum of exponentials.
pub type SoftmaxStatistics = Vec<[f32; 2]>;

/// One head of one sequence.
#[derive(Clone, Copy)]
struct Head<'a> {
    /// Queries of all tokens.
    query: MatRef<'a, f32>,
    /// Keys and values of the real tokens.
    key: MatRef<'a, f32>,
    value: MatRef<'a, f32>,
    /// Real tokens.
    real: usize,
    /// Position of the first score among those of all heads, for the dropout mask.
    first: usize,
    scale: f32,
    mask: Option<DropoutMask>,
}

impl Attention<'_> {
    /// The result, `[batch * length, width]`, and the softmax statistics that the backward pass needs.
    pub fn forward(self, inputs: Projections<'_>) -> (Vec<f32>, SoftmaxStatistics) {
        let AttentionShape { length, .. } = self.shape;
        let mut out = vec![0.0; inputs.query.len()];
        let mut statistics: SoftmaxStatistics = vec![[0.0; 2]; self.shape.batch * self.shape.heads * length];
        self.columns(&mut out).into_par_iter().zip(statistics.par_chunks_mut(length)).enumerate().for_each_init(
            Vec::new,
            |weights, work| {
                let (number, (out, statistics)) = work;
                let head = self.head(inputs, number);
                head.scores(weights);
                softmax(weights, statistics, head.real, head.scale);
                if let Some(mask) = head.mask {
                    drop_out(weights, mask, head.first, [head.real, length]);
                }
                matmul(out, Accum::Replace, matrix(weights, length), head.value, 1.0, Par::Seq);
            },
        );
        (out, statistics)
    }

    /// Gradients of queries, keys and values from that of the result.
    pub fn backward(self, inputs: Projections<'_>, statistics: &SoftmaxStatistics, gradient: &[f32]) -> [Vec<f32>; 3] {
        let AttentionShape { length, .. } = self.shape;
        let mut gradients: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; gradient.len()]);
        let [query, key, value] = gradients.each_mut().map(|gradient| self.columns(gradient));
        let outputs = query.into_par_iter().zip(key).zip(value).zip(statistics.par_chunks(length)).enumerate();
        outputs.for_each_init(Default::default, |(weights, dropped, slopes): &mut (Vec<f32>, Vec<f32>, Vec<f32>), work| {
            let (number, (((query, key), value), statistics)) = work;
            let head = self.head(inputs, number);
            let gradient = self.head(Projections { query: gradient, ..inputs }, number).query;
            head.scores(weights);
            dropped.resize(weights.len(), 0.0);
            softmax_from_statistics(weights, dropped, statistics, head.scale, head.mask, head.first, [head.real, length]);
            // Keys and values of padding have no gradient: no token attends to them.
            let rows = |all| MatMut::subrows_mut(all, 0, head.real);
            matmul(rows(value), Accum::Replace, matrix(dropped, length).transpose(), gradient, 1.0, Par::Seq);
            slopes.resize(weights.len(), 0.0);
            matmul(matrix_mut(slopes, length), Accum::Replace, gradient, head.value.transpose(), 1.0, Par::Seq);
            softmax_backward(slopes, weights, dropped, head.real, head.scale);
            matmul(query, Accum::Replace, matrix(slopes, length), head.key, 1.0, Par::Seq);
            matmul(rows(key), Accum::Replace, matrix(slopes, length).transpose(), head.query, 1.0, Par::Seq);
        });
        gradients
    }

    /// The columns of each head of each sequence, as matrices of `[length, width / heads]`.
    fn columns(self, hidden: &mut [f32]) -> Vec<MatMut<'_, f32>> {
        let AttentionShape { batch, length, heads } = self.shape;
        let width = hidden.len() / (batch * length);
        let mut columns = Vec::with_capacity(batch * heads);
        for sequence in hidden.chunks_exact_mut(length * width) {
            let mut rest = MatMut::from_row_major_slice_mut(sequence, length, width);
            for _ in 0..heads {
                let (head, more) = rest.split_at_col_mut(width / heads);
                columns.push(head);
                rest = more;
            }
        }
        columns
    }

    fn head<'a>(&self, inputs: Projections<'a>, number: usize) -> Head<'a> {
        let AttentionShape { batch, length, heads } = self.shape;
        let width = inputs.query.len() / (batch * length);
        let (sequence, head, size) = (number / heads, number % heads, width / heads);
        let real = self.lengths[sequence];
        let columns = |hidden, rows| {
            let all = MatRef::from_row_major_slice(hidden, batch * length, width);
            all.submatrix(sequence * length, head * size, rows, size)
        };
        Head {
            query: columns(inputs.query, length),
            key: columns(inputs.key, real),
            value: columns(inputs.value, real),
            real,
            first: number * length * length,
            scale: (size as f32).sqrt().recip(),
            mask: self.dropout.map(|dropout| DropoutMask::new(Some(dropout))),
        }
    }
}

impl Head<'_> {
    fn length(&self) -> usize {
        self.query.nrows()
    }

    /// Unscaled scores: the product of each query with each real key.
    fn scores(&self, scores: &mut Vec<f32>) {
        scores.resize(self.length() * self.real, 0.0);
        matmul(matrix_mut(scores, self.length()), Accum::Replace, self.query, self.key.transpose(), 1.0, Par::Seq);
    }
}

vectorised! {
    /// Softmax of the scaled scores of each row, in place; fills in the statistics.
    fn softmax<'a>(scores: &'a mut [f32], statistics: &'a mut [[f32; 2]], real: usize, scale: f32) {
        for (row, statistics) in scores.chunks_exact_mut(real).zip(statistics) {
            let mut lanes = [f32::MIN; LANES];
            for scores in row.chunks(LANES) {
                for (lane, &score) in lanes.iter_mut().zip(scores) {
                    *lane = if score > *lane { score } else { *lane };
                }
            }
            let mut top = f32::MIN;
            for lane in lanes {
                top = if lane > top { lane } else { top };
            }
            let top = top * scale;
            for score in row.iter_mut() {
                *score = exp(*score * scale - top);
            }
            let inverse = 1.0 / sum_of(real, |at| row[at]);
            for weight in row.iter_mut() {
                *weight *= inverse;
            }
            *statistics = [top, inverse];
        }
    }

    fn drop_out<'a>(weights: &'a mut [f32], mask: DropoutMask, first: usize, widths: [usize; 2]) {
        let [real, length] = widths;
        for (row, weights) in weights.chunks_exact_mut(real).enumerate() {
            let first = first + row * length;
            for (at, weight) in weights.iter_mut().enumerate() {
                *weight *= mask.factor(first + at);
            }
        }
    }

    /// The same softmax from its statistics, and beside it the softmax after dropout.
    fn softmax_from_statistics<'a>(
        scores: &'a mut [f32],
        dropped: &'a mut [f32],
        statistics: &'a [[f32; 2]],
        scale: f32,
        mask: Option<DropoutMask>,
        first: usize,
        widths: [usize; 2],
    ) {
        let [real, length] = widths;
        let rows = scores.chunks_exact_mut(real).zip(dropped.chunks_exact_mut(real)).zip(statistics).enumerate();
        for (row, ((scores, dropped), &[top, inverse])) in rows {
            for score in scores.iter_mut() {
                *score = exp(*score * scale - top) * inverse;
            }
            match mask {
                Some(mask) => {
                    let first = first + row * length;
                    for (at, (dropped, weight)) in dropped.iter_mut().zip(scores).enumerate() {
                        *dropped = *weight * mask.factor(first + at);
                    }
                }
                None => dropped.copy_from_slice(scores),
            }
        }
    }

    /// Turns the gradients of the weights after dropout into those of the scores, in place.
    fn softmax_backward<'a>(gradients: &'a mut [f32], weights: &'a [f32], dropped: &'a [f32], real: usize, scale: f32) {
        let rows = gradients.chunks_exact_mut(real).zip(weights.chunks_exact(real)).zip(dropped.chunks_exact(real));
        for ((gradients, weights), dropped) in rows {
            let mean = sum_of(real, |at| gradients[at] * dropped[at]);
            for ((gradient, weight), dropped) in gradients.iter_mut().zip(weights).zip(dropped) {
                *gradient = scale * (*gradient * dropped - weight * mean);
            }
        }
    }
}

fn matrix(values: &[f32], rows: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, rows, values.len() / rows)
}

fn matrix_mut(values: &mut [f32], rows: usize) -> MatMut<'_, f32> {
    let columns = values.len() / rows;
    MatMut::from_row_major_slice_mut(values, rows, columns)
}
