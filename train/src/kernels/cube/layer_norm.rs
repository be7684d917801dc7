//! `LayerNorm(dropout(x) + residual)`, of a matrix or of its sum with a bias.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::dropout::{Mask, mask_argument, mask_factor};
use super::launch::{array, cube_per_row, empty, rows_and_columns};
use super::matmul::Factors;
use super::reductions::{cube_sum, fold_chunks};
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::Dropout;
use crate::kernels::precision::Precision;

/// Most cubes of a backward pass: each has rows of its own, and sums of columns that are added up afterwards.
const MOST_CUBES: usize = 512;

/// `LayerNorm(dropout(x) + residual)` in the type of `x`, with inputs `[x, residual, weight, bias]`.
///
/// # Shapes
/// `[rows, width]` twice and `[width]` twice; the result `[rows, width]`.
pub fn add_norm<R: CubeRuntime>(
    [x, residual, weight, bias]: [CubeTensor<R>; 4],
    eps: f32,
    dropout: Option<Dropout>,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 4>> {
    let (output, normed) = normalise(into_contiguous(x), None, residual, [weight, bias], eps, dropout);
    let backward = move |gradient: CubeTensor<R>, _: [bool; 4]| {
        let gradients = normed.backward(gradient);
        [gradients.x, gradients.residual, gradients.weight, gradients.bias].map(Some)
    };
    Operation { output, backward }
}

/// `LayerNorm(dropout(x · weight + bias) + residual)` in the type of the precision, with inputs
/// `[x, weight, bias, residual, norm weight, norm bias]`.
///
/// # Shapes
/// `[rows, in]`, `[in, width]`, `[width]`, `[rows, width]`, `[width]` twice; the result `[rows, width]`.
pub fn affine_add_norm<R: CubeRuntime>(
    [x, weight, bias, residual, norm_weight, norm_bias]: [CubeTensor<R>; 6],
    eps: f32,
    dropout: Option<Dropout>,
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 6>> {
    let factors = Factors::new(x, weight, precision);
    let (output, normed) = normalise(factors.product(), Some(bias), residual, [norm_weight, norm_bias], eps, dropout);
    let backward = move |gradient: CubeTensor<R>, [x_wanted, weight_wanted, ..]: [bool; 6]| {
        let of = normed.backward(gradient);
        let [of_x, of_weight] = factors.gradients(of.x, [x_wanted, weight_wanted]);
        [of_x, of_weight, Some(of.x_sums), Some(of.residual), Some(of.weight), Some(of.bias)]
    };
    Operation { output, backward }
}

/// What the backward pass needs of a normalisation.
struct Normed<R: CubeRuntime> {
    /// The rows before weight and bias, in the type of `x`.
    normal: CubeTensor<R>,
    inverse_deviation: CubeTensor<R>,
    weight: CubeTensor<R>,
    residual_type: DType,
    dropout: Option<Dropout>,
}

/// Gradients of the inputs of a normalisation.
struct NormGradients<R: CubeRuntime> {
    x: CubeTensor<R>,
    /// Column sums of `x`: the gradient of a bias that was added to it.
    x_sums: CubeTensor<R>,
    residual: CubeTensor<R>,
    weight: CubeTensor<R>,
    bias: CubeTensor<R>,
}

fn normalise<R: CubeRuntime>(
    x: CubeTensor<R>,
    x_bias: Option<CubeTensor<R>>,
    residual: CubeTensor<R>,
    [weight, bias]: [CubeTensor<R>; 2],
    eps: f32,
    dropout: Option<Dropout>,
) -> (CubeTensor<R>, Normed<R>) {
    let residual_type = residual.dtype;
    let residual = into_contiguous(cast(residual, x.dtype));
    let (weight, bias) = (into_contiguous(weight), into_contiguous(bias));
    let has_bias = x_bias.is_some();
    let x_bias = x_bias.map_or_else(|| empty(&x, Shape::new([1]), DType::F32), into_contiguous);
    let (output, normal) = (empty(&x, x.shape(), x.dtype), empty(&x, x.shape(), x.dtype));
    let [rows, width] = rows_and_columns(&x);
    let inverse_deviation = empty(&x, Shape::new([rows]), DType::F32);
    let (count, dim, per_unit) = cube_per_row(&x, rows, width);
    add_norm_kernel::launch(
        &x.client,
        count,
        dim,
        array(&x),
        array(&x_bias),
        array(&residual),
        array(&weight),
        array(&bias),
        array(&output),
        array(&normal),
        array(&inverse_deviation),
        eps,
        mask_argument(dropout),
        per_unit,
        has_bias,
        x.dtype.into(),
    );
    (output, Normed { normal, inverse_deviation, weight, residual_type, dropout })
}

impl<R: CubeRuntime> Normed<R> {
    fn backward(self, gradient: CubeTensor<R>) -> NormGradients<R> {
        let Self { normal, inverse_deviation, weight, residual_type, dropout } = self;
        let gradient = into_contiguous(cast(gradient, normal.dtype));
        let [rows, width] = rows_and_columns(&gradient);
        let (x, residual) = (empty(&normal, normal.shape(), normal.dtype), empty(&normal, normal.shape(), normal.dtype));
        let rows_of_cube = rows.div_ceil(MOST_CUBES);
        let (count, dim, per_unit) = cube_per_row(&gradient, rows.div_ceil(rows_of_cube), width);
        let partial = empty(&normal, Shape::new([rows.div_ceil(rows_of_cube), 3, width]), DType::F32);
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
            array(&partial),
            rows_of_cube,
            mask_argument(dropout),
            per_unit,
            normal.dtype.into(),
        );
        let [weight, bias, x_sums] = fold_chunks(&partial);
        NormGradients { x, x_sums, residual: cast(residual, residual_type), weight, bias }
    }
}

/// A cube normalises a row.
#[cube(launch)]
fn add_norm_kernel<F: Float>(
    x: &Array<F>,
    x_bias: &Array<f32>,
    residual: &Array<F>,
    weight: &Array<f32>,
    bias: &Array<f32>,
    out: &mut Array<F>,
    normal: &mut Array<F>,
    inverse_deviation: &mut Array<f32>,
    eps: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[comptime] has_bias: bool,
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
            let mut value = f32::cast_from(x[at]);
            if comptime!(has_bias) {
                value += x_bias[column];
            }
            values[part] = value * mask_factor(mask, at) + f32::cast_from(residual[at]);
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
            normal[first + column] = F::cast_from(value);
            out[first + column] = F::cast_from(value * weight[column] + bias[column]);
        }
    }
    if UNIT_POS == 0 {
        inverse_deviation[row] = inverse;
    }
}

/// A cube computes the gradients of some rows of `x` and of the residual, one after the other, and sums of their columns: those of
/// `gradient · normal`, of `gradient` and of the gradient of `x`.
#[cube(launch)]
fn add_norm_backward_kernel<F: Float>(
    gradient: &Array<F>,
    normal: &Array<F>,
    inverse_deviation: &Array<f32>,
    weight: &Array<f32>,
    x_gradient: &mut Array<F>,
    residual_gradient: &mut Array<F>,
    partial: &mut Array<f32>,
    rows_of_cube: usize,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = weight.len();
    let rows = inverse_deviation.len();
    let first_row = CUBE_POS * rows_of_cube;
    if first_row >= rows {
        terminate!();
    }
    let end_row = min(first_row + rows_of_cube, rows);
    let mut slopes = Array::<f32>::new(per_unit);
    let mut weight_sums = Array::<f32>::new(per_unit);
    let mut bias_sums = Array::<f32>::new(per_unit);
    let mut x_sums = Array::<f32>::new(per_unit);
    #[unroll]
    for part in 0..per_unit {
        weight_sums[part] = 0.0f32;
        bias_sums[part] = 0.0f32;
        x_sums[part] = 0.0f32;
    }
    for row in first_row..end_row {
        let first = row * width;
        let mut sum = 0.0f32;
        let mut product = 0.0f32;
        #[unroll]
        for part in 0..per_unit {
            let column = part * CUBE_DIM as usize + UNIT_POS as usize;
            slopes[part] = 0.0f32;
            if column < width {
                let of_out = f32::cast_from(gradient[first + column]);
                let of_normal = f32::cast_from(normal[first + column]);
                slopes[part] = of_out * weight[column];
                product += slopes[part] * of_normal;
                weight_sums[part] += of_out * of_normal;
                bias_sums[part] += of_out;
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
                let value = inverse_deviation[row] * (slopes[part] - mean - f32::cast_from(normal[at]) * slope);
                residual_gradient[at] = F::cast_from(value);
                let of_x = value * mask_factor(mask, at);
                x_gradient[at] = F::cast_from(of_x);
                x_sums[part] += of_x;
            }
        }
    }
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            let at = CUBE_POS * 3 * width + column;
            partial[at] = weight_sums[part];
            partial[at + width] = bias_sums[part];
            partial[at + 2 * width] = x_sums[part];
        }
    }
}
