//! Matrix products, and linear layers ([`Kernels::affine`](crate::kernels::Kernels::affine)).

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, unit_per_element};
use super::product_routines::multiply;
use super::reductions::column_sums;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::precision::Precision;

/// The matrix product of two stacks of matrices, in the type of the precision.
pub fn product<R: CubeRuntime>(
    [left, right]: [CubeTensor<R>; 2],
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 2>> {
    let factors = Factors::new(left, right, precision);
    let output = factors.product();
    Operation { output, backward: move |gradient: CubeTensor<R>, wanted: [bool; 2]| factors.gradients(gradient, wanted) }
}

/// `x · weight + bias` in the type of the precision, with inputs `[x, weight, bias]`.
///
/// # Shapes
/// `[rows, in]`, `[in, out]`, `[out]`; the result `[rows, out]`.
pub fn affine<R: CubeRuntime>(
    [x, weight, bias]: [CubeTensor<R>; 3],
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 3>> {
    let factors = Factors::new(x, weight, precision);
    let output = factors.product();
    let (count, dim) = unit_per_element(&output);
    add_row_kernel::launch(&output.client, count, dim, array(&output), array(&into_contiguous(bias)), output.dtype.into());
    let backward = move |gradient: CubeTensor<R>, [x_wanted, weight_wanted, bias_wanted]: [bool; 3]| {
        let of_bias = bias_wanted.then(|| column_sums(gradient.clone()));
        let [of_x, of_weight] = factors.gradients(gradient, [x_wanted, weight_wanted]);
        [of_x, of_weight, of_bias]
    };
    Operation { output, backward }
}

/// Both factors of a product in the type in which it is computed, and the types that they had before.
pub(super) struct Factors<R: CubeRuntime> {
    left: CubeTensor<R>,
    right: CubeTensor<R>,
    input_types: [DType; 2],
    /// Whether tensor cores may compute the product.
    tensor_cores: bool,
}

impl<R: CubeRuntime> Factors<R> {
    /// The factors of a product in a precision.
    pub fn new(left: CubeTensor<R>, right: CubeTensor<R>, precision: Precision) -> Self {
        let (right_type, dtype) = (right.dtype, product_type(&right, precision));
        Self { input_types: [left.dtype, right_type], ..Self::of_weight(left, cast(right, dtype), precision) }
    }

    /// As [`new`](Self::new), with a weight that was made of f32 parameters in the type of the product: its gradient is f32.
    pub fn of_weight(x: CubeTensor<R>, weight: CubeTensor<R>, precision: Precision) -> Self {
        let (input_types, dtype) = ([x.dtype, DType::F32], product_type(&x, precision));
        Self { left: cast(x, dtype), right: weight, input_types, tensor_cores: precision.allows_tensor_cores() }
    }

    /// The product, in its type.
    pub fn product(&self) -> CubeTensor<R> {
        multiply(self.left.clone(), self.right.clone(), self.left.dtype, self.tensor_cores)
    }

    /// Gradients of both factors from that of the product, where wanted, in the types of the inputs.
    pub fn gradients(self, gradient: CubeTensor<R>, wanted: [bool; 2]) -> [Option<CubeTensor<R>>; 2] {
        let Self { left, right, input_types, tensor_cores } = self;
        let gradient = cast(gradient, left.dtype);
        let of_left = wanted[0].then(|| multiply(gradient.clone(), transposed(right), input_types[0], tensor_cores));
        let of_right = wanted[1].then(|| multiply(transposed(left), gradient, input_types[1], tensor_cores));
        [of_left, of_right]
    }
}

/// The type in which products of this precision are computed on the device of a tensor.
pub(super) fn product_type<R: CubeRuntime>(like: &CubeTensor<R>, precision: Precision) -> DType {
    match precision {
        Precision::F32 | Precision::Tf32 => DType::F32,
        Precision::Bf16 if Cube::<R>::supports_dtype(&like.device, DType::BF16) => DType::BF16,
        // Vulkan drivers have no arithmetic in bf16.
        Precision::Bf16 => DType::F16,
    }
}

/// A stack of matrices, each transposed.
pub(super) fn transposed<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let rank = x.rank();
    Cube::<R>::float_swap_dims(x, rank - 2, rank - 1)
}

/// Adds the same row to each row, in place.
#[cube(launch)]
fn add_row_kernel<F: Float>(x: &mut Array<F>, row: &Array<f32>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let sum = f32::cast_from(x[ABSOLUTE_POS]) + row[ABSOLUTE_POS % row.len()];
        x[ABSOLUTE_POS] = F::cast_from(sum);
    }
}
