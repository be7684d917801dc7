//! Attention weights: the masked softmax of scores, with dropout.

use burn::tensor::{Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::dropout::{Mask, mask_argument, mask_factor};
use super::launch::{array, cube_per_row, empty};
use super::reductions::{cube_max, cube_sum};
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::Dropout;

/// Softmax of `score_scale * scores` over the real tokens, then dropout, in the type of the scores.
///
/// # Shapes
/// `scores` and the result `[batch, heads, length, length]`, `lengths` `[batch]`.
pub fn attention_weights<R: CubeRuntime>(
    [scores]: [CubeTensor<R>; 1],
    lengths: CubeTensor<R>,
    score_scale: f32,
    dropout: Option<Dropout>,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let (scores, lengths) = (into_contiguous(scores), into_contiguous(lengths));
    let shape = scores.shape();
    let softmax = empty(&scores, shape.clone(), scores.dtype);
    let output = if dropout.is_some() { empty(&scores, shape.clone(), scores.dtype) } else { softmax.clone() };
    // Without dropout, the second output is not written; a kernel must not be given one array twice.
    let dropped = if dropout.is_some() { output.clone() } else { empty(&scores, Shape::new([1]), scores.dtype) };
    let (length, rows_per_sequence) = (shape[3], shape[1] * shape[2]);
    let (count, dim, per_unit) = cube_per_row(&scores, shape[0] * rows_per_sequence, length);
    attention_weights_kernel::launch(
        &scores.client,
        count,
        dim,
        array(&scores),
        array(&lengths),
        array(&softmax),
        array(&dropped),
        length,
        rows_per_sequence,
        score_scale,
        mask_argument(dropout),
        per_unit,
        dropout.is_some(),
        scores.dtype.into(),
    );
    let backward = move |gradient: CubeTensor<R>, _: [bool; 1]| [Some(attention_weights_backward(softmax, gradient, score_scale, dropout))];
    Operation { output, backward }
}

/// The gradient of the scores from that of the weights.
fn attention_weights_backward<R: CubeRuntime>(
    softmax: CubeTensor<R>,
    gradient: CubeTensor<R>,
    score_scale: f32,
    dropout: Option<Dropout>,
) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, softmax.dtype));
    let shape = softmax.shape();
    let out = empty(&softmax, shape.clone(), softmax.dtype);
    let (count, dim, per_unit) = cube_per_row(&softmax, shape[0] * shape[1] * shape[2], shape[3]);
    attention_weights_backward_kernel::launch(
        &softmax.client,
        count,
        dim,
        array(&softmax),
        array(&gradient),
        array(&out),
        shape[3],
        score_scale,
        mask_argument(dropout),
        per_unit,
        softmax.dtype.into(),
    );
    out
}

/// A cube computes a row: the weights of all keys for one query of one head.
#[cube(launch)]
fn attention_weights_kernel<F: Float>(
    scores: &Array<F>,
    lengths: &Array<i32>,
    softmax: &mut Array<F>,
    dropped: &mut Array<F>,
    length: usize,
    rows_per_sequence: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[comptime] drops: bool,
    #[define(F)] _dtype: StorageType,
) {
    let row = CUBE_POS;
    let sequence = row / rows_per_sequence;
    if sequence >= lengths.len() {
        terminate!();
    }
    let real = usize::cast_from(lengths[sequence]);
    let first = row * length;
    let mut values = Array::<f32>::new(per_unit);
    let mut top = f32::min_value();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = f32::min_value();
        if column < real {
            values[part] = f32::cast_from(scores[first + column]) * score_scale;
        }
        top = max(top, values[part]);
    }
    let top = cube_max(top);
    let mut sum = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < real {
            values[part] = (values[part] - top).exp();
            sum += values[part];
        }
    }
    let inverse = 1.0f32 / cube_sum(sum);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < length {
            let at = first + column;
            let mut value = 0.0f32;
            if column < real {
                value = values[part] * inverse;
            }
            softmax[at] = F::cast_from(value);
            if comptime!(drops) {
                dropped[at] = F::cast_from(value * mask_factor(mask, at));
            }
        }
    }
}

/// A cube computes the gradient of a row of scores.
#[cube(launch)]
fn attention_weights_backward_kernel<F: Float>(
    softmax: &Array<F>,
    gradient: &Array<F>,
    out: &mut Array<F>,
    length: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let first = CUBE_POS * length;
    if first >= softmax.len() {
        terminate!();
    }
    let mut values = Array::<f32>::new(per_unit);
    let mut product = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = 0.0f32;
        if column < length {
            let at = first + column;
            values[part] = f32::cast_from(gradient[at]) * mask_factor(mask, at);
            product += values[part] * f32::cast_from(softmax[at]);
        }
    }
    let mean = cube_sum(product);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < length {
            let at = first + column;
            out[at] = F::cast_from(score_scale * f32::cast_from(softmax[at]) * (values[part] - mean));
        }
    }
}
