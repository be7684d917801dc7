//! Attention of all heads: scores, softmax, dropout and the product with the values, of one head of one sequence after the other,
//! so that the scores never leave the cache.
//!
//! As in FlashAttention (Dao et al. 2022) the backward pass computes the scores again: that takes less time than to store and
//! fetch them. Nothing depends on the number of threads: a head is computed by one.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::vector::{Keep, LANES, exp, sum_of, vectorised};
use super::{Dropout, Heads};

/// Hidden states before attention, each `[batch * length, width]` with the heads side by side.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// What asks.
    pub query: &'a [f32],
    /// What is asked.
    pub key: &'a [f32],
    /// What is answered.
    pub value: &'a [f32],
}

/// How attention is computed.
#[derive(Clone, Copy)]
pub struct Attention<'a> {
    /// Sequences, tokens and heads.
    pub heads: Heads,
    /// Real tokens of each sequence.
    pub lengths: &'a [usize],
    /// Dropout of the weights.
    pub dropout: Option<Dropout>,
}

/// What the backward pass needs of each row of scores: the largest scaled score and one over the sum of exponentials.
pub type RowSums = Vec<[f32; 2]>;

/// One head of one sequence.
#[derive(Clone, Copy)]
struct Head<'a> {
    /// All tokens' queries, and keys and values of the real ones.
    query: MatRef<'a, f32>,
    key: MatRef<'a, f32>,
    value: MatRef<'a, f32>,
    /// Real tokens.
    real: usize,
    /// Position of its first score among all scores.
    first: usize,
    scale: f32,
    keep: Option<Keep>,
}

impl Attention<'_> {
    /// The result, `[batch * length, width]`, and what the backward pass needs.
    pub fn forward(self, states: States<'_>) -> (Vec<f32>, RowSums) {
        let Heads { length, .. } = self.heads;
        let mut out = vec![0.0; states.query.len()];
        let mut sums: RowSums = vec![[0.0; 2]; self.heads.batch * self.heads.heads * length];
        self.columns(&mut out).into_par_iter().zip(sums.par_chunks_mut(length)).enumerate().for_each_init(Vec::new, |weights, work| {
            let (number, (out, sums)) = work;
            let head = self.head(states, number);
            head.scores(weights);
            softmax(weights, sums, head.real, head.scale);
            if let Some(keep) = head.keep {
                drop_out(weights, keep, head.first, [head.real, length]);
            }
            matmul(out, Accum::Replace, matrix(weights, length), head.value, 1.0, Par::Seq);
        });
        (out, sums)
    }

    /// Gradients of query, key and value from that of the result.
    pub fn backward(self, states: States<'_>, sums: &RowSums, gradient: &[f32]) -> [Vec<f32>; 3] {
        let Heads { length, .. } = self.heads;
        let mut gradients: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; gradient.len()]);
        let [query, key, value] = gradients.each_mut().map(|gradient| self.columns(gradient));
        let outputs = query.into_par_iter().zip(key).zip(value).zip(sums.par_chunks(length)).enumerate();
        outputs.for_each_init(Default::default, |(weights, dropped, slopes): &mut (Vec<f32>, Vec<f32>, Vec<f32>), work| {
            let (number, (((query, key), value), sums)) = work;
            let head = self.head(states, number);
            let gradient = self.head(States { query: gradient, ..states }, number).query;
            head.scores(weights);
            dropped.resize(weights.len(), 0.0);
            softmax_again(weights, dropped, sums, head.scale, head.keep, head.first, [head.real, length]);
            // Rows of padding get nothing: no token looks at them.
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

    /// The columns of each head of each sequence.
    fn columns(self, states: &mut [f32]) -> Vec<MatMut<'_, f32>> {
        let Heads { batch, length, heads } = self.heads;
        let width = states.len() / (batch * length);
        let mut columns = Vec::with_capacity(batch * heads);
        for sequence in states.chunks_exact_mut(length * width) {
            let mut rest = MatMut::from_row_major_slice_mut(sequence, length, width);
            for _ in 0..heads {
                let (head, more) = rest.split_at_col_mut(width / heads);
                columns.push(head);
                rest = more;
            }
        }
        columns
    }

    fn head<'a>(&self, states: States<'a>, number: usize) -> Head<'a> {
        let Heads { batch, length, heads } = self.heads;
        let width = states.query.len() / (batch * length);
        let (sequence, head, size) = (number / heads, number % heads, width / heads);
        let real = self.lengths[sequence];
        let columns = |states, rows| {
            let all = MatRef::from_row_major_slice(states, batch * length, width);
            all.submatrix(sequence * length, head * size, rows, size)
        };
        Head {
            query: columns(states.query, length),
            key: columns(states.key, real),
            value: columns(states.value, real),
            real,
            first: number * length * length,
            scale: (size as f32).sqrt().recip(),
            keep: self.dropout.map(|dropout| Keep::new(Some(dropout))),
        }
    }
}

impl Head<'_> {
    fn length(&self) -> usize {
        self.query.nrows()
    }

    /// Products of each query with each real key.
    fn scores(&self, scores: &mut Vec<f32>) {
        scores.resize(self.length() * self.real, 0.0);
        matmul(matrix_mut(scores, self.length()), Accum::Replace, self.query, self.key.transpose(), 1.0, Par::Seq);
    }
}

vectorised! {
    /// Softmax of scaled scores by rows, in place.
    fn softmax<'a>(scores: &'a mut [f32], sums: &'a mut [[f32; 2]], real: usize, scale: f32) {
        for (row, sums) in scores.chunks_exact_mut(real).zip(sums) {
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
            *sums = [top, inverse];
        }
    }

    fn drop_out<'a>(weights: &'a mut [f32], keep: Keep, first: usize, widths: [usize; 2]) {
        let [real, length] = widths;
        for (row, weights) in weights.chunks_exact_mut(real).enumerate() {
            let first = first + row * length;
            for (at, weight) in weights.iter_mut().enumerate() {
                *weight *= keep.factor(first + at);
            }
        }
    }

    /// The same softmax, its sums being known, and beside it what dropout leaves of it.
    fn softmax_again<'a>(
        scores: &'a mut [f32],
        dropped: &'a mut [f32],
        sums: &'a [[f32; 2]],
        scale: f32,
        keep: Option<Keep>,
        first: usize,
        widths: [usize; 2],
    ) {
        let [real, length] = widths;
        let rows = scores.chunks_exact_mut(real).zip(dropped.chunks_exact_mut(real)).zip(sums).enumerate();
        for (row, ((scores, dropped), &[top, inverse])) in rows {
            for score in scores.iter_mut() {
                *score = exp(*score * scale - top) * inverse;
            }
            match keep {
                Some(keep) => {
                    let first = first + row * length;
                    for (at, (dropped, weight)) in dropped.iter_mut().zip(scores).enumerate() {
                        *dropped = *weight * keep.factor(first + at);
                    }
                }
                None => dropped.copy_from_slice(scores),
            }
        }
    }

    /// Turns gradients of the weights after dropout into those of the scores.
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
