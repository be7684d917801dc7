//! Sums over rows and over all elements, in a fixed order.

use rayon::prelude::*;

use super::chunks::{CHUNK, rows_per_chunk};
use super::simd::{sum_of, vectorised};

/// Column sums of rows of this width: the gradient of a bias.
pub fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let partial: Vec<Vec<f32>> = x.par_chunks(rows_per_chunk(width) * width).map(|rows| sum_rows(width, std::iter::once(rows))).collect();
    sum_rows(width, partial.iter().map(Vec::as_slice))
}

/// Column sums of blocks of rows, one after the other.
pub fn sum_rows<'a>(width: usize, blocks: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    blocks.for_each(|rows| add_rows(&mut sums, rows));
    sums
}

/// Sum of the squares of all elements.
pub fn square_sum(x: &[f32]) -> f32 {
    let square_sum = |x: &[f32]| {
        let mut sum = 0.0;
        square_chunk(&mut sum, x);
        f64::from(sum)
    };
    // Collected and added in order: a parallel sum has none.
    let partial: Vec<f64> = x.par_chunks(CHUNK).map(square_sum).collect();
    partial.into_iter().sum::<f64>() as f32
}

vectorised! {
    fn add_rows<'a>(sums: &'a mut [f32], rows: &'a [f32]) {
        for row in rows.chunks_exact(sums.len()) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }

    fn square_chunk<'a>(sum: &'a mut f32, x: &'a [f32]) {
        *sum = sum_of(x.len(), |at| x[at] * x[at]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_threads() {
        let x: Vec<f32> = (0..100_003).map(|at| (at as f32 * 0.37).sin()).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (square_sum(&x), column_sums(&x[..99_990], 33)))
        };
        assert_eq!(run(1), run(3));
    }
}
