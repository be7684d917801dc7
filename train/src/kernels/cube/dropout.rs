//! Dropout, and the mask that other kernels apply.

use burn::tensor::TensorMetadata;
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, empty, rows_and_columns, unit_per_vector, vector_size};
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::{Dropout, DropoutMask};

/// Dropout in the type of `x`. The backward pass is the same operation on the gradient.
pub fn dropout<R: CubeRuntime>(
    [x]: [CubeTensor<R>; 1],
    dropout: Option<Dropout>,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let apply = move |x: CubeTensor<R>| {
        let Some(dropout) = dropout else { return x };
        let x = into_contiguous(x);
        let out = empty(&x, x.shape(), x.dtype);
        let vector = vector_size(&x, rows_and_columns(&x)[1]);
        let (count, dim) = unit_per_vector(&x, vector);
        dropout_kernel::launch(&x.client, count, dim, vector, array(&x), array(&out), mask_argument(Some(dropout)), x.dtype.into());
        out
    };
    Operation { output: apply(x), backward: move |gradient: CubeTensor<R>, _: [bool; 1]| [Some(apply(gradient))] }
}

/// [`DropoutMask`] as an argument of kernels.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Mask {
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
}

/// The mask of a dropout, for a launch; without one, every factor is 1.
pub(super) fn mask_argument<R: CubeRuntime>(dropout: Option<Dropout>) -> MaskLaunch<R> {
    let DropoutMask { low, high, threshold, scale } = DropoutMask::new(dropout);
    MaskLaunch::new(low, high, threshold, scale)
}

/// The factor of an element, as [`DropoutMask::factor`] computes it, so that a CPU and a GPU drop the same elements.
#[cube]
pub(super) fn mask_factor(mask: &Mask, index: usize) -> f32 {
    let mut hash = (u32::cast_from(index) ^ mask.high) * 0x9E37_79B1u32 + mask.low;
    hash = (hash ^ (hash >> 16u32)) * 0x85EB_CA6Bu32;
    hash = (hash ^ (hash >> 13u32)) * 0xC2B2_AE35u32;
    hash = hash ^ (hash >> 16u32);
    select(hash >= mask.threshold, mask.scale, 0.0f32)
}

/// The factors of a vector's elements, by the number of the vector.
#[cube]
pub(super) fn mask_factors<N: Size>(mask: &Mask, vector: usize) -> Vector<f32, N> {
    let mut factors = Vector::<f32, N>::new(0.0f32);
    #[unroll]
    for lane in 0..N::value() {
        factors[lane] = mask_factor(mask, vector * N::value() + lane);
    }
    factors
}

/// A unit computes a vector.
#[cube(launch)]
fn dropout_kernel<F: Float, N: Size>(
    x: &Array<Vector<F, N>>,
    out: &mut Array<Vector<F, N>>,
    mask: &Mask,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < x.len() {
        out[ABSOLUTE_POS] = Vector::cast_from(Vector::<f32, N>::cast_from(x[ABSOLUTE_POS]) * mask_factors::<N>(mask, ABSOLUTE_POS));
    }
}
