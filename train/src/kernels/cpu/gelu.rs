//! GELU by the error function, `x Φ(x)` (Hendrycks and Gimpel 2016).

use rayon::prelude::*;

use super::chunks::{CHUNK, rows_per_chunk};
use super::reductions::sum_rows;
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

/// [`gelu_backward`], and the column sums of the result.
///
/// # Shapes
/// Both `[rows, width]`; the sums `[width]`.
pub fn gelu_backward_with_sums(x: &[f32], gradient: &mut [f32], width: usize) -> Vec<f32> {
    let chunk = rows_per_chunk(width) * width;
    let sums = |(gradient, x): (&mut [f32], &[f32])| {
        gelu_backward_chunk(gradient, x);
        sum_rows(width, std::iter::once(&*gradient))
    };
    let partial: Vec<Vec<f32>> = gradient.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).map(sums).collect();
    sum_rows(width, partial.iter().map(Vec::as_slice))
}

vectorised! {
    /// [`gelu`] of a chunk.
    pub fn gelu_chunk<'a>(out: &'a mut [f32], x: &'a [f32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x * normal(x).0;
        }
    }

    /// [`gelu`] of a chunk, in place.
    pub fn gelu_in_place<'a>(x: &'a mut [f32]) {
        for x in x {
            *x *= normal(*x).0;
        }
    }

    fn gelu_backward_chunk<'a>(gradient: &'a mut [f32], x: &'a [f32]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let (phi, density) = normal(x);
            *gradient *= phi + x * density;
        }
    }
}
