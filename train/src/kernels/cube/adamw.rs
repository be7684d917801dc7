//! AdamW updates.

use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{array, exclusive, unit_per_element};
use crate::kernels::adamw::{AdamWState, AdamWStep};

/// One AdamW update. Buffers that nothing else refers to are written in place.
pub fn adamw<R: CubeRuntime>(
    AdamWState { param, mean, square }: AdamWState<CubeTensor<R>>,
    gradient: CubeTensor<R>,
    scale: CubeTensor<R>,
    step: &AdamWStep,
) -> AdamWState<CubeTensor<R>> {
    let (param, mean, square, gradient) = (exclusive(param), exclusive(mean), exclusive(square), into_contiguous(gradient));
    let (correction1, correction2) = step.bias_corrections();
    let (count, dim) = unit_per_element(&param);
    adamw_kernel::launch(
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
        step.lr / correction1,
        1.0 / correction2.sqrt(),
        1.0 - step.lr * step.decay,
    );
    AdamWState { param, mean, square }
}

/// `scale` holds the factor of the gradient.
#[cube(launch)]
fn adamw_kernel(
    param: &mut Array<f32>,
    mean: &mut Array<f32>,
    square: &mut Array<f32>,
    gradient: &Array<f32>,
    scale: &Array<f32>,
    beta1: f32,
    beta2: f32,
    eps: f32,
    rate: f32,
    root: f32,
    shrink: f32,
) {
    if ABSOLUTE_POS < param.len() {
        let gradient = gradient[ABSOLUTE_POS] * scale[0];
        let new_mean = mean[ABSOLUTE_POS] * beta1 + gradient * (1.0f32 - beta1);
        let new_square = square[ABSOLUTE_POS] * beta2 + gradient * gradient * (1.0f32 - beta2);
        mean[ABSOLUTE_POS] = new_mean;
        square[ABSOLUTE_POS] = new_square;
        param[ABSOLUTE_POS] = param[ABSOLUTE_POS] * shrink - rate * new_mean / (new_square.sqrt() * root + eps);
    }
}
