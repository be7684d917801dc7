//! AdamW updates (Loshchilov and Hutter 2019) of slices.

use rayon::prelude::*;

use super::chunks::CHUNK;
use super::simd::vectorised;
use crate::kernels::adamw::AdamWStep;

/// One AdamW update in place of a parameter and its first and second moment, with the gradient multiplied by `scale`.
pub fn adamw(param: &mut [f32], mean: &mut [f32], square: &mut [f32], gradient: &[f32], scale: f32, step: &AdamWStep) {
    let states = param.par_chunks_mut(CHUNK).zip(mean.par_chunks_mut(CHUNK)).zip(square.par_chunks_mut(CHUNK));
    states.zip(gradient.par_chunks(CHUNK)).for_each(|(((param, mean), square), gradient)| {
        adamw_chunk([param, mean, square], gradient, scale, *step);
    });
}

vectorised! {
    fn adamw_chunk<'a>(states: [&'a mut [f32]; 3], gradient: &'a [f32], scale: f32, step: AdamWStep) {
        let [param, mean, square] = states;
        let (correction1, correction2) = step.bias_corrections();
        let (rate, root, shrink) = (step.lr / correction1, 1.0 / correction2.sqrt(), 1.0 - step.lr * step.decay);
        for (((param, mean), square), gradient) in param.iter_mut().zip(mean).zip(square).zip(gradient) {
            let gradient = gradient * scale;
            *mean = *mean * step.beta1 + gradient * (1.0 - step.beta1);
            *square = *square * step.beta2 + gradient * gradient * (1.0 - step.beta2);
            *param = *param * shrink - rate * *mean / (square.sqrt() * root + step.eps);
        }
    }
}
