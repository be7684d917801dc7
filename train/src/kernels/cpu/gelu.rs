//! GELU by the error function, `x Φ(x)` (Hendrycks and Gimpel 2016).

use rayon::prelude::*;

use super::chunks::CHUNK;
use super::simd::{normal, vectorised};

/// `x Φ(x)` of each element.
pub fn gelu(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| gelu_chunk(out, x));
    out
}

/// Turns the gradient of [`gelu`]'s result into that of its input, in place.
pub fn gelu_backward(x: &[f32], gradient: &mut [f32]) {
    gradient.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(gradient, x)| gelu_backward_chunk(gradient, x));
}

vectorised! {
    fn gelu_chunk<'a>(out: &'a mut [f32], x: &'a [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x * normal(x).0;
        }
    }

    fn gelu_backward_chunk<'a>(gradient: &'a mut [f32], x: &'a [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let (phi, density) = normal(x);
            *gradient *= phi + x * density;
        }
    }
}
