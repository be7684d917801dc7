//! `LayerNorm(dropout(x) + residual)` (Ba et al. 2016) in one pass over the rows.

use rayon::prelude::*;

use super::chunks::rows_per_chunk;
use super::dropout;
use super::reductions::sum_rows;
use super::simd::{sum_of, vectorised};
use crate::kernels::dropout::{Dropout, DropoutMask};

/// Result of [`add_norm`], with what its backward pass needs.
#[derive(Debug, Clone)]
pub struct Normalised {
    /// The result, `[rows, width]`.
    pub out: Vec<f32>,
    /// Normalised rows before weight and bias, `[rows, width]`.
    pub normal: Vec<f32>,
    /// `1 / sqrt(variance + eps)` of each row.
    pub inverse_deviation: Vec<f32>,
}

/// Gradients of [`add_norm`].
pub struct AddNormGradients {
    /// Of `x`; `None` without dropout, where it equals that of the residual.
    pub x: Option<Vec<f32>>,
    /// Of the residual.
    pub residual: Vec<f32>,
    /// Of the weight.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// `LayerNorm(dropout(x) + residual)` of rows as wide as `weight`.
pub fn add_norm(x: &[f32], residual: &[f32], weight: &[f32], bias: &[f32], eps: f32, dropout: Option<Dropout>) -> Normalised {
    let width = weight.len();
    let rows = rows_per_chunk(width);
    let mask = dropout.map(|dropout| DropoutMask::new(Some(dropout)));
    let (mut out, mut normal, mut inverse_deviation) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len() / width]);
    let inputs = x.par_chunks(rows * width).zip(residual.par_chunks(rows * width));
    let outputs = out.par_chunks_mut(rows * width).zip(normal.par_chunks_mut(rows * width)).zip(inverse_deviation.par_chunks_mut(rows));
    inputs.zip(outputs).enumerate().for_each(|(chunk, ((x, residual), ((out, normal), inverse_deviation)))| {
        norm_chunk([x, residual, weight, bias], [out, normal, inverse_deviation], eps, mask, chunk * rows * width);
    });
    Normalised { out, normal, inverse_deviation }
}

/// Gradients of [`add_norm`] from that of its result; `normal` and `inverse_deviation` are those of its [`Normalised`].
pub fn add_norm_backward(
    gradient: &[f32],
    normal: &[f32],
    inverse_deviation: &[f32],
    weight: &[f32],
    dropout: Option<Dropout>,
) -> AddNormGradients {
    let width = weight.len();
    let rows = rows_per_chunk(width);
    let mut residual = vec![0.0; gradient.len()];
    let inputs = gradient.par_chunks(rows * width).zip(normal.par_chunks(rows * width)).zip(inverse_deviation.par_chunks(rows));
    let partial: Vec<[Vec<f32>; 2]> = inputs
        .zip(residual.par_chunks_mut(rows * width))
        .map(|(((gradient, normal), inverse_deviation), out)| {
            let mut sums = [vec![0.0; width], vec![0.0; width]];
            let [weight_sum, bias_sum] = sums.each_mut().map(Vec::as_mut_slice);
            norm_backward_chunk([gradient, normal, inverse_deviation, weight], [out, weight_sum, bias_sum]);
            sums
        })
        .collect();
    let x = dropout.map(|dropout| dropout::dropout(&residual, dropout));
    let [weight, bias] = [0, 1].map(|which| sum_rows(width, partial.iter().map(|sums| &*sums[which])));
    AddNormGradients { x, residual, weight, bias }
}

vectorised! {
    fn norm_chunk<'a>(inputs: [&'a [f32]; 4], outputs: [&'a mut [f32]; 3], eps: f32, mask: Option<DropoutMask>, first: usize) {
        let ([x, residual, weight, bias], [out, normal, inverse_deviation]) = (inputs, outputs);
        let width = weight.len();
        for (row, inverse_deviation) in inverse_deviation.iter_mut().enumerate() {
            let span = row * width..(row + 1) * width;
            let first = first + row * width;
            let (x, residual, normal, out) = (&x[span.clone()], &residual[span.clone()], &mut normal[span.clone()], &mut out[span]);
            if let Some(mask) = mask {
                for (at, ((sum, x), residual)) in normal.iter_mut().zip(x).zip(residual).enumerate() {
                    *sum = x * mask.factor(first + at) + residual;
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
            *inverse_deviation = 1.0 / (variance + eps).sqrt();
            for (((out, normal), weight), bias) in out.iter_mut().zip(normal).zip(weight).zip(bias) {
                *normal *= *inverse_deviation;
                *out = *normal * weight + bias;
            }
        }
    }

    fn norm_backward_chunk<'a>(inputs: [&'a [f32]; 4], outputs: [&'a mut [f32]; 3]) {
        let ([gradient, normal, inverse_deviation, weight], [out, weight_sum, bias_sum]) = (inputs, outputs);
        let width = weight.len();
        for (row, inverse_deviation) in inverse_deviation.iter().enumerate() {
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
                *out = inverse_deviation * (*out - mean - normal * slope);
            }
        }
    }
}
