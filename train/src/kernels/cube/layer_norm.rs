//! `LayerNorm(dropout(x) + residual)`.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::dropout::{Mask, mask_argument, mask_factor};
use super::launch::{array, cube_per_row, empty, rows_and_columns};
use super::reductions::{column_sums_with_products, cube_sum};
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::Dropout;

/// `LayerNorm(dropout(x) + residual)` in f32, with inputs `[x, residual, weight, bias]`.
///
/// # Shapes
/// `[rows, width]` twice and `[width]` twice; the result `[rows, width]`.
pub fn add_norm<R: CubeRuntime>(
    [x, residual, weight, bias]: [CubeTensor<R>; 4],
    eps: f32,
    dropout: Option<Dropout>,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 4>> {
    let x_type = x.dtype;
    let (x, residual) = (into_contiguous(x), into_contiguous(cast(residual, DType::F32)));
    let (scale, shift) = (into_contiguous(weight.clone()), into_contiguous(bias));
    let (output, normal) = (empty(&x, x.shape(), DType::F32), empty(&x, x.shape(), DType::F32));
    let [rows, width] = rows_and_columns(&x);
    let inverse_deviation = empty(&x, Shape::new([rows]), DType::F32);
    let (count, dim, per_unit) = cube_per_row(&x, rows, width);
    add_norm_kernel::launch(
        &x.client,
        count,
        dim,
        array(&x),
        array(&residual),
        array(&scale),
        array(&shift),
        array(&output),
        array(&normal),
        array(&inverse_deviation),
        eps,
        mask_argument(dropout),
        per_unit,
        x.dtype.into(),
    );
    let backward = move |gradient: CubeTensor<R>, _: [bool; 4]| {
        add_norm_backward(gradient, normal, inverse_deviation, weight, x_type, dropout).map(Some)
    };
    Operation { output, backward }
}

/// Gradients of `x` (in its type), residual, weight and bias.
fn add_norm_backward<R: CubeRuntime>(
    gradient: CubeTensor<R>,
    normal: CubeTensor<R>,
    inverse_deviation: CubeTensor<R>,
    weight: CubeTensor<R>,
    x_type: DType,
    dropout: Option<Dropout>,
) -> [CubeTensor<R>; 4] {
    let (gradient, weight) = (into_contiguous(cast(gradient, DType::F32)), into_contiguous(weight));
    let [rows, width] = rows_and_columns(&gradient);
    let (x, residual) = (empty(&gradient, gradient.shape(), x_type), empty(&gradient, gradient.shape(), DType::F32));
    let (count, dim, per_unit) = cube_per_row(&gradient, rows, width);
    add_norm_backward_kernel::launch(
        &gradient.client,
        count,
        dim,
        array(&gradient),
        array(&normal),
        array(&inverse_deviation),
        array(&weight),
        array(&x),
        array(&residual),
        mask_argument(dropout),
        per_unit,
        x_type.into(),
    );
    let [weight, bias] = column_sums_with_products(gradient, normal);
    [x, residual, weight, bias]
}

/// A cube normalises a row.
#[cube(launch)]
fn add_norm_kernel<F: Float>(
    x: &Array<F>,
    residual: &Array<f32>,
    weight: &Array<f32>,
    bias: &Array<f32>,
    out: &mut Array<f32>,
    normal: &mut Array<f32>,
    inverse_deviation: &mut Array<f32>,
    eps: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = weight.len();
    let row = CUBE_POS;
    if row >= inverse_deviation.len() {
        terminate!();
    }
    let first = row * width;
    let mut values = Array::<f32>::new(per_unit);
    let mut sum = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = 0.0f32;
        if column < width {
            let at = first + column;
            values[part] = f32::cast_from(x[at]) * mask_factor(mask, at) + residual[at];
        }
        sum += values[part];
    }
    let mean = cube_sum(sum) / f32::cast_from(width);
    let mut squares = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            values[part] = values[part] - mean;
            squares += values[part] * values[part];
        }
    }
    let variance = cube_sum(squares) / f32::cast_from(width);
    let inverse = 1.0f32 / (variance + eps).sqrt();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            let value = values[part] * inverse;
            normal[first + column] = value;
            out[first + column] = value * weight[column] + bias[column];
        }
    }
    if UNIT_POS == 0 {
        inverse_deviation[row] = inverse;
    }
}

/// A cube computes the gradients of a row of `x` and of the residual.
#[cube(launch)]
fn add_norm_backward_kernel<F: Float>(
    gradient: &Array<f32>,
    normal: &Array<f32>,
    inverse_deviation: &Array<f32>,
    weight: &Array<f32>,
    x_gradient: &mut Array<F>,
    residual_gradient: &mut Array<f32>,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = weight.len();
    let row = CUBE_POS;
    if row >= inverse_deviation.len() {
        terminate!();
    }
    let first = row * width;
    let mut slopes = Array::<f32>::new(per_unit);
    let mut sum = 0.0f32;
    let mut product = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        slopes[part] = 0.0f32;
        if column < width {
            slopes[part] = gradient[first + column] * weight[column];
            product += slopes[part] * normal[first + column];
        }
        sum += slopes[part];
    }
    let mean = cube_sum(sum) / f32::cast_from(width);
    let slope = cube_sum(product) / f32::cast_from(width);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            let at = first + column;
            let value = inverse_deviation[row] * (slopes[part] - mean - normal[at] * slope);
            residual_gradient[at] = value;
            x_gradient[at] = F::cast_from(value * mask_factor(mask, at));
        }
    }
}
