//! Linear layers ([`Kernels::affine`](crate::kernels::Kernels::affine)): the map `x · weight + bias` of rows and its gradients, by products of
//! blocks, whose inputs have the number format `T`.
//!
//! A block's sums are those of one thread and its size is fixed, so that results do not depend on the number of threads. What follows a
//! product is computed block by block, while the block is in the cache.

use std::borrow::Cow;

use faer::{Accum, MatMut};
use rayon::prelude::*;

use super::gelu::{gelu_chunk, gelu_in_place};
use super::product::{InputFormat, View};
use super::simd::vectorised;

/// Rows of a block at most.
const ROWS: usize = 256;

/// Columns of a block: four of faer's tiles of 96 with AVX-512, sixteen of its 24 with AVX2; they divide the usual widths.
const COLUMNS: usize = 384;

/// Rows and columns of a block of the weight's gradient.
const WEIGHT_BLOCK: [usize; 2] = [192, 192];

/// Weight and bias of a linear map.
#[derive(Debug, Clone, Copy)]
pub struct LinearSlices<'a> {
    /// `[in, out]`.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
}

/// A map with its weight in the format of products.
struct RoundedMap<'a, T: Clone> {
    weight: Cow<'a, [T]>,
    bias: &'a [f32],
}

impl<'a, T: InputFormat> RoundedMap<'a, T> {
    fn new(map: LinearSlices<'a>) -> Self {
        Self { weight: T::rounded(map.weight), bias: map.bias }
    }
}

/// A block of a matrix.
struct Block<'a> {
    row: usize,
    column: usize,
    values: MatMut<'a, f32>,
}

/// `x · weight + bias` for each of some maps of the same shape.
///
/// # Shapes
/// `x` `[rows, in]`; the results `[rows, out]`.
pub fn affine<T: InputFormat, const N: usize>(x: &[f32], maps: [LinearSlices<'_>; N]) -> [Vec<f32>; N] {
    let mut results = maps.map(|map| result_of(x, map));
    let x = T::rounded(x);
    let maps = maps.map(RoundedMap::<T>::new);
    let blocks = results.iter_mut().zip(&maps);
    let blocks = blocks.flat_map(|(result, map)| row_blocks(result, map.bias.len()).into_iter().map(move |block| (block, map)));
    blocks.collect::<Vec<_>>().into_par_iter().for_each(|(mut block, map)| affine_block(&x, map, &mut block));
    results
}

/// GELU of `x · weight + bias`.
///
/// # Shapes
/// `x` `[rows, in]`; the result `[rows, out]`.
pub fn affine_gelu<T: InputFormat>(x: &[f32], map: LinearSlices<'_>) -> Vec<f32> {
    let mut result = result_of(x, map);
    let (x, map) = (T::rounded(x), RoundedMap::<T>::new(map));
    row_blocks(&mut result, map.bias.len()).into_par_iter().for_each(|mut block| {
        affine_block(&x, &map, &mut block);
        rows(&mut block.values).for_each(gelu_in_place);
    });
    result
}

/// `x · weight + bias`, which the backward pass of GELU needs, and its GELU.
///
/// # Shapes
/// `x` `[rows, in]`; both results `[rows, out]`.
pub fn affine_and_gelu<T: InputFormat>(x: &[f32], map: LinearSlices<'_>) -> [Vec<f32>; 2] {
    let mut results = [(); 2].map(|()| result_of(x, map));
    let (x, map) = (T::rounded(x), RoundedMap::<T>::new(map));
    let [products, outputs] = results.each_mut().map(|result| row_blocks(result, map.bias.len()));
    products.into_par_iter().zip(outputs).for_each(|(mut product, mut output)| {
        affine_block(&x, &map, &mut product);
        rows(&mut output.values).zip(rows(&mut product.values)).for_each(|(output, product)| gelu_chunk(output, product));
    });
    results
}

/// Gradient of `x` from those of the results of some maps.
///
/// # Shapes
/// `gradients` `[rows, out]`, `weights` `[in, out]`; the result `[rows, in]`.
pub fn input_gradient<T: InputFormat, const N: usize>(gradients: [&[f32]; N], weights: [&[f32]; N], outputs: usize) -> Vec<f32> {
    let inputs = weights[0].len() / outputs;
    let mut result = vec![0.0; gradients[0].len() / outputs * inputs];
    let (gradients, weights) = (gradients.map(T::rounded), weights.map(T::rounded));
    row_blocks(&mut result, inputs).into_par_iter().for_each(|Block { row, column, mut values }| {
        for (gradient, weight) in gradients.iter().zip(&weights) {
            let gradient = View::new(gradient, outputs).block([row, 0], [values.nrows(), outputs]);
            let weight = View::new(weight, outputs).block([column, 0], [values.ncols(), outputs]);
            T::multiply(values.as_mut(), Accum::Add, gradient, weight.transposed());
        }
    });
    result
}

/// Gradients of the weights of some maps from those of their results.
///
/// # Shapes
/// `x` `[rows, in]`, `gradients` `[rows, out]`; the results `[in, out]`.
pub fn weight_gradients<T: InputFormat, const N: usize>(x: &[f32], gradients: [&[f32]; N], [inputs, outputs]: [usize; 2]) -> [Vec<f32>; N] {
    let all_rows = x.len() / inputs;
    let mut results = [(); N].map(|()| vec![0.0; inputs * outputs]);
    let (x, gradients) = (T::rounded(x), gradients.map(T::rounded));
    let blocks = results.iter_mut().zip(&gradients);
    let blocks =
        blocks.flat_map(|(result, gradient)| self::blocks(result, outputs, WEIGHT_BLOCK).into_iter().map(move |block| (block, gradient)));
    blocks.collect::<Vec<_>>().into_par_iter().for_each(|(Block { row, column, mut values }, gradient)| {
        for first in (0..all_rows).step_by(T::TERMS) {
            let terms = T::TERMS.min(all_rows - first);
            let x = View::new(&x, inputs).block([first, row], [terms, values.nrows()]);
            let gradient = View::new(gradient, outputs).block([first, column], [terms, values.ncols()]);
            T::multiply(values.as_mut(), Accum::Add, x.transposed(), gradient);
        }
    });
    results
}

/// Zeros in the shape of the result of a map.
fn result_of(x: &[f32], LinearSlices { weight, bias }: LinearSlices<'_>) -> Vec<f32> {
    vec![0.0; x.len() / (weight.len() / bias.len()) * bias.len()]
}

/// A block of the result of a map.
fn affine_block<T: InputFormat>(x: &[T], RoundedMap { weight, bias }: &RoundedMap<'_, T>, Block { row, column, values }: &mut Block<'_>) {
    let inputs = weight.len() / bias.len();
    let x = View::new(x, inputs).block([*row, 0], [values.nrows(), inputs]);
    let weight = View::new(weight, bias.len()).block([0, *column], [inputs, values.ncols()]);
    let bias = &bias[*column..*column + values.ncols()];
    T::multiply(values.as_mut(), Accum::Replace, x, weight);
    rows(values).for_each(|row| add_in_place(row, bias));
}

/// The blocks of a result of so many columns: an even number of blocks of nearly as many rows, so that two threads have the same to do.
fn row_blocks(values: &mut [f32], columns: usize) -> Vec<Block<'_>> {
    // Blocks have a size where there are no rows.
    let rows = (values.len() / columns).max(1);
    let count = rows.div_ceil(ROWS).next_multiple_of(2);
    blocks(values, columns, [rows.div_ceil(count).next_multiple_of(4), COLUMNS])
}

/// The blocks of a matrix of so many columns, of these rows and columns at most.
fn blocks(values: &mut [f32], columns: usize, [block_rows, block_columns]: [usize; 2]) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for (number, rows) in values.chunks_mut(block_rows * columns).enumerate() {
        let row_count = rows.len() / columns;
        let mut rest = MatMut::from_row_major_slice_mut(rows, row_count, columns);
        for column in (0..columns).step_by(block_columns) {
            let (values, right) = rest.split_at_col_mut(block_columns.min(columns - column));
            blocks.push(Block { row: number * block_rows, column, values });
            rest = right;
        }
    }
    blocks
}

/// The rows of a block.
fn rows<'a>(values: &'a mut MatMut<'_, f32>) -> impl Iterator<Item = &'a mut [f32]> {
    values.as_mut().row_iter_mut().map(|row| row.try_as_row_major_mut().expect("blocks are row-major").as_slice_mut())
}

vectorised! {
    fn add_in_place<'a>(row: &'a mut [f32], bias: &'a [f32]) {
        for (x, bias) in row.iter_mut().zip(bias) {
            *x += bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu::product::bf16;

    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * step).sin()).collect()
    }

    /// The product of `[rows, terms]` and `[terms, columns]`, whose elements the functions give.
    fn product([rows, terms, columns]: [usize; 3], left: impl Fn(usize, usize) -> f32, right: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places.map(|(row, column)| (0..terms).map(|term| left(row, term) * right(term, column)).sum()).collect()
    }

    /// The distance of two matrices, relative to the norm of the one that is expected.
    fn assert_close(got: &[f32], expected: &[f32], tolerance: f64, what: &str) {
        assert_eq!(got.len(), expected.len(), "{what}");
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let (distance, size) = (norm(&mut got.iter().zip(expected).map(|(a, b)| a - b)), norm(&mut expected.iter().copied()));
        assert!(distance <= tolerance * size, "{what}: distance {distance:e} of {size}");
    }

    /// The numbers as a format has them, for the product that is expected.
    fn in_format<T: InputFormat + Into<f32>>(values: &[f32]) -> Vec<f32> {
        T::rounded(values).iter().map(|&x| x.into()).collect()
    }

    #[test]
    fn blocks_of_any_shape_make_the_whole_product() {
        for shape in [[0, 3, 2], [1, 1, 1], [5, 7, 385], [300, 20, 2], [517, 193, 9]] {
            check::<f32>(shape, 5e-6);
            check::<bf16>(shape, 4e-3);
        }
    }

    /// Compares products with plain ones of the same rounded numbers; results of the format may differ by `tolerance` of a whole matrix.
    fn check<T: InputFormat + Into<f32>>([rows, inputs, outputs]: [usize; 3], tolerance: f64) {
        let what = format!("{rows} rows, {inputs} to {outputs}, {}", std::any::type_name::<T>());
        let assert_close = |got: &[f32], expected: &[f32]| assert_close(got, expected, tolerance, &what);
        let (x, weight) = (numbers(rows * inputs, 0.37), numbers(inputs * outputs, 0.71));
        let (bias, gradient) = (numbers(outputs, 0.13), numbers(rows * outputs, 0.53));
        let map = LinearSlices { weight: &weight, bias: &bias };
        let [x_in, weight_in, gradient_in] = [&x, &weight, &gradient].map(|values| in_format::<T>(values));
        let expected = product([rows, inputs, outputs], |row, at| x_in[row * inputs + at], |at, column| weight_in[at * outputs + column]);
        let expected: Vec<f32> = expected.iter().enumerate().map(|(at, sum)| sum + bias[at % outputs]).collect();
        affine::<T, 3>(&x, [map; 3]).iter().for_each(|got| assert_close(got, &expected));
        let [sums, of_gelu] = affine_and_gelu::<T>(&x, map);
        assert_close(&sums, &expected);
        assert_eq!(of_gelu, affine_gelu::<T>(&x, map), "{what}");

        let expected =
            product([rows, outputs, inputs], |row, at| gradient_in[row * outputs + at], |at, column| weight_in[column * outputs + at]);
        let twice: Vec<f32> = expected.iter().map(|x| x * 2.0).collect();
        assert_close(&input_gradient::<T, 1>([&gradient], [&weight], outputs), &expected);
        assert_close(&input_gradient::<T, 2>([&gradient; 2], [&weight; 2], outputs), &twice);
        let expected = product([inputs, rows, outputs], |row, at| x_in[at * inputs + row], |at, column| gradient_in[at * outputs + column]);
        let [first, second] = weight_gradients::<T, 2>(&x, [&gradient; 2], [inputs, outputs]);
        assert_close(&first, &expected);
        assert_eq!(first, second, "{what}");
    }
}
