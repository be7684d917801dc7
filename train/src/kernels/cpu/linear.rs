//! Linear layers ([`Kernels::affine`](crate::kernels::Kernels::affine)): the map `x · weight + bias` of rows and its gradients, by faer's matrix product on blocks of the result.
//!
//! Blocks have a fixed size, so that results do not depend on the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows of a block: enough that packing the other matrix for each block costs little.
const ROWS: usize = 512;

/// Rows of a block of the weight's gradient.
const WEIGHT_ROWS: usize = 192;

/// `x · weight + bias`.
///
/// # Shapes
/// `x` `[rows, in]`, `weight` `[in, out]`, `bias` `[out]`; the result `[rows, out]`.
pub fn affine(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let outputs = bias.len();
    let inputs = weight.len() / outputs;
    let mut out = bias.repeat(x.len() / inputs);
    let weight = MatRef::from_row_major_slice(weight, inputs, outputs);
    out.par_chunks_mut(ROWS * outputs).zip(x.par_chunks(ROWS * inputs)).for_each(|(out, x)| {
        let rows = x.len() / inputs;
        let x = MatRef::from_row_major_slice(x, rows, inputs);
        matmul(MatMut::from_row_major_slice_mut(out, rows, outputs), Accum::Add, x, weight, 1.0, Par::Seq);
    });
    out
}

/// Gradient of `x` from that of the result.
///
/// # Shapes
/// `gradient` `[rows, out]`, `weight` `[in, out]`; the result `[rows, in]`.
pub fn input_gradient(gradient: &[f32], weight: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = weight.len() / outputs;
    let mut out = vec![0.0; gradient.len() / outputs * inputs];
    let weight = MatRef::from_row_major_slice(weight, inputs, outputs).transpose();
    out.par_chunks_mut(ROWS * inputs).zip(gradient.par_chunks(ROWS * outputs)).for_each(|(out, gradient)| {
        let rows = gradient.len() / outputs;
        let gradient = MatRef::from_row_major_slice(gradient, rows, outputs);
        matmul(MatMut::from_row_major_slice_mut(out, rows, inputs), Accum::Replace, gradient, weight, 1.0, Par::Seq);
    });
    out
}

/// Gradient of the weight from that of the result.
///
/// # Shapes
/// `x` `[rows, in]`, `gradient` `[rows, out]`; the result `[in, out]`.
pub fn weight_gradient(x: &[f32], gradient: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let rows = x.len() / inputs;
    let (x, gradient) = (MatRef::from_row_major_slice(x, rows, inputs), MatRef::from_row_major_slice(gradient, rows, outputs));
    let mut out = vec![0.0; inputs * outputs];
    out.par_chunks_mut(WEIGHT_ROWS * outputs).enumerate().for_each(|(number, out)| {
        let columns = out.len() / outputs;
        let x = x.subcols(number * WEIGHT_ROWS, columns).transpose();
        matmul(MatMut::from_row_major_slice_mut(out, columns, outputs), Accum::Replace, x, gradient, 1.0, Par::Seq);
    });
    out
}
