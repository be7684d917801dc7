//! Linear layers ([`Kernels::affine`](crate::kernels::Kernels::affine)): the map `x · weight + bias` of rows and its gradients, by faer's
//! matrix product on blocks of the result.
//!
//! A block's sums are those of one thread and its size is fixed, so that results do not depend on the number of threads. What follows a
//! product is computed block by block, while the block is in the cache.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::gelu::{gelu_chunk, gelu_in_place};
use super::simd::vectorised;

/// Rows of a block at most.
const ROWS: usize = 256;

/// Columns of a block: four of faer's tiles of 96 with AVX-512, sixteen of its 24 with AVX2; they divide the usual widths.
const COLUMNS: usize = 384;

/// Rows and columns of a block of the weight's gradient, and how many terms of its sums are added at a time.
const WEIGHT_BLOCK: [usize; 2] = [192, 192];
const WEIGHT_TERMS: usize = 256;

/// Weight and bias of a linear map.
#[derive(Debug, Clone, Copy)]
pub struct LinearSlices<'a> {
    /// `[in, out]`.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
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
pub fn affine<const N: usize>(x: &[f32], maps: [LinearSlices<'_>; N]) -> [Vec<f32>; N] {
    let mut results = maps.map(|map| result_of(x, map));
    let blocks = results.iter_mut().zip(maps);
    let blocks = blocks.flat_map(|(result, map)| row_blocks(result, map.bias.len()).into_iter().map(move |block| (block, map)));
    blocks.collect::<Vec<_>>().into_par_iter().for_each(|(mut block, map)| affine_block(x, map, &mut block));
    results
}

/// GELU of `x · weight + bias`.
///
/// # Shapes
/// `x` `[rows, in]`; the result `[rows, out]`.
pub fn affine_gelu(x: &[f32], map: LinearSlices<'_>) -> Vec<f32> {
    let mut result = result_of(x, map);
    row_blocks(&mut result, map.bias.len()).into_par_iter().for_each(|mut block| {
        affine_block(x, map, &mut block);
        rows(&mut block.values).for_each(gelu_in_place);
    });
    result
}

/// `x · weight + bias`, which the backward pass of GELU needs, and its GELU.
///
/// # Shapes
/// `x` `[rows, in]`; both results `[rows, out]`.
pub fn affine_and_gelu(x: &[f32], map: LinearSlices<'_>) -> [Vec<f32>; 2] {
    let mut results = [(); 2].map(|()| result_of(x, map));
    let [products, outputs] = results.each_mut().map(|result| row_blocks(result, map.bias.len()));
    products.into_par_iter().zip(outputs).for_each(|(mut product, mut output)| {
        affine_block(x, map, &mut product);
        rows(&mut output.values).zip(rows(&mut product.values)).for_each(|(output, product)| gelu_chunk(output, product));
    });
    results
}

/// Gradient of `x` from those of the results of some maps.
///
/// # Shapes
/// `gradients` `[rows, out]`, `weights` `[in, out]`; the result `[rows, in]`.
pub fn input_gradient<const N: usize>(gradients: [&[f32]; N], weights: [&[f32]; N], outputs: usize) -> Vec<f32> {
    let inputs = weights[0].len() / outputs;
    let mut result = vec![0.0; gradients[0].len() / outputs * inputs];
    row_blocks(&mut result, inputs).into_par_iter().for_each(|Block { row, column, mut values }| {
        for (gradient, weight) in gradients.into_iter().zip(weights) {
            let gradient = matrix(gradient, outputs).subrows(row, values.nrows());
            let weight = matrix(weight, outputs).subrows(column, values.ncols());
            matmul(values.as_mut(), Accum::Add, gradient, weight.transpose(), 1.0, Par::Seq);
        }
    });
    result
}

/// Gradients of the weights of some maps from those of their results.
///
/// # Shapes
/// `x` `[rows, in]`, `gradients` `[rows, out]`; the results `[in, out]`.
pub fn weight_gradients<const N: usize>(x: &[f32], gradients: [&[f32]; N], [inputs, outputs]: [usize; 2]) -> [Vec<f32>; N] {
    let all_rows = x.len() / inputs;
    let mut results = [(); N].map(|()| vec![0.0; inputs * outputs]);
    let blocks = results.iter_mut().zip(gradients);
    let blocks =
        blocks.flat_map(|(result, gradient)| self::blocks(result, outputs, WEIGHT_BLOCK).into_iter().map(move |block| (block, gradient)));
    blocks.collect::<Vec<_>>().into_par_iter().for_each(|(Block { row, column, mut values }, gradient)| {
        for first in (0..all_rows).step_by(WEIGHT_TERMS) {
            let terms = WEIGHT_TERMS.min(all_rows - first);
            let x = matrix(x, inputs).submatrix(first, row, terms, values.nrows());
            let gradient = matrix(gradient, outputs).submatrix(first, column, terms, values.ncols());
            matmul(values.as_mut(), Accum::Add, x.transpose(), gradient, 1.0, Par::Seq);
        }
    });
    results
}

/// Zeros in the shape of the result of a map.
fn result_of(x: &[f32], LinearSlices { weight, bias }: LinearSlices<'_>) -> Vec<f32> {
    vec![0.0; x.len() / (weight.len() / bias.len()) * bias.len()]
}

/// A block of the result of a map.
fn affine_block(x: &[f32], LinearSlices { weight, bias }: LinearSlices<'_>, Block { row, column, values }: &mut Block<'_>) {
    let (rows_of_block, columns) = (values.nrows(), values.ncols());
    let x = matrix(x, weight.len() / bias.len()).subrows(*row, rows_of_block);
    let weight = matrix(weight, bias.len()).subcols(*column, columns);
    matmul(values.as_mut(), Accum::Replace, x, weight, 1.0, Par::Seq);
    rows(values).for_each(|row| add_in_place(row, &bias[*column..*column + columns]));
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

fn matrix(values: &[f32], columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / columns, columns)
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

    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * step).sin()).collect()
    }

    /// The product of `[rows, terms]` and `[terms, columns]`, whose elements the functions give.
    fn product([rows, terms, columns]: [usize; 3], left: impl Fn(usize, usize) -> f32, right: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places.map(|(row, column)| (0..terms).map(|term| left(row, term) * right(term, column)).sum()).collect()
    }

    fn assert_close(got: &[f32], expected: &[f32], what: &str) {
        assert_eq!(got.len(), expected.len(), "{what}");
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-3, "{what}: {got}, expected {expected}");
        }
    }

    #[test]
    fn blocks_of_any_shape_make_the_whole_product() {
        for [rows, inputs, outputs] in [[0, 3, 2], [1, 1, 1], [5, 7, 385], [300, 20, 2], [517, 193, 9]] {
            let what = format!("{rows} rows, {inputs} to {outputs}");
            let (x, weight) = (numbers(rows * inputs, 0.37), numbers(inputs * outputs, 0.71));
            let (bias, gradient) = (numbers(outputs, 0.13), numbers(rows * outputs, 0.53));
            let map = LinearSlices { weight: &weight, bias: &bias };
            let expected = product([rows, inputs, outputs], |row, at| x[row * inputs + at], |at, column| weight[at * outputs + column]);
            let expected: Vec<f32> = expected.iter().enumerate().map(|(at, sum)| sum + bias[at % outputs]).collect();
            affine(&x, [map; 3]).iter().for_each(|got| assert_close(got, &expected, &what));
            let [sums, of_gelu] = affine_and_gelu(&x, map);
            assert_close(&sums, &expected, &what);
            assert_eq!(of_gelu, affine_gelu(&x, map), "{what}");

            let expected =
                product([rows, outputs, inputs], |row, at| gradient[row * outputs + at], |at, column| weight[column * outputs + at]);
            let twice: Vec<f32> = expected.iter().map(|x| x * 2.0).collect();
            assert_close(&input_gradient([&gradient], [&weight], outputs), &expected, &what);
            assert_close(&input_gradient([&gradient; 2], [&weight; 2], outputs), &twice, &what);
            let expected = product([inputs, rows, outputs], |row, at| x[at * inputs + row], |at, column| gradient[at * outputs + column]);
            let [first, second] = weight_gradients(&x, [&gradient; 2], [inputs, outputs]);
            assert_close(&first, &expected, &what);
            assert_eq!(first, second, "{what}");
        }
    }
}
