//! Attention weights: the masked softmax of scores, with dropout.

use burn::tensor::{Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::dropout::{Mask, mask_argument, mask_factors};
use super::launch::{array, cube_per_row, empty, vector_size};
use super::reductions::{cube_max, cube_sum, lane_sum};
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
    let (length, rows_per_sequence) = (shape[3], shape[1] * shape[2]);
    let vector = vector_size(&scores, length);
    // Without dropout, the second output is not written; a kernel must not be given one array twice.
    let dropped = if dropout.is_some() { output.clone() } else { empty(&scores, Shape::new([vector]), scores.dtype) };
    let (count, dim, per_unit) = cube_per_row(&scores, shape[0] * rows_per_sequence, length / vector);
    attention_weights_kernel::launch(
        &scores.client,
        count,
        dim,
        vector,
        array(&scores),
        array(&lengths),
        array(&softmax),
        array(&dropped),
        length / vector,
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
    let vector = vector_size(&softmax, shape[3]);
    let (count, dim, per_unit) = cube_per_row(&softmax, shape[0] * shape[1] * shape[2], shape[3] / vector);
    attention_weights_backward_kernel::launch(
        &softmax.client,
        count,
        dim,
        vector,
        array(&softmax),
        array(&gradient),
        array(&out),
        shape[3] / vector,
        score_scale,
        mask_argument(dropout),
        per_unit,
        softmax.dtype.into(),
    );
    out
}

/// A cube computes a row: the weights of all keys for one query of one head. `columns` counts vectors.
#[cube(launch)]
fn attention_weights_kernel<F: Float, N: Size>(
    scores: &Array<Vector<F, N>>,
    lengths: &Array<i32>,
    softmax: &mut Array<Vector<F, N>>,
    dropped: &mut Array<Vector<F, N>>,
    columns: usize,
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
    let first = row * columns;
    let mut values = Array::<Vector<f32, N>>::new(per_unit);
    let mut top = f32::min_value();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        let mut value = Vector::<f32, N>::new(f32::min_value());
        if column < columns {
            let score = Vector::<f32, N>::cast_from(scores[first + column]);
            #[unroll]
            for lane in 0..N::value() {
                if column * N::value() + lane < real {
                    value[lane] = score[lane] * score_scale;
                    top = max(top, value[lane]);
                }
            }
        }
        values[part] = value;
    }
    let top = cube_max(top);
    let mut sum = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        let mut value = Vector::<f32, N>::new(0.0f32);
        #[unroll]
        for lane in 0..N::value() {
            if column * N::value() + lane < real {
                value[lane] = (values[part][lane] - top).exp();
                sum += value[lane];
            }
        }
        values[part] = value;
    }
    let inverse = Vector::<f32, N>::new(1.0f32 / cube_sum(sum));
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < columns {
            let at = first + column;
            let value = values[part] * inverse;
            softmax[at] = Vector::cast_from(value);
            if comptime!(drops) {
                dropped[at] = Vector::cast_from(value * mask_factors::<N>(mask, at));
            }
        }
    }
}

/// A cube computes the gradient of a row of scores. `columns` counts vectors.
#[cube(launch)]
fn attention_weights_backward_kernel<F: Float, N: Size>(
    softmax: &Array<Vector<F, N>>,
    gradient: &Array<Vector<F, N>>,
    out: &mut Array<Vector<F, N>>,
    columns: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let first = CUBE_POS * columns;
    if first >= softmax.len() {
        terminate!();
    }
    let mut values = Array::<Vector<f32, N>>::new(per_unit);
    let mut product = Vector::<f32, N>::new(0.0f32);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = Vector::<f32, N>::new(0.0f32);
        if column < columns {
            let at = first + column;
            values[part] = Vector::<f32, N>::cast_from(gradient[at]) * mask_factors::<N>(mask, at);
            product += values[part] * Vector::cast_from(softmax[at]);
        }
    }
    let mean = Vector::<f32, N>::new(cube_sum(lane_sum::<N>(product)));
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < columns {
            let at = first + column;
            let scaled = Vector::<f32, N>::cast_from(softmax[at]) * Vector::<f32, N>::new(score_scale);
            out[at] = Vector::cast_from(scaled * (values[part] - mean));
        }
    }
}
