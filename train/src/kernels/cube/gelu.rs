//! GELU by the error function, of a matrix or of its sum with a bias.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, empty, rows_and_columns, unit_per_vector, vector_size};
use super::matmul::Factors;
use super::reductions::{RowChunks, fold_chunks};
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::precision::Precision;

/// `x Φ(x)`, in the type of `x`.
pub fn gelu<R: CubeRuntime>([x]: [CubeTensor<R>; 1]) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let x = into_contiguous(x);
    let output = gelu_forward(&x, None);
    Operation { output, backward: move |gradient: CubeTensor<R>, _: [bool; 1]| [Some(gelu_backward(&x, None, gradient).0)] }
}

/// GELU of `x · weight + bias`, with inputs `[x, weight, bias]`, in the type of the precision.
///
/// # Shapes
/// `[rows, in]`, `[in, out]`, `[out]`; the result `[rows, out]`.
pub fn affine_gelu<R: CubeRuntime>(
    [x, weight, bias]: [CubeTensor<R>; 3],
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 3>> {
    let (output, map) = AffineGelu::forward(Factors::new(x, weight, precision), bias);
    let backward = move |gradient: CubeTensor<R>, [x_wanted, weight_wanted, _]: [bool; 3]| {
        let ([of_x, of_weight], partial) = map.backward(gradient, [x_wanted, weight_wanted]);
        let [of_bias] = fold_chunks([&partial]);
        [of_x, of_weight, Some(of_bias)]
    };
    Operation { output, backward }
}

/// What the backward pass of GELU of a linear map needs.
pub(super) struct AffineGelu<R: CubeRuntime> {
    factors: Factors<R>,
    product: CubeTensor<R>,
    bias: CubeTensor<R>,
}

impl<R: CubeRuntime> AffineGelu<R> {
    /// GELU of a product plus a bias.
    pub fn forward(factors: Factors<R>, bias: CubeTensor<R>) -> (CubeTensor<R>, Self) {
        let (product, bias) = (factors.product(), into_contiguous(bias));
        (gelu_forward(&product, Some(&bias)), Self { factors, product, bias })
    }

    /// The gradients of the factors, where wanted, and that of the bias by chunks of rows, for [`fold_chunks`].
    pub fn backward(self, gradient: CubeTensor<R>, wanted: [bool; 2]) -> ([Option<CubeTensor<R>>; 2], CubeTensor<R>) {
        let (of_product, partial) = gelu_backward(&self.product, Some(&self.bias), gradient);
        (self.factors.gradients(of_product, wanted), partial)
    }
}

fn gelu_forward<R: CubeRuntime>(x: &CubeTensor<R>, bias: Option<&CubeTensor<R>>) -> CubeTensor<R> {
    let output = empty(x, x.shape(), x.dtype);
    let vector = vector_size(x, rows_and_columns(x)[1]);
    let (count, dim) = unit_per_vector(x, vector);
    gelu_kernel::launch(
        &x.client,
        count,
        dim,
        vector,
        array(x),
        array(&or_unused(bias, x)),
        array(&output),
        bias.is_some(),
        x.dtype.into(),
    );
    output
}

/// The gradient of `x`, and its column sums by chunks of rows, which are the gradient of the bias.
fn gelu_backward<R: CubeRuntime>(
    x: &CubeTensor<R>,
    bias: Option<&CubeTensor<R>>,
    gradient: CubeTensor<R>,
) -> (CubeTensor<R>, CubeTensor<R>) {
    let gradient = into_contiguous(cast(gradient, x.dtype));
    let out = empty(x, x.shape(), x.dtype);
    let chunks = RowChunks::of(x, rows_and_columns(x)[1]);
    let partial = chunks.partial_sums(x, 1);
    let (count, dim) = chunks.launch();
    gelu_backward_kernel::launch(
        &x.client,
        count,
        dim,
        chunks.vector,
        array(x),
        array(&or_unused(bias, x)),
        array(&gradient),
        array(&out),
        array(&partial),
        chunks.columns,
        chunks.rows,
        bias.is_some(),
        x.dtype.into(),
    );
    (out, partial)
}

/// The bias, or an array that stands in its place.
fn or_unused<R: CubeRuntime>(bias: Option<&CubeTensor<R>>, like: &CubeTensor<R>) -> CubeTensor<R> {
    bias.cloned().unwrap_or_else(|| empty(like, Shape::new([rows_and_columns(like)[1]]), DType::F32))
}

/// The cumulative distribution `Φ(x)` of the standard normal distribution.
#[cube]
fn normal_cdf<N: Size>(x: Vector<f32, N>) -> Vector<f32, N> {
    let one = Vector::<f32, N>::new(1.0f32);
    let half = Vector::<f32, N>::new(0.5f32);
    half * (one + (x * Vector::<f32, N>::new(0.707_106_77f32)).erf())
}

/// A unit computes a vector.
#[cube(launch)]
fn gelu_kernel<F: Float, N: Size>(
    x: &Array<Vector<F, N>>,
    bias: &Array<Vector<f32, N>>,
    out: &mut Array<Vector<F, N>>,
    #[comptime] has_bias: bool,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < x.len() {
        let mut value = Vector::<f32, N>::cast_from(x[ABSOLUTE_POS]);
        if comptime!(has_bias) {
            value += bias[ABSOLUTE_POS % bias.len()];
        }
        out[ABSOLUTE_POS] = Vector::cast_from(value * normal_cdf(value));
    }
}

/// A unit computes the gradients of a vector of columns of a chunk of rows, and their sums.
#[cube(launch)]
fn gelu_backward_kernel<F: Float, N: Size>(
    x: &Array<Vector<F, N>>,
    bias: &Array<Vector<f32, N>>,
    gradient: &Array<Vector<F, N>>,
    out: &mut Array<Vector<F, N>>,
    partial: &mut Array<Vector<f32, N>>,
    columns: usize,
    chunk: usize,
    #[comptime] has_bias: bool,
    #[define(F)] _dtype: StorageType,
) {
    let column = CUBE_POS_X as usize * CUBE_DIM as usize + UNIT_POS as usize;
    if column < columns {
        let first = CUBE_POS_Y as usize * chunk;
        let end = min(first + chunk, x.len() / columns);
        let mut shift = Vector::<f32, N>::new(0.0f32);
        if comptime!(has_bias) {
            shift = bias[column];
        }
        let mut sum = Vector::<f32, N>::new(0.0f32);
        for row in first..end {
            let at = row * columns + column;
            let value = Vector::<f32, N>::cast_from(x[at]) + shift;
            let density = (value * value * Vector::<f32, N>::new(-0.5f32)).exp() * Vector::<f32, N>::new(0.398_942_3f32);
            let of_x = Vector::<f32, N>::cast_from(gradient[at]) * (normal_cdf(value) + value * density);
            out[at] = Vector::cast_from(of_x);
            sum += of_x;
        }
        partial[CUBE_POS_Y as usize * columns + column] = sum;
    }
}
