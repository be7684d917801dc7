//! Fused loops over `f32` slices, on all threads of the rayon pool.
//!
//! Results depend neither on the number of threads nor on the width of the processor's vectors: work is cut into chunks of a
//! fixed size, sums run over a fixed number of lanes, and no multiplication is fused with an addition.

use pulp::Arch;
use rayon::prelude::*;

use super::{AdamWStep, Dropout};

/// Elements of a chunk of work: some microseconds, and its buffers stay in the second-level cache.
const CHUNK: usize = 16 * 1024;

/// Lanes of a sum: two registers of the widest vectors in use.
const LANES: usize = 32;

/// Runs a loop compiled for the widest vectors that this processor has.
#[inline(always)]
fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(body)
}

/// `e^x` within 2 ulp, for any `x`; 0 below -87, as softmax wants it.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Cephes' expf: 2^n times a polynomial on ±ln(2)/2. Adding and subtracting 1.5 · 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut poly = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        poly = poly * r + coefficient;
    }
    let value = (poly * r * r + r + 1.0) * f32::from_bits(((n as i32 + 127) << 23) as u32);
    if x < -87.0 { 0.0 } else { value }
}

/// `Φ(x)`, the normal distribution's integral, within 2e-7, and its density `φ(x)`.
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    // Abramowitz and Stegun 7.1.26; its exponential is the density's.
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let bell = exp(-0.5 * x * x);
    let poly = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let tail = 0.5 * poly * bell;
    let phi = if x < 0.0 { tail } else { 1.0 - tail };
    (phi, bell * 0.398_942_3)
}

/// The factor of each element of a tensor under dropout: 0 or `1 / (1 - rate)`.
#[derive(Clone, Copy)]
pub(super) struct Keep {
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) threshold: u32,
    pub(super) scale: f32,
}

impl Keep {
    pub(super) fn new(dropout: Option<Dropout>) -> Self {
        let Dropout { rate, seed } = dropout.unwrap_or(Dropout { rate: 0.0, seed: 0 });
        let threshold = (f64::from(rate) * 4_294_967_296.0) as u32;
        Self { low: seed as u32, high: (seed >> 32) as u32, threshold, scale: 1.0 / (1.0 - rate) }
    }

    #[inline(always)]
    fn factor(self, index: usize) -> f32 {
        // MurmurHash3's finalizer of the position, keyed by the seed. One hash costs less than storing a mask.
        let mut hash = (index as u32 ^ self.high).wrapping_mul(0x9E37_79B1).wrapping_add(self.low);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
        hash ^= hash >> 16;
        if hash >= self.threshold { self.scale } else { 0.0 }
    }
}

#[inline(always)]
fn sum_of(length: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let whole = length / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    let mut total = 0.0;
    for sum in lanes {
        total += sum;
    }
    for at in whole..length {
        total += term(at);
    }
    total
}

fn rows_of_chunk(width: usize) -> usize {
    (CHUNK / width.max(1)).max(1)
}

/// `x Φ(x)`.
pub fn gelu(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| {
        vectorised(|| {
            for (out, &x) in out.iter_mut().zip(x) {
                *out = x * normal(x).0;
            }
        });
    });
    out
}

/// Turns the gradient of GELU's result into that of its input, in place.
pub fn gelu_backward(x: &[f32], gradient: &mut [f32]) {
    gradient.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(gradient, x)| {
        vectorised(|| {
            for (gradient, &x) in gradient.iter_mut().zip(x) {
                let (phi, density) = normal(x);
                *gradient *= phi + x * density;
            }
        });
    });
}

/// Dropout in place. Forward and backward are the same.
pub fn dropout(x: &mut [f32], dropout: Dropout) {
    let keep = Keep::new(Some(dropout));
    x.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| {
        vectorised(|| {
            for (at, x) in x.iter_mut().enumerate() {
                *x *= keep.factor(chunk * CHUNK + at);
            }
        });
    });
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
    let keep = Keep::new(dropout);
    let (mut out, mut normal, mut rstd) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len() / width]);
    let inputs = x.par_chunks(rows * width).zip(residual.par_chunks(rows * width));
    let outputs = out.par_chunks_mut(rows * width).zip(normal.par_chunks_mut(rows * width)).zip(rstd.par_chunks_mut(rows));
    inputs.zip(outputs).enumerate().for_each(|(chunk, ((x, residual), ((out, normal), rstd)))| {
        vectorised(|| {
            for (row, rstd) in rstd.iter_mut().enumerate() {
                let span = row * width..(row + 1) * width;
                let first = (chunk * rows + row) * width;
                let (x, residual, normal, out) = (&x[span.clone()], &residual[span.clone()], &mut normal[span.clone()], &mut out[span]);
                if dropout.is_some() {
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
        });
    });
    Normed { out, normal, rstd }
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
    let keep = Keep::new(dropout);
    let mut residual = vec![0.0; gradient.len()];
    let mut x = vec![0.0; if dropout.is_some() { gradient.len() } else { 0 }];
    let inputs = gradient.par_chunks(rows * width).zip(normal.par_chunks(rows * width)).zip(rstd.par_chunks(rows));
    let partial: Vec<(Vec<f32>, Vec<f32>)> = inputs
        .zip(residual.par_chunks_mut(rows * width))
        .map(|(((gradient, normal), rstd), out)| {
            vectorised(|| {
                let (mut weight_sum, mut bias_sum) = (vec![0.0; width], vec![0.0; width]);
                for (row, rstd) in rstd.iter().enumerate() {
                    let span = row * width..(row + 1) * width;
                    let (gradient, normal, out) = (&gradient[span.clone()], &normal[span.clone()], &mut out[span]);
                    for at in 0..width {
                        weight_sum[at] += gradient[at] * normal[at];
                        bias_sum[at] += gradient[at];
                        out[at] = gradient[at] * weight[at];
                    }
                    let mean = sum_of(width, |at| out[at]) / width as f32;
                    let slope = sum_of(width, |at| out[at] * normal[at]) / width as f32;
                    for (out, normal) in out.iter_mut().zip(normal) {
                        *out = rstd * (*out - mean - normal * slope);
                    }
                }
                (weight_sum, bias_sum)
            })
        })
        .collect();
    if dropout.is_some() {
        x.par_chunks_mut(CHUNK).zip(residual.par_chunks(CHUNK)).enumerate().for_each(|(chunk, (x, residual))| {
            vectorised(|| {
                for (at, (x, residual)) in x.iter_mut().zip(residual).enumerate() {
                    *x = residual * keep.factor(chunk * CHUNK + at);
                }
            });
        });
    }
    let (mut weight, mut bias) = (vec![0.0; width], vec![0.0; width]);
    for (weight_sum, bias_sum) in partial {
        for at in 0..width {
            weight[at] += weight_sum[at];
            bias[at] += bias_sum[at];
        }
    }
    NormGradients { x: dropout.is_some().then_some(x), residual, weight, bias }
}

/// Softmax of attention scores, `[batch, heads, length, length]`, over each sequence's real tokens.
///
/// Returns the probabilities and, where there is dropout, the same after it.
pub fn attention_weights(
    scores: &[f32],
    length: usize,
    lengths: &[usize],
    scale: f32,
    dropout: Option<Dropout>,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let rows = rows_of_chunk(length);
    let rows_of_sequence = scores.len() / length / lengths.len();
    let mut softmax = vec![0.0; scores.len()];
    softmax.par_chunks_mut(rows * length).zip(scores.par_chunks(rows * length)).enumerate().for_each(|(chunk, (out, scores))| {
        vectorised(|| {
            for (row, (out, scores)) in out.chunks_exact_mut(length).zip(scores.chunks_exact(length)).enumerate() {
                let real = lengths[(chunk * rows + row) / rows_of_sequence];
                let (out, scores) = (&mut out[..real], &scores[..real]);
                let mut lanes = [f32::MIN; LANES];
                for scores in scores.chunks(LANES) {
                    for (lane, &score) in lanes.iter_mut().zip(scores) {
                        *lane = if score > *lane { score } else { *lane };
                    }
                }
                let top = lanes.into_iter().fold(f32::MIN, f32::max) * scale;
                for (out, score) in out.iter_mut().zip(scores) {
                    *out = exp(score * scale - top);
                }
                let inverse = 1.0 / sum_of(real, |at| out[at]);
                for out in out.iter_mut() {
                    *out *= inverse;
                }
            }
        });
    });
    let dropped = dropout.map(|seeded| {
        let keep = Keep::new(Some(seeded));
        let mut dropped = vec![0.0; softmax.len()];
        dropped.par_chunks_mut(CHUNK).zip(softmax.par_chunks(CHUNK)).enumerate().for_each(|(chunk, (dropped, softmax))| {
            vectorised(|| {
                for (at, (dropped, softmax)) in dropped.iter_mut().zip(softmax).enumerate() {
                    *dropped = softmax * keep.factor(chunk * CHUNK + at);
                }
            });
        });
        dropped
    });
    (softmax, dropped)
}

/// Turns the gradient of [`attention_weights`]' result into that of the scores, in place.
pub fn attention_weights_backward(softmax: &[f32], gradient: &mut [f32], length: usize, scale: f32, dropout: Option<Dropout>) {
    let rows = rows_of_chunk(length);
    let keep = Keep::new(dropout);
    gradient.par_chunks_mut(rows * length).zip(softmax.par_chunks(rows * length)).enumerate().for_each(|(chunk, (gradient, softmax))| {
        vectorised(|| {
            for (row, (gradient, softmax)) in gradient.chunks_exact_mut(length).zip(softmax.chunks_exact(length)).enumerate() {
                if dropout.is_some() {
                    let first = (chunk * rows + row) * length;
                    for (at, gradient) in gradient.iter_mut().enumerate() {
                        *gradient *= keep.factor(first + at);
                    }
                }
                let mean = sum_of(length, |at| gradient[at] * softmax[at]);
                for (gradient, softmax) in gradient.iter_mut().zip(softmax) {
                    *gradient = scale * softmax * (*gradient - mean);
                }
            }
        });
    });
}

/// Column sums of rows as wide as `width`: the gradient of a bias.
pub fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let rows = rows_of_chunk(width);
    let partial: Vec<Vec<f32>> = x
        .par_chunks(rows * width)
        .map(|rows| {
            vectorised(|| {
                let mut sums = vec![0.0; width];
                for row in rows.chunks_exact(width) {
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
                sums
            })
        })
        .collect();
    let mut sums = vec![0.0; width];
    for partial in partial {
        for (sum, x) in sums.iter_mut().zip(partial) {
            *sum += x;
        }
    }
    sums
}

/// Adds the same row to each row.
pub fn add_row(x: &mut [f32], row: &[f32]) {
    let rows = rows_of_chunk(row.len());
    x.par_chunks_mut(rows * row.len()).for_each(|x| {
        vectorised(|| {
            for x in x.chunks_exact_mut(row.len()) {
                for (x, add) in x.iter_mut().zip(row) {
                    *x += add;
                }
            }
        });
    });
}

/// Sum of squares.
pub fn square_sum(x: &[f32]) -> f32 {
    let partial: Vec<f32> = x.par_chunks(CHUNK).map(|x| vectorised(|| sum_of(x.len(), |at| x[at] * x[at]))).collect();
    partial.into_iter().map(f64::from).sum::<f64>() as f32
}

/// One AdamW update in place, the gradient multiplied by `scale`.
pub fn adamw(param: &mut [f32], mean: &mut [f32], square: &mut [f32], gradient: &[f32], scale: f32, step: &AdamWStep) {
    let (unbias1, unbias2) = step.unbias();
    let (rate, root, shrink) = (step.lr / unbias1, 1.0 / unbias2.sqrt(), 1.0 - step.lr * step.decay);
    let states = param.par_chunks_mut(CHUNK).zip(mean.par_chunks_mut(CHUNK)).zip(square.par_chunks_mut(CHUNK));
    states.zip(gradient.par_chunks(CHUNK)).for_each(|(((param, mean), square), gradient)| {
        vectorised(|| {
            for (((param, mean), square), gradient) in param.iter_mut().zip(mean).zip(square).zip(gradient) {
                let gradient = gradient * scale;
                *mean = *mean * step.beta1 + gradient * (1.0 - step.beta1);
                *square = *square * step.beta2 + gradient * gradient * (1.0 - step.beta2);
                *param = *param * shrink - rate * *mean / (square.sqrt() * root + step.eps);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_normal_integral_are_close() {
        for step in -2000..=2000 {
            let x = step as f32 * 0.04;
            let (got, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got - expected).abs() <= 3e-7 * expected, "exp({x}) = {got}, expected {expected}");
        }
        assert_eq!((exp(f32::MIN), exp(-1e9), exp(0.0)), (0.0, 0.0, 1.0));
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.0, 0.158_655_25), (2.5, 0.993_790_3), (-9.0, 0.0)] {
            assert!((normal(x).0 - expected).abs() < 3e-7, "Φ({x}) = {}", normal(x).0);
        }
    }

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
