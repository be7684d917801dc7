//! GELU by the error function.

use burn::tensor::TensorMetadata;
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, empty, unit_per_element};
use crate::kernels::autodiff::{BackwardPass, Operation};

/// `x Φ(x)`, in the type of `x`.
pub fn gelu<R: CubeRuntime>([x]: [CubeTensor<R>; 1]) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let input = into_contiguous(x.clone());
    let output = empty(&input, input.shape(), input.dtype);
    let (count, dim) = unit_per_element(&input);
    gelu_kernel::launch(&input.client, count, dim, array(&input), array(&output), input.dtype.into());
    Operation { output, backward: move |gradient: CubeTensor<R>, _: [bool; 1]| [Some(gelu_backward(x, gradient))] }
}

fn gelu_backward<R: CubeRuntime>(x: CubeTensor<R>, gradient: CubeTensor<R>) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, x.dtype));
    let x = into_contiguous(x);
    let out = empty(&x, x.shape(), x.dtype);
    let (count, dim) = unit_per_element(&x);
    gelu_backward_kernel::launch(&x.client, count, dim, array(&x), array(&gradient), array(&out), x.dtype.into());
    out
}

/// The cumulative distribution `Φ(x)` of the standard normal distribution.
#[cube]
fn normal_cdf(x: f32) -> f32 {
    0.5f32 * (1.0f32 + (x * 0.707_106_77f32).erf())
}

#[cube(launch)]
fn gelu_kernel<F: Float>(x: &Array<F>, out: &mut Array<F>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let value = f32::cast_from(x[ABSOLUTE_POS]);
        out[ABSOLUTE_POS] = F::cast_from(value * normal_cdf(value));
    }
}

#[cube(launch)]
fn gelu_backward_kernel<F: Float>(x: &Array<F>, gradient: &Array<F>, out: &mut Array<F>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let value = f32::cast_from(x[ABSOLUTE_POS]);
        let density = (-0.5f32 * value * value).exp() * 0.398_942_3f32;
        let slope = normal_cdf(value) + value * density;
        out[ABSOLUTE_POS] = F::cast_from(f32::cast_from(gradient[ABSOLUTE_POS]) * slope);
    }
}
