//! The loss of binary labels and its gradient, in one pass.

use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{UNITS, array, empty, rows_and_columns};
use super::reductions::cube_sum;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::label_loss::LabelLoss;

/// Most cubes of a launch: each writes a partial sum.
const MOST_CUBES: usize = 1024;

/// The sum over all labels of `share` times the loss of the logits, f32.
///
/// # Shapes
/// All inputs `[n]`; the result `[1]`.
pub fn label_loss<R: CubeRuntime>(
    [logits]: [CubeTensor<R>; 1],
    sign: CubeTensor<R>,
    share: CubeTensor<R>,
    loss: LabelLoss,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let [logits, sign, share] = [logits, sign, share].map(into_contiguous);
    let [_, count] = rows_and_columns(&logits);
    let cubes = count.div_ceil(UNITS as usize).clamp(1, MOST_CUBES);
    let gradient = empty(&logits, Shape::new([count]), DType::F32);
    let partial = empty(&logits, Shape::new([cubes]), DType::F32);
    label_loss_kernel::launch(
        &logits.client,
        CubeCount::Static(cubes as u32, 1, 1),
        CubeDim::new_1d(UNITS),
        array(&logits),
        array(&sign),
        array(&share),
        array(&gradient),
        array(&partial),
        loss.exponent.unwrap_or(0.0),
        loss.positive_weight,
        loss.exponent.is_some(),
    );
    let output = Cube::<R>::float_sum(partial);
    let backward = move |of_sum: CubeTensor<R>, _: [bool; 1]| [Some(Cube::<R>::float_mul(gradient, of_sum))];
    Operation { output, backward }
}

/// A unit computes every `CUBE_COUNT * CUBE_DIM`-th label; a cube adds up its own.
#[cube(launch)]
fn label_loss_kernel(
    logits: &Array<f32>,
    sign: &Array<f32>,
    share: &Array<f32>,
    gradient: &mut Array<f32>,
    partial: &mut Array<f32>,
    exponent: f32,
    positive_weight: f32,
    #[comptime] generalized: bool,
) {
    let mut sum = 0.0f32;
    let stride = CUBE_COUNT * CUBE_DIM as usize;
    let mut at = ABSOLUTE_POS;
    while at < logits.len() {
        let z = logits[at] * sign[at];
        // ln p = min(z, 0) - ln(1 + e^-|z|), where p is the sigmoid of z; 1 - p, that of -z, from the same exponential.
        let small = (-z.abs()).exp();
        let log_probability = min(z, 0.0f32) - (1.0f32 + small).ln();
        let mut complement = 1.0f32 / (1.0f32 + small);
        if z > 0.0f32 {
            complement *= small;
        }
        let mut weight = share[at];
        if sign[at] > 0.0f32 {
            weight *= positive_weight;
        }
        if generalized {
            let power = (log_probability * exponent).exp();
            sum += weight * (1.0f32 - power) / exponent;
            gradient[at] = -(weight * sign[at] * complement * power);
        } else {
            sum -= weight * log_probability;
            gradient[at] = -(weight * sign[at] * complement);
        }
        at += stride;
    }
    let total = cube_sum(sum);
    if UNIT_POS == 0 {
        partial[CUBE_POS] = total;
    }
}
