//! Fused loops over `f32` slices, on all threads of the rayon pool.
//!
//! Work is cut into chunks of a fixed size, so that results do not depend on the number of threads.

use rayon::prelude::*;

use super::vector::{Keep, normal, sum_of, vectorised};
use super::{AdamWStep, Dropout};

/// Elements of a chunk of work: some microseconds, and its buffers stay in the second-level cache.
const CHUNK: usize = 16 * 1024;

fn rows_of_chunk(width: usize) -> usize {
    (CHUNK / width.max(1)).max(1)
}

/// `x Φ(x)`.
pub fn gelu(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| gelu_chunk(out, x));
    out
}

/// Turns the gradient of GELU's result into that of its input, in place.
pub fn gelu_backward(x: &[f32], gradient: &mut [f32]) {
    gradient.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(gradient, x)| gelu_backward_chunk(gradient, x));
}

/// Dropout in place. Forward and backward are the same.
pub fn dropout(x: &mut [f32], dropout: Dropout) {
    let keep = Keep::new(Some(dropout));
    x.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| drop_chunk(x, keep, chunk * CHUNK));
}

vectorised! {
    fn gelu_chunk<'a>(out: &'a mut [f32], x: &'a [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x * normal(x).0;
        }
    }

    fn gelu_backward_chunk<'a>(gradient: &'a mut [f32], x: &'a [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let (phi, density) = normal(x);
            *gradient *= phi + x * density;
        }
    }

    fn drop_chunk<'a>(x: &'a mut [f32], keep: Keep, first: usize) {
        for (at, x) in x.iter_mut().enumerate() {
            *x *= keep.factor(first + at);
        }
    }
}

/// What LayerNorm's backward pass needs of its forward pass.
#[derive(Debug, Clone)]
pub struct Normed {
    /// The result.
    pub out: Vec<f32>,
    /// Normalised rows before weight and bias.
    pub normal: Vec<f32>,
    /// `1 / sqrt(variance + eps)` of each row.
    pub rstd: Vec<f32>,
}

/// `LayerNorm(dropout(x) + residual)` by rows as wide as `weight`.
pub fn add_norm(x: &[f32], residual: &[f32], weight: &[f32], bias: &[f32], eps: f32, dropout: Option<Dropout>) -> Normed {
    let width = weight.len();
    let rows = rows_of_chunk(width);
    let keep = dropout.map(|dropout| Keep::new(Some(dropout)));
    let (mut out, mut normal, mut rstd) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len() / width]);
    let inputs = x.par_chunks(rows * width).zip(residual.par_chunks(rows * width));
    let outputs = out.par_chunks_mut(rows * width).zip(normal.par_chunks_mut(rows * width)).zip(rstd.par_chunks_mut(rows));
    inputs.zip(outputs).enumerate().for_each(|(chunk, ((x, residual), ((out, normal), rstd)))| {
        norm_chunk([x, residual, weight, bias], [out, normal, rstd], eps, keep, chunk * rows * width);
    });
    Normed { out, normal, rstd }
}

vectorised! {
    fn norm_chunk<'a>(inputs: [&'a [f32]; 4], outputs: [&'a mut [f32]; 3], eps: f32, keep: Option<Keep>, first: usize) {
        let ([x, residual, weight, bias], [out, normal, rstd]) = (inputs, outputs);
        let width = weight.len();
        for (row, rstd) in rstd.iter_mut().enumerate() {
            let span = row * width..(row + 1) * width;
            let first = first + row * width;
            let (x, residual, normal, out) = (&x[span.clone()], &residual[span.clone()], &mut normal[span.clone()], &mut out[span]);
            if let Some(keep) = keep {
                for (at, ((sum, x), residual)) in normal.iter_mut().zip(x).zip(residual).enumerate() {
                    *sum = x * keep.factor(first + at) + residual;
                }
            } else {
                for ((sum, x), residual) in normal.iter_mut().zip(x).zip(residual) {
                    *sum = x + residual;
                }
            }
            let mean = sum_of(width, |at| normal[at]) / width as f32;
            for sum in normal.iter_mut() {
                *sum -= mean;
            }
            let variance = sum_of(width, |at| normal[at] * normal[at]) / width as f32;
            *rstd = 1.0 / (variance + eps).sqrt();
            for (((out, normal), weight), bias) in out.iter_mut().zip(normal).zip(weight).zip(bias) {
                *normal *= *rstd;
                *out = *normal * weight + bias;
            }
        }
    }
}

/// Gradients of [`add_norm`].
pub struct NormGradients {
    /// Of `x`; nothing where it equals that of the residual, as there was no dropout.
    pub x: Option<Vec<f32>>,
    /// Of the residual.
    pub residual: Vec<f32>,
    /// Of the weight.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// Gradients of [`add_norm`] from that of its result; `normal` and `rstd` are its [`Normed`].
pub fn add_norm_backward(gradient: &[f32], normal: &[f32], rstd: &[f32], weight: &[f32], dropout: Option<Dropout>) -> NormGradients {
    let width = weight.len();
    let rows = rows_of_chunk(width);
    let mut residual = vec![0.0; gradient.len()];
    let inputs = gradient.par_chunks(rows * width).zip(normal.par_chunks(rows * width)).zip(rstd.par_chunks(rows));
    let partial: Vec<[Vec<f32>; 2]> = inputs
        .zip(residual.par_chunks_mut(rows * width))
        .map(|(((gradient, normal), rstd), out)| {
            let mut sums = [vec![0.0; width], vec![0.0; width]];
            let [weight_sum, bias_sum] = sums.each_mut().map(Vec::as_mut_slice);
            norm_backward_chunk([gradient, normal, rstd, weight], [out, weight_sum, bias_sum]);
            sums
        })
        .collect();
    let x = dropout.map(|dropout| {
        let keep = Keep::new(Some(dropout));
        let mut x = vec![0.0; gradient.len()];
        let chunks = x.par_chunks_mut(CHUNK).zip(residual.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (x, residual))| dropped_chunk(x, residual, keep, chunk * CHUNK));
        x
    });
    let [weight, bias] = [0, 1].map(|which| total(width, partial.iter().map(|sums| &sums[which])));
    NormGradients { x, residual, weight, bias }
}

vectorised! {
    fn norm_backward_chunk<'a>(inputs: [&'a [f32]; 4], outputs: [&'a mut [f32]; 3]) {
        let ([gradient, normal, rstd, weight], [out, weight_sum, bias_sum]) = (inputs, outputs);
        let width = weight.len();
        for (row, rstd) in rstd.iter().enumerate() {
            let span = row * width..(row + 1) * width;
            let (gradient, normal, out) = (&gradient[span.clone()], &normal[span.clone()], &mut out[span]);
            for ((sum, gradient), normal) in weight_sum.iter_mut().zip(gradient).zip(normal) {
                *sum += gradient * normal;
            }
            for (sum, gradient) in bias_sum.iter_mut().zip(gradient) {
                *sum += gradient;
            }
            for ((out, gradient), weight) in out.iter_mut().zip(gradient).zip(weight) {
                *out = gradient * weight;
            }
            let mean = sum_of(width, |at| out[at]) / width as f32;
            let slope = sum_of(width, |at| out[at] * normal[at]) / width as f32;
            for (out, normal) in out.iter_mut().zip(normal) {
                *out = rstd * (*out - mean - normal * slope);
            }
        }
    }

    fn dropped_chunk<'a>(out: &'a mut [f32], x: &'a [f32], keep: Keep, first: usize) {
        for (at, (out, x)) in out.iter_mut().zip(x).enumerate() {
            *out = x * keep.factor(first + at);
        }
    }
}

/// Column sums of rows as wide as `width`: the gradient of a bias.
pub fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let sums = |rows: &[f32]| {
        let mut sums = vec![0.0; width];
        sum_chunk(&mut sums, rows);
        sums
    };
    let partial: Vec<Vec<f32>> = x.par_chunks(rows_of_chunk(width) * width).map(sums).collect();
    total(width, partial.iter())
}

/// Sum of vectors, one after the other.
fn total<'a>(width: usize, vectors: impl Iterator<Item = &'a Vec<f32>>) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    vectors.for_each(|vector| sum_chunk(&mut sums, vector));
    sums
}

/// Sum of squares.
pub fn square_sum(x: &[f32]) -> f32 {
    let square_sum = |x: &[f32]| {
        let mut sum = 0.0;
        square_chunk(&mut sum, x);
        f64::from(sum)
    };
    // In order: a parallel sum would not be.
    let partial: Vec<f64> = x.par_chunks(CHUNK).map(square_sum).collect();
    partial.into_iter().sum::<f64>() as f32
}

/// One AdamW update in place, the gradient multiplied by `scale`.
pub fn adamw(param: &mut [f32], mean: &mut [f32], square: &mut [f32], gradient: &[f32], scale: f32, step: &AdamWStep) {
    let states = param.par_chunks_mut(CHUNK).zip(mean.par_chunks_mut(CHUNK)).zip(square.par_chunks_mut(CHUNK));
    states.zip(gradient.par_chunks(CHUNK)).for_each(|(((param, mean), square), gradient)| {
        adamw_chunk([param, mean, square], gradient, scale, *step);
    });
}

vectorised! {
    fn sum_chunk<'a>(sums: &'a mut [f32], rows: &'a [f32]) {
        for row in rows.chunks_exact(sums.len()) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }

    fn square_chunk<'a>(sum: &'a mut f32, x: &'a [f32]) {
        *sum = sum_of(x.len(), |at| x[at] * x[at]);
    }

    fn adamw_chunk<'a>(states: [&'a mut [f32]; 3], gradient: &'a [f32], scale: f32, step: AdamWStep) {
        let [param, mean, square] = states;
        let (unbias1, unbias2) = step.unbias();
        let (rate, root, shrink) = (step.lr / unbias1, 1.0 / unbias2.sqrt(), 1.0 - step.lr * step.decay);
        for (((param, mean), square), gradient) in param.iter_mut().zip(mean).zip(square).zip(gradient) {
            let gradient = gradient * scale;
            *mean = *mean * step.beta1 + gradient * (1.0 - step.beta1);
            *square = *square * step.beta2 + gradient * gradient * (1.0 - step.beta2);
            *param = *param * shrink - rate * *mean / (square.sqrt() * root + step.eps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_the_share_and_the_mean() {
        let seeded = |seed| {
            let mut x = vec![1.0; 200_000];
            dropout(&mut x, Dropout { rate: 0.1, seed });
            x
        };
        let x = seeded(7);
        let dropped = x.iter().filter(|&&x| x == 0.0).count() as f32 / x.len() as f32;
        assert!((dropped - 0.1).abs() < 0.005, "{dropped} fell out");
        assert!((x.iter().sum::<f32>() / x.len() as f32 - 1.0).abs() < 0.005);
        assert_eq!(x, seeded(7));
        assert_ne!(x, seeded(8));
        // Neighbours fall out independently of each other.
        let both = x.windows(2).filter(|pair| pair == &[0.0, 0.0]).count() as f32 / x.len() as f32;
        assert!((both - 0.01).abs() < 0.002, "{both} fell out with their neighbour");
    }

    #[test]
    fn sums_do_not_depend_on_threads() {
        let x: Vec<f32> = (0..100_003).map(|at| (at as f32 * 0.37).sin()).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (square_sum(&x), column_sums(&x[..99_990], 33)))
        };
        assert_eq!(run(1), run(3));
    }
}
