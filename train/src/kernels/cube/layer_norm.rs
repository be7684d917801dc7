//! `LayerNorm(dropout(x) + residual)`, of a matrix or of its sum with a bias.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::dropout::{Mask, mask_argument, mask_factors};
use super::launch::{array, cube_per_row, empty, rows_and_columns, vector_size};
use super::matmul::Factors;
use super::reductions::{cube_sum, fold_chunks, lane_sum};
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
        let gradients = normed.backward(gradient, None);
        let [weight, bias, _] = fold_chunks([&gradients.partial]);
        [gradients.x, gradients.residual, weight, bias].map(Some)
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
    let (output, map) = AffineAddNorm::forward(factors, bias, residual, [norm_weight, norm_bias], eps, dropout);
    let backward = move |gradient: CubeTensor<R>, [x_wanted, weight_wanted, ..]: [bool; 6]| {
        let ([of_x, of_weight], of) = map.backward(gradient, None, [x_wanted, weight_wanted]);
        let [norm_weight, norm_bias, bias] = fold_chunks([&of.partial]);
        [of_x, of_weight, Some(bias), Some(of.residual), Some(norm_weight), Some(norm_bias)]
    };
    Operation { output, backward }
}

/// What the backward pass of a normalised linear map needs.
pub(super) struct AffineAddNorm<R: CubeRuntime> {
    factors: Factors<R>,
    normed: Normed<R>,
}

impl<R: CubeRuntime> AffineAddNorm<R> {
    /// `LayerNorm(dropout(product + bias) + residual)`.
    pub fn forward(
        factors: Factors<R>,
        bias: CubeTensor<R>,
        residual: CubeTensor<R>,
        norm: [CubeTensor<R>; 2],
        eps: f32,
        dropout: Option<Dropout>,
    ) -> (CubeTensor<R>, Self) {
        let (output, normed) = normalise(factors.product(), Some(bias), residual, norm, eps, dropout);
        (output, Self { factors, normed })
    }

    /// The gradients of the factors, where wanted, and of all else, from that of the output: the sum of two tensors, if there are two.
    pub fn backward(
        self,
        gradient: CubeTensor<R>,
        other: Option<CubeTensor<R>>,
        wanted: [bool; 2],
    ) -> ([Option<CubeTensor<R>>; 2], RowGradients<R>) {
        let NormGradients { x, residual, partial } = self.normed.backward(gradient, other);
        (self.factors.gradients(x, wanted), RowGradients { residual, partial })
    }
}

/// Gradients of a normalised linear map but for those of its factors.
pub(super) struct RowGradients<R: CubeRuntime> {
    pub residual: CubeTensor<R>,
    /// Those of weight and bias of the normalisation, and of the bias of the map, by cubes, for [`fold_chunks`].
    pub partial: CubeTensor<R>,
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
    residual: CubeTensor<R>,
    /// Those of weight and bias, and of a bias that was added to `x`, by cubes.
    partial: CubeTensor<R>,
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
    let [rows, width] = rows_and_columns(&x);
    let x_bias = x_bias.map_or_else(|| empty(&x, Shape::new([width]), DType::F32), into_contiguous);
    let (output, normal) = (empty(&x, x.shape(), x.dtype), empty(&x, x.shape(), x.dtype));
    let inverse_deviation = empty(&x, Shape::new([rows]), DType::F32);
    let vector = vector_size(&x, width);
    let (count, dim, per_unit) = cube_per_row(&x, rows, width / vector);
    add_norm_kernel::launch(
        &x.client,
        count,
        dim,
        vector,
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
    fn backward(self, gradient: CubeTensor<R>, other: Option<CubeTensor<R>>) -> NormGradients<R> {
        let Self { normal, inverse_deviation, weight, residual_type, dropout } = self;
        let has_other = other.is_some();
        let [gradient, other] = [Some(gradient), other].map(|gradient| {
            // A kernel must not be given one array twice.
            gradient
                .map_or_else(|| empty(&normal, Shape::new([weight.shape()[0]]), normal.dtype), |x| into_contiguous(cast(x, normal.dtype)))
        });
        let [rows, width] = rows_and_columns(&gradient);
        let (x, residual) = (empty(&normal, normal.shape(), normal.dtype), empty(&normal, normal.shape(), normal.dtype));
        let rows_of_cube = rows.div_ceil(MOST_CUBES);
        let vector = vector_size(&gradient, width);
        let (count, dim, per_unit) = cube_per_row(&gradient, rows.div_ceil(rows_of_cube), width / vector);
        let partial = empty(&normal, Shape::new([rows.div_ceil(rows_of_cube), 3, width]), DType::F32);
        add_norm_backward_kernel::launch(
            &gradient.client,
            count,
            dim,
            vector,
            array(&gradient),
            array(&other),
            array(&normal),
            array(&inverse_deviation),
            array(&weight),
            array(&x),
            array(&residual),
            array(&partial),
            rows_of_cube,
            mask_argument(dropout),
            per_unit,
            has_other,
            normal.dtype.into(),
        );
        NormGradients { x, residual: cast(residual, residual_type), partial }
    }
}

/// A cube normalises a row. All numbers of columns count vectors.
#[cube(launch)]
fn add_norm_kernel<F: Float, N: Size>(
    x: &Array<Vector<F, N>>,
    x_bias: &Array<Vector<f32, N>>,
    residual: &Array<Vector<F, N>>,
    weight: &Array<Vector<f32, N>>,
    bias: &Array<Vector<f32, N>>,
    out: &mut Array<Vector<F, N>>,
    normal: &mut Array<Vector<F, N>>,
    inverse_deviation: &mut Array<f32>,
    eps: f32,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[comptime] has_bias: bool,
    #[define(F)] _dtype: StorageType,
) {
    let columns = weight.len();
    let width = f32::cast_from(columns * N::value());
    let row = CUBE_POS;
    if row >= inverse_deviation.len() {
        terminate!();
    }
    let first = row * columns;
    let mut values = Array::<Vector<f32, N>>::new(per_unit);
    let mut sum = Vector::<f32, N>::new(0.0f32);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = Vector::<f32, N>::new(0.0f32);
        if column < columns {
            let at = first + column;
            let mut value = Vector::<f32, N>::cast_from(x[at]);
            if comptime!(has_bias) {
                value += x_bias[column];
            }
            values[part] = value * mask_factors::<N>(mask, at) + Vector::cast_from(residual[at]);
        }
        sum += values[part];
    }
    let mean = Vector::<f32, N>::new(cube_sum(lane_sum::<N>(sum)) / width);
    let mut squares = Vector::<f32, N>::new(0.0f32);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < columns {
            values[part] = values[part] - mean;
            squares += values[part] * values[part];
        }
    }
    let variance = cube_sum(lane_sum::<N>(squares)) / width;
    let inverse = 1.0f32 / (variance + eps).sqrt();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < columns {
            let value = values[part] * Vector::<f32, N>::new(inverse);
            normal[first + column] = Vector::cast_from(value);
            out[first + column] = Vector::cast_from(value * weight[column] + bias[column]);
        }
    }
    if UNIT_POS == 0 {
        inverse_deviation[row] = inverse;
    }
}

/// A cube computes the gradients of some rows of `x` and of the residual, one after the other, and sums of their columns: those of
/// `gradient · normal`, of `gradient` and of the gradient of `x`. `other` is added to `gradient`. All numbers of columns count vectors.
#[cube(launch)]
fn add_norm_backward_kernel<F: Float, N: Size>(
    gradient: &Array<Vector<F, N>>,
    other: &Array<Vector<F, N>>,
    normal: &Array<Vector<F, N>>,
    inverse_deviation: &Array<f32>,
    weight: &Array<Vector<f32, N>>,
    x_gradient: &mut Array<Vector<F, N>>,
    residual_gradient: &mut Array<Vector<F, N>>,
    partial: &mut Array<Vector<f32, N>>,
    rows_of_cube: usize,
    mask: &Mask,
    #[comptime] per_unit: usize,
    #[comptime] has_other: bool,
    #[define(F)] _dtype: StorageType,
) {
    let columns = weight.len();
    let width = f32::cast_from(columns * N::value());
    let rows = inverse_deviation.len();
    let first_row = CUBE_POS * rows_of_cube;
    if first_row >= rows {
        terminate!();
    }
    let end_row = min(first_row + rows_of_cube, rows);
    let mut slopes = Array::<Vector<f32, N>>::new(per_unit);
    let mut weight_sums = Array::<Vector<f32, N>>::new(per_unit);
    let mut bias_sums = Array::<Vector<f32, N>>::new(per_unit);
    let mut x_sums = Array::<Vector<f32, N>>::new(per_unit);
    #[unroll]
    for part in 0..per_unit {
        weight_sums[part] = Vector::<f32, N>::new(0.0f32);
        bias_sums[part] = Vector::<f32, N>::new(0.0f32);
        x_sums[part] = Vector::<f32, N>::new(0.0f32);
    }
    for row in first_row..end_row {
        let first = row * columns;
        // Sums of numbers, not of vectors: they are registers that sm_120a lacks.
        let mut sum = f32::new(0.0);
        let mut product = f32::new(0.0);
        #[unroll]
        for part in 0..per_unit {
            let column = part * CUBE_DIM as usize + UNIT_POS as usize;
            slopes[part] = Vector::<f32, N>::new(0.0f32);
            if column < columns {
                let mut of_out = Vector::<f32, N>::cast_from(gradient[first + column]);
                if comptime!(has_other) {
                    of_out += Vector::cast_from(other[first + column]);
                }
                let of_normal = Vector::<f32, N>::cast_from(normal[first + column]);
                slopes[part] = of_out * weight[column];
                product += lane_sum::<N>(slopes[part] * of_normal);
                weight_sums[part] += of_out * of_normal;
                bias_sums[part] += of_out;
            }
            sum += lane_sum::<N>(slopes[part]);
        }
        let mean = Vector::<f32, N>::new(cube_sum(sum) / width);
        let slope = Vector::<f32, N>::new(cube_sum(product) / width);
        let inverse = Vector::<f32, N>::new(inverse_deviation[row]);
        #[unroll]
        for part in 0..per_unit {
            let column = part * CUBE_DIM as usize + UNIT_POS as usize;
            if column < columns {
                let at = first + column;
                let value = inverse * (slopes[part] - mean - Vector::<f32, N>::cast_from(normal[at]) * slope);
                residual_gradient[at] = Vector::cast_from(value);
                let of_x = value * mask_factors::<N>(mask, at);
                x_gradient[at] = Vector::cast_from(of_x);
                x_sums[part] += of_x;
            }
        }
    }
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < columns {
            let at = CUBE_POS * 3 * columns + column;
            partial[at] = weight_sums[part];
            partial[at + columns] = bias_sums[part];
            partial[at + 2 * columns] = x_sums[part];
        }
    }
}
