//! Products of blocks of matrices, each by one thread: in f32 by faer, of inputs in bf16 by gemmkit.

use std::borrow::Cow;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
pub use gemmkit::bf16;
use gemmkit::{Parallelism, gemm};
use rayon::prelude::*;

use super::simd::vectorised;

/// Numbers that are rounded at a time.
const CHUNK: usize = 1 << 14;

/// The number format of the inputs of a product.
pub trait InputFormat: Copy + Send + Sync + 'static {
    /// Terms of a sum that [`multiply`](Self::multiply) should be given at a time, where sums have very many.
    const TERMS: usize;

    /// Numbers in this format, each the nearest to what it was.
    fn rounded(values: &[f32]) -> Cow<'_, [Self]>;

    /// Writes the product of two matrices to `result`, or adds it.
    ///
    /// # Panics
    /// The shapes do not fit.
    fn multiply(result: MatMut<'_, f32>, accum: Accum, left: View<'_, Self>, right: View<'_, Self>);
}

/// A block of a matrix that is stored row by row, or its transpose.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// The numbers from the first of the block on.
    values: &'a [T],
    /// Rows and columns.
    shape: [usize; 2],
    /// Distance of two rows, and of two columns.
    strides: [usize; 2],
}

impl<'a, T> View<'a, T> {
    /// A matrix of so many columns.
    pub fn new(values: &'a [T], columns: usize) -> Self {
        Self { values, shape: [values.len() / columns, columns], strides: [columns, 1] }
    }

    /// The block of this shape that begins at a row and a column.
    ///
    /// # Panics
    /// It begins after the end.
    pub fn block(self, [row, column]: [usize; 2], shape: [usize; 2]) -> Self {
        Self { values: &self.values[row * self.strides[0] + column * self.strides[1]..], shape, ..self }
    }

    /// The transpose.
    pub fn transposed(self) -> Self {
        let ([rows, columns], [row_stride, column_stride]) = (self.shape, self.strides);
        Self { shape: [columns, rows], strides: [column_stride, row_stride], ..self }
    }
}

impl InputFormat for f32 {
    // faer cuts the terms of a long sum itself, but for less cache than there is.
    const TERMS: usize = 256;

    fn rounded(values: &[f32]) -> Cow<'_, [Self]> {
        Cow::Borrowed(values)
    }

    fn multiply(result: MatMut<'_, f32>, accum: Accum, left: View<'_, Self>, right: View<'_, Self>) {
        matmul(result, accum, faer_matrix(left), faer_matrix(right), 1.0, Par::Seq);
    }
}

fn faer_matrix(View { values, shape: [rows, columns], strides }: View<'_, f32>) -> MatRef<'_, f32> {
    match strides {
        [1, stride] => MatRef::from_column_major_slice_with_stride(values, rows, columns, stride),
        [stride, _] => MatRef::from_row_major_slice_with_stride(values, rows, columns, stride),
    }
}

/// Sums are f32, and rounded to bf16 once.
impl InputFormat for bf16 {
    // A sum that is cut would be rounded more than once.
    const TERMS: usize = usize::MAX;

    fn rounded(values: &[f32]) -> Cow<'_, [Self]> {
        let mut rounded = vec![Self::ZERO; values.len()];
        rounded.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(rounded, values)| round(values, rounded));
        Cow::Owned(rounded)
    }

    fn multiply(mut result: MatMut<'_, f32>, accum: Accum, left: View<'_, Self>, right: View<'_, Self>) {
        let columns = result.ncols();
        let mut product = vec![Self::ZERO; result.nrows() * columns];
        let written = gemmkit::MatMut::from_row_major(&mut product, result.nrows(), columns);
        gemm(Self::ONE, gemmkit_matrix(left), gemmkit_matrix(right), Self::ZERO, written, Parallelism::Serial);
        for (result, product) in result.as_mut().row_iter_mut().zip(product.chunks_exact(columns)) {
            let result = result.try_as_row_major_mut().expect("blocks are row-major").as_slice_mut();
            match accum {
                Accum::Replace => widen(product, result),
                Accum::Add => add_widened(product, result),
            }
        }
    }
}

fn gemmkit_matrix(View { values, shape: [rows, columns], strides }: View<'_, bf16>) -> gemmkit::MatRef<'_, bf16> {
    let [row_stride, column_stride] = strides.map(usize::cast_signed);
    gemmkit::MatRef::new(values, rows, columns, row_stride, column_stride)
}

vectorised! {
    fn widen<'a>(product: &'a [bf16], result: &'a mut [f32]) {
        for (result, product) in result.iter_mut().zip(product) {
            *result = f32::from_bits(u32::from(product.to_bits()) << 16);
        }
    }

    fn add_widened<'a>(product: &'a [bf16], result: &'a mut [f32]) {
        for (result, product) in result.iter_mut().zip(product) {
            *result += f32::from_bits(u32::from(product.to_bits()) << 16);
        }
    }

    /// Rounds to the nearest, of two equally near to the even one.
    fn round<'a>(values: &'a [f32], rounded: &'a mut [bf16]) {
        for (rounded, value) in rounded.iter_mut().zip(values) {
            let bits = value.to_bits();
            let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
            // The sum of a NaN may overflow.
            let of_nan = bits >> 16 | 0x40;
            *rounded = bf16::from_bits(if value.is_nan() { of_nan } else { nearest } as u16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        // 1.003 lies between 1 and 1.0078125; 257 between 256 and 258, of which 256 has the even fraction, 259 between 258 and 260.
        let values = [1.003, 257.0, -259.0, 0.0, f32::INFINITY, f32::MAX, 1e-40, f32::NAN, f32::from_bits(0xffff_ffff)];
        let rounded = bf16::rounded(&values);
        let expected = [1.0, 256.0, -260.0, 0.0, f32::INFINITY, f32::INFINITY, bf16::from_f32(1e-40).to_f32()];
        assert_eq!(rounded[..7].iter().map(|x| x.to_f32()).collect::<Vec<_>>(), expected);
        assert!(rounded[7..].iter().all(|x| x.is_nan()));
        assert!((0..1 << 16).map(|x| x as f32 * 0.013 - 400.0).all(|x| bf16::rounded(&[x])[0] == bf16::from_f32(x)));
    }
}
