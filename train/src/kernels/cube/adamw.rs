//! AdamW updates.

use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{UNITS, array, exclusive};
use crate::kernels::adamw::{AdamWState, AdamWStep};

/// Tensors that a launch updates: a kernel takes four arrays of each.
const MOST_TENSORS: usize = 8;

/// One AdamW update of some tensors. Buffers that nothing else refers to are written in place.
pub fn adamw<R: CubeRuntime>(
    states: Vec<AdamWState<CubeTensor<R>>>,
    gradients: Vec<CubeTensor<R>>,
    scale: CubeTensor<R>,
    step: &AdamWStep,
) -> Vec<AdamWState<CubeTensor<R>>> {
    let scale = into_contiguous(scale);
    let states: Vec<AdamWState<CubeTensor<R>>> = states
        .into_iter()
        .map(|AdamWState { param, mean, square }| AdamWState { param: exclusive(param), mean: exclusive(mean), square: exclusive(square) })
        .collect();
    let gradients: Vec<CubeTensor<R>> = gradients.into_iter().map(into_contiguous).collect();
    let length = |at: usize| gradients[at].meta.num_elements();
    // Units of a launch are as many as its longest tensor has elements: those of like length go together.
    let mut order: Vec<usize> = (0..states.len()).collect();
    order.sort_by_key(|at| length(*at));
    let (correction1, correction2) = step.bias_corrections();
    for group in order.chunks(MOST_TENSORS) {
        let longest = group.iter().map(|at| length(*at)).max().unwrap_or(0);
        let dim = CubeDim::new_1d(UNITS);
        adamw_kernel::launch(
            &scale.client,
            calculate_cube_count_elemwise(&scale.client, longest, dim),
            dim,
            group.iter().map(|at| array(&states[*at].param)).collect(),
            group.iter().map(|at| array(&states[*at].mean)).collect(),
            group.iter().map(|at| array(&states[*at].square)).collect(),
            group.iter().map(|at| array(&gradients[*at])).collect(),
            array(&scale),
            step.beta1,
            step.beta2,
            step.eps,
            step.lr / correction1,
            1.0 / correction2.sqrt(),
            1.0 - step.lr * step.decay,
            group.len(),
        );
    }
    states
}

/// A unit updates the element of its number in each tensor. `scale` holds the factor of the gradients.
#[cube(launch)]
fn adamw_kernel(
    params: &mut Sequence<Array<f32>>,
    means: &mut Sequence<Array<f32>>,
    squares: &mut Sequence<Array<f32>>,
    gradients: &Sequence<Array<f32>>,
    scale: &Array<f32>,
    beta1: f32,
    beta2: f32,
    eps: f32,
    rate: f32,
    root: f32,
    shrink: f32,
    #[comptime] tensors: usize,
) {
    let factor = scale[0];
    #[unroll]
    for tensor in 0..tensors {
        let gradients = gradients.index(tensor);
        if ABSOLUTE_POS < gradients.len() {
            let gradient = gradients[ABSOLUTE_POS] * factor;
            let param = params.index_mut(tensor);
            let mean = means.index_mut(tensor);
            let square = squares.index_mut(tensor);
            let new_mean = mean[ABSOLUTE_POS] * beta1 + gradient * (1.0f32 - beta1);
            let new_square = square[ABSOLUTE_POS] * beta2 + gradient * gradient * (1.0f32 - beta2);
            mean[ABSOLUTE_POS] = new_mean;
            square[ABSOLUTE_POS] = new_square;
            param[ABSOLUTE_POS] = param[ABSOLUTE_POS] * shrink - rate * new_mean / (new_square.sqrt() * root + eps);
        }
    }
}
