//! Dropout of slices.

use rayon::prelude::*;

use super::chunks::CHUNK;
use super::simd::vectorised;
use crate::kernels::dropout::{Dropout, DropoutMask};

/// Dropout in place. Forward and backward pass are the same.
pub fn dropout_in_place(x: &mut [f32], dropout: Dropout) {
    let mask = DropoutMask::new(Some(dropout));
    x.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| mask_chunk(x, mask, chunk * CHUNK));
}

/// Dropout of a copy.
pub fn dropout(x: &[f32], dropout: Dropout) -> Vec<f32> {
    let mask = DropoutMask::new(Some(dropout));
    let mut out = vec![0.0; x.len()];
    let chunks = out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).enumerate();
    chunks.for_each(|(chunk, (out, x))| masked_chunk(out, x, mask, chunk * CHUNK));
    out
}

vectorised! {
    fn mask_chunk<'a>(x: &'a mut [f32], mask: DropoutMask, first: usize) {
        for (at, x) in x.iter_mut().enumerate() {
            *x *= mask.factor(first + at);
        }
    }

    fn masked_chunk<'a>(out: &'a mut [f32], x: &'a [f32], mask: DropoutMask, first: usize) {
        for (at, (out, x)) in out.iter_mut().zip(x).enumerate() {
            *out = x * mask.factor(first + at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_use_the_mask_of_the_whole_tensor() {
        let settings = Dropout { rate: 0.3, seed: 11 };
        let mask = DropoutMask::new(Some(settings));
        let x: Vec<f32> = (0..3 * CHUNK + 5).map(|at| at as f32).collect();
        let expected: Vec<f32> = x.iter().enumerate().map(|(at, x)| x * mask.factor(at)).collect();
        assert_eq!(dropout(&x, settings), expected);
        let mut in_place = x;
        dropout_in_place(&mut in_place, settings);
        assert_eq!(in_place, expected);
    }
}
