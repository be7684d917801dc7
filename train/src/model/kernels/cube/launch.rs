//! How the kernels are started: tensors in, tensors out.

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, TensorData, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::ops::numeric::{empty_device_contiguous_dtype, zeros_client};
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::device::{Device, DeviceId};
use cubecl::prelude::*;
use cubecl::server::ReduceOperation;

use super::super::vector::Keep;
use super::super::{AdamWStep, Dropout, Moments, stock};
use super::{Cube, kernels};
use crate::data::TokenIndex;
use crate::model::Precision;

/// Units of a cube where each has one element.
const UNITS: u32 = 256;

/// Rows that one unit adds up.
const CHUNK: usize = 64;

/// Cubes that add up the squares of one tensor at most.
const SQUARE_CUBES: usize = 128;

/// Columns and tokens that the cubes of an embedding's gradient take at once.
const EMBED_UNITS: [u32; 2] = [64, 4];

/// A tensor as products of this precision see it.
pub fn at<R: CubeRuntime>(x: CubeTensor<R>, precision: Precision) -> CubeTensor<R> {
    let half = match precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 if Cube::<R>::supports_dtype(&x.device, DType::BF16) => DType::BF16,
        // Vulkan's drivers have no arithmetic in bf16.
        Precision::Bf16 => DType::F16,
    };
    cast(x, half)
}

/// The product of two stacks of matrices of one type, in that type.
pub fn product<R: CubeRuntime>(a: CubeTensor<R>, b: CubeTensor<R>) -> CubeTensor<R> {
    Cube::<R>::float_matmul(a, b)
}

/// `x · weight + bias`, in the type of `x` and `weight`.
pub fn affine<R: CubeRuntime>(x: CubeTensor<R>, weight: CubeTensor<R>, bias: CubeTensor<R>) -> CubeTensor<R> {
    let out = into_contiguous(product(x, weight));
    let (count, dim) = elements(&out);
    kernels::add_row::launch(&out.client, count, dim, array(&out), array(&into_contiguous(bias)), out.dtype.into());
    out
}

/// `x Φ(x)`.
pub fn gelu<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let x = into_contiguous(x);
    let out = empty(&x, x.shape(), x.dtype);
    let (count, dim) = elements(&x);
    kernels::gelu::launch(&x.client, count, dim, array(&x), array(&out), x.dtype.into());
    out
}

/// The gradient of [`gelu`]'s input from that of its result.
pub fn gelu_backward<R: CubeRuntime>(x: CubeTensor<R>, gradient: CubeTensor<R>) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, x.dtype));
    let x = into_contiguous(x);
    let out = empty(&x, x.shape(), x.dtype);
    let (count, dim) = elements(&x);
    kernels::gelu_backward::launch(&x.client, count, dim, array(&x), array(&gradient), array(&out), x.dtype.into());
    out
}

/// Dropout; forward and backward are the same.
pub fn dropout<R: CubeRuntime>(x: CubeTensor<R>, dropout: Option<Dropout>) -> CubeTensor<R> {
    let Some(dropout) = dropout else { return x };
    let x = into_contiguous(x);
    let out = empty(&x, x.shape(), x.dtype);
    let (count, dim) = elements(&x);
    let Keep { low, high, threshold, scale } = Keep::new(Some(dropout));
    kernels::dropout::launch(&x.client, count, dim, array(&x), array(&out), low, high, threshold, scale, x.dtype.into());
    out
}

/// What LayerNorm gives, and what its gradient needs.
#[derive(Debug, Clone)]
pub struct Normed<R: CubeRuntime> {
    /// The result.
    pub out: CubeTensor<R>,
    /// Normalised rows before weight and bias.
    pub normal: CubeTensor<R>,
    /// One over the deviation of each row.
    pub rstd: CubeTensor<R>,
}

/// `LayerNorm(dropout(x) + residual)`, in f32.
pub fn add_norm<R: CubeRuntime>(
    x: CubeTensor<R>,
    residual: CubeTensor<R>,
    weight: CubeTensor<R>,
    bias: CubeTensor<R>,
    eps: f32,
    dropout: Option<Dropout>,
) -> Normed<R> {
    let (x, residual) = (into_contiguous(x), into_contiguous(cast(residual, DType::F32)));
    let (weight, bias) = (into_contiguous(weight), into_contiguous(bias));
    let (out, normal) = (empty(&x, x.shape(), DType::F32), empty(&x, x.shape(), DType::F32));
    let [rows, width] = matrix(&x);
    let rstd = empty(&x, Shape::new([rows]), DType::F32);
    let (dim, per_unit) = units(width);
    let Keep { low, high, threshold, scale } = Keep::new(dropout);
    kernels::add_norm::launch(
        &x.client,
        cubes(&x, rows),
        dim,
        array(&x),
        array(&residual),
        array(&weight),
        array(&bias),
        array(&out),
        array(&normal),
        array(&rstd),
        eps,
        low,
        high,
        threshold,
        scale,
        per_unit,
        x.dtype.into(),
    );
    Normed { out, normal, rstd }
}

/// Gradients of `x`, in its type, residual, weight and bias from that of [`add_norm`]'s result.
pub fn add_norm_backward<R: CubeRuntime>(
    gradient: CubeTensor<R>,
    normal: CubeTensor<R>,
    rstd: CubeTensor<R>,
    weight: CubeTensor<R>,
    of_x: DType,
    dropout: Option<Dropout>,
) -> [CubeTensor<R>; 4] {
    let (gradient, weight) = (into_contiguous(cast(gradient, DType::F32)), into_contiguous(weight));
    let [rows, width] = matrix(&gradient);
    let (x, residual) = (empty(&gradient, gradient.shape(), of_x), empty(&gradient, gradient.shape(), DType::F32));
    let (dim, per_unit) = units(width);
    let Keep { low, high, threshold, scale } = Keep::new(dropout);
    kernels::add_norm_backward::launch(
        &gradient.client,
        cubes(&gradient, rows),
        dim,
        array(&gradient),
        array(&normal),
        array(&rstd),
        array(&weight),
        array(&x),
        array(&residual),
        low,
        high,
        threshold,
        scale,
        per_unit,
        of_x.into(),
    );
    let (products, sums) = column_sums(gradient, Some(normal));
    [x, residual, products.expect("products were asked for"), sums]
}

/// Softmax of attention scores, `[batch, heads, length, length]`, over the real tokens, and the same after dropout.
pub fn attention_weights<R: CubeRuntime>(
    scores: CubeTensor<R>,
    lengths: CubeTensor<R>,
    of_scores: f32,
    dropout: Option<Dropout>,
) -> (CubeTensor<R>, CubeTensor<R>) {
    let (scores, lengths) = (into_contiguous(scores), into_contiguous(lengths));
    let shape = scores.shape();
    let softmax = empty(&scores, shape.clone(), scores.dtype);
    let dropped = if dropout.is_some() { empty(&scores, shape.clone(), scores.dtype) } else { softmax.clone() };
    // A kernel must not be given one array twice.
    let second = if dropout.is_some() { dropped.clone() } else { empty(&scores, Shape::new([1]), scores.dtype) };
    let (length, rows_of_sequence) = (shape[3], shape[1] * shape[2]);
    let (dim, per_unit) = units(length);
    let Keep { low, high, threshold, scale } = Keep::new(dropout);
    kernels::attention_weights::launch(
        &scores.client,
        cubes(&scores, shape[0] * rows_of_sequence),
        dim,
        array(&scores),
        array(&lengths),
        array(&softmax),
        array(&second),
        length,
        rows_of_sequence,
        of_scores,
        low,
        high,
        threshold,
        scale,
        per_unit,
        dropout.is_some(),
        scores.dtype.into(),
    );
    (softmax, dropped)
}

/// The gradient of the scores from that of [`attention_weights`]' result.
pub fn attention_weights_backward<R: CubeRuntime>(
    softmax: CubeTensor<R>,
    gradient: CubeTensor<R>,
    of_scores: f32,
    dropout: Option<Dropout>,
) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, softmax.dtype));
    let shape = softmax.shape();
    let out = empty(&softmax, shape.clone(), softmax.dtype);
    let (dim, per_unit) = units(shape[3]);
    let Keep { low, high, threshold, scale } = Keep::new(dropout);
    kernels::attention_weights_backward::launch(
        &softmax.client,
        cubes(&softmax, shape[0] * shape[1] * shape[2]),
        dim,
        array(&softmax),
        array(&gradient),
        array(&out),
        shape[3],
        of_scores,
        low,
        high,
        threshold,
        scale,
        per_unit,
        softmax.dtype.into(),
    );
    out
}

/// Column sums of a matrix, and those of its products with another.
pub fn column_sums<R: CubeRuntime>(x: CubeTensor<R>, y: Option<CubeTensor<R>>) -> (Option<CubeTensor<R>>, CubeTensor<R>) {
    let x = into_contiguous(x);
    let [rows, width] = matrix(&x);
    let chunks = rows.div_ceil(CHUNK);
    let kinds = 1 + usize::from(y.is_some());
    let partial = empty(&x, Shape::new([kinds, chunks, width]), DType::F32);
    let dim = CubeDim::new_1d(UNITS);
    let count = CubeCount::Static((width as u32).div_ceil(UNITS), chunks as u32, 1);
    let second = y.as_ref().map_or_else(|| empty(&x, Shape::new([1]), DType::F32), |y| into_contiguous(y.clone()));
    kernels::column_sums::launch(
        &x.client,
        count,
        dim,
        array(&x),
        array(&second),
        array(&partial),
        width,
        CHUNK,
        y.is_some(),
        x.dtype.into(),
    );
    let fold = |kind: usize| {
        let out = empty(&x, Shape::new([width]), DType::F32);
        let (count, dim) = elements(&out);
        kernels::fold_chunks::launch(&x.client, count, dim, array(&partial), array(&out), kind * chunks * width, chunks);
        out
    };
    (y.is_some().then(|| fold(0)), fold(kinds - 1))
}

/// The gradient of a table of `rows` from those of the tokens that looked it up.
pub fn embed_backward<R: CubeRuntime>(gradient: CubeTensor<R>, rows: usize, tokens: &TokenIndex) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, DType::F32));
    let width = matrix(&gradient)[1];
    let out = zeros_client(gradient.client.clone(), gradient.device.clone(), Shape::new([rows, width]), DType::F32);
    let out = into_contiguous(out);
    if tokens.ids.is_empty() {
        return out;
    }
    let upload = |values: &[i32]| {
        let values = TensorData::new(values.to_vec(), [values.len()]);
        <Cube<R> as burn::tensor::ops::IntTensorOps<Cube<R>>>::int_from_data(values, &gradient.device)
    };
    let [x, y] = EMBED_UNITS;
    kernels::embed_backward::launch(
        &gradient.client,
        CubeCount::Static(tokens.ids.len() as u32, (width as u32).div_ceil(x), 1),
        CubeDim::new_2d(x, y),
        array(&gradient),
        array(&upload(&tokens.ids)),
        array(&upload(&tokens.starts)),
        array(&upload(&tokens.positions)),
        array(&out),
        width,
    );
    out
}

/// Sum of the squares of all numbers of some tensors, `[1]`.
pub fn square_sum<R: CubeRuntime>(tensors: Vec<CubeTensor<R>>) -> CubeTensor<R> {
    let cubes = |x: &CubeTensor<R>| x.shape().num_elements().div_ceil(UNITS as usize * 8).clamp(1, SQUARE_CUBES);
    let first = &tensors[0];
    let sums = empty(first, Shape::new([tensors.iter().map(cubes).sum()]), DType::F32);
    let mut offset = 0;
    for tensor in &tensors {
        let tensor = into_contiguous(tensor.clone());
        let count = cubes(&tensor);
        let (dim, cubes) = (CubeDim::new_1d(UNITS), CubeCount::Static(count as u32, 1, 1));
        kernels::square_sums::launch(&tensor.client, cubes, dim, array(&tensor), array(&sums), offset);
        offset += count;
    }
    Cube::<R>::float_sum(sums)
}

/// One AdamW update; what is updated is written over where nothing else holds it.
pub fn adamw<R: CubeRuntime>(
    Moments { param, mean, square }: Moments<CubeTensor<R>>,
    gradient: CubeTensor<R>,
    scale: CubeTensor<R>,
    step: &AdamWStep,
) -> Moments<CubeTensor<R>> {
    let (param, mean, square, gradient) = (owned(param), owned(mean), owned(square), into_contiguous(gradient));
    let (unbias1, unbias2) = step.unbias();
    let (count, dim) = elements(&param);
    kernels::adamw::launch(
        &param.client,
        count,
        dim,
        array(&param),
        array(&mean),
        array(&square),
        array(&gradient),
        array(&into_contiguous(scale)),
        step.beta1,
        step.beta2,
        step.eps,
        step.lr / unbias1,
        1.0 / unbias2.sqrt(),
        1.0 - step.lr * step.decay,
    );
    Moments { param, mean, square }
}

/// The sum of tensors of one shape, each on a device of its own, on each of these: by NCCL where the runtime has it.
///
/// These are the calls that Burn's own distributed support makes. Its feature asks for them of every backend that is built in, and that
/// of the CPU (burn-flex) has none, so that they are made here.
pub fn all_reduce<R: CubeRuntime>(of_devices: Vec<CubeTensor<R>>) -> Vec<CubeTensor<R>> {
    let ids: Vec<DeviceId> = of_devices.iter().map(|x| x.device.to_id()).collect();
    let apart = ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id));
    if !apart || !R::name(&of_devices[0].client).contains("cuda") {
        return stock::all_reduce::<Cube<R>>(of_devices);
    }
    let sums: Vec<CubeTensor<R>> = of_devices.into_iter().map(owned).collect();
    for sum in &sums {
        let (mut client, handle) = (sum.client.clone(), sum.handle.clone());
        client.all_reduce(handle.clone(), handle, sum.dtype.into(), ids.clone(), ReduceOperation::Sum);
    }
    sums.iter().for_each(|sum| sum.client.sync_collective());
    sums
}

/// A tensor in row-major order that nothing else holds.
fn owned<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let x = into_contiguous(x);
    if x.can_mut() { x } else { x.copy() }
}

pub(super) fn array<R: CubeRuntime>(x: &CubeTensor<R>) -> ArrayArg<R> {
    x.clone().into_array_arg()
}

pub(super) fn empty<R: CubeRuntime>(like: &CubeTensor<R>, shape: Shape, dtype: DType) -> CubeTensor<R> {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// Rows and columns, all but the last dimension being rows.
fn matrix<R: CubeRuntime>(x: &CubeTensor<R>) -> [usize; 2] {
    let shape = x.shape();
    let width = shape[shape.num_dims() - 1];
    [shape.num_elements() / width.max(1), width]
}

/// Cubes for one unit an element.
pub(super) fn elements<R: CubeRuntime>(x: &CubeTensor<R>) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(UNITS);
    (calculate_cube_count_elemwise(&x.client, x.shape().num_elements(), dim), dim)
}

/// So many cubes, or some more.
fn cubes<R: CubeRuntime>(x: &CubeTensor<R>, count: usize) -> CubeCount {
    calculate_cube_count_elemwise(&x.client, count, CubeDim::new_1d(1))
}

/// Units of a cube that takes a row of this width, and elements of each.
fn units(width: usize) -> (CubeDim, usize) {
    let units = match width {
        0..=32 => 32,
        33..=64 => 64,
        65..=1024 => 128,
        _ => 256,
    };
    (CubeDim::new_1d(units as u32), width.div_ceil(units))
}
