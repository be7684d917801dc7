//! Sums over the units of a cube, over columns and over whole tensors, in a fixed order.

use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{UNITS, array, empty, rows_and_columns, unit_per_element};

/// Rows that one unit adds up, unless that makes more than [`MOST_CHUNKS`].
const CHUNK: usize = 64;

/// Most chunks of rows: the limit of a launch in its second dimension (65,535 on CUDA).
const MOST_CHUNKS: usize = 65_535;

/// Most cubes that add up the squares of one tensor.
const SQUARE_CUBES: usize = 128;

/// Column sums of a matrix, f32.
///
/// # Shapes
/// `[rows, width]` to `[width]`.
pub fn column_sums<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let x = into_contiguous(x);
    let unused = empty(&x, Shape::new([1]), DType::F32);
    let [sums] = chunked_column_sums(&x, &unused, false);
    sums
}

/// Column sums of `x · y` (element by element) and of `x`, f32.
///
/// # Shapes
/// `[rows, width]` twice to `[width]` twice.
pub fn column_sums_with_products<R: CubeRuntime>(x: CubeTensor<R>, y: CubeTensor<R>) -> [CubeTensor<R>; 2] {
    chunked_column_sums(&into_contiguous(x), &into_contiguous(y), true)
}

/// Sums of each chunk of rows, then the sum of the chunks.
fn chunked_column_sums<R: CubeRuntime, const N: usize>(x: &CubeTensor<R>, y: &CubeTensor<R>, products: bool) -> [CubeTensor<R>; N] {
    let [rows, width] = rows_and_columns(x);
    let chunk = chunk_rows(rows);
    let chunks = rows.div_ceil(chunk);
    let partial = empty(x, Shape::new([N, chunks, width]), DType::F32);
    let dim = CubeDim::new_1d(UNITS);
    let count = CubeCount::Static((width as u32).div_ceil(UNITS), chunks as u32, 1);
    column_sums_kernel::launch(&x.client, count, dim, array(x), array(y), array(&partial), width, chunk, products, x.dtype.into());
    std::array::from_fn(|kind| {
        let out = empty(x, Shape::new([width]), DType::F32);
        let (count, dim) = unit_per_element(&out);
        fold_chunks_kernel::launch(&x.client, count, dim, array(&partial), array(&out), kind * chunks * width, chunks);
        out
    })
}

/// Rows of a chunk of so many rows.
fn chunk_rows(rows: usize) -> usize {
    CHUNK.max(rows.div_ceil(MOST_CHUNKS))
}

/// Sum of the squares of all elements of some tensors, `[1]`.
///
/// # Panics
/// There is no tensor.
pub fn square_sum<R: CubeRuntime>(tensors: Vec<CubeTensor<R>>) -> CubeTensor<R> {
    let cubes = |x: &CubeTensor<R>| x.shape().num_elements().div_ceil(UNITS as usize * 8).clamp(1, SQUARE_CUBES);
    let first = &tensors[0];
    let sums = empty(first, Shape::new([tensors.iter().map(cubes).sum()]), DType::F32);
    let mut offset = 0;
    for tensor in &tensors {
        let tensor = into_contiguous(tensor.clone());
        let count = cubes(&tensor);
        let (dim, cubes) = (CubeDim::new_1d(UNITS), CubeCount::Static(count as u32, 1, 1));
        square_sums_kernel::launch(&tensor.client, cubes, dim, array(&tensor), array(&sums), offset);
        offset += count;
    }
    Cube::<R>::float_sum(sums)
}

/// Sum of the values of all units of the cube. Every unit must call it.
#[cube]
pub(super) fn cube_sum(value: f32) -> f32 {
    let mut of_planes = SharedMemory::<f32>::new(128usize);
    let of_plane = plane_sum(value);
    if UNIT_POS_PLANE == 0 {
        of_planes[(UNIT_POS / PLANE_DIM) as usize] = of_plane;
    }
    sync_cube();
    let mut sum = 0.0f32;
    for plane in 0..CUBE_DIM / PLANE_DIM {
        sum += of_planes[plane as usize];
    }
    sync_cube();
    sum
}

/// Largest of the values of all units of the cube. Every unit must call it.
#[cube]
pub(super) fn cube_max(value: f32) -> f32 {
    let mut of_planes = SharedMemory::<f32>::new(128usize);
    let of_plane = plane_max(value);
    if UNIT_POS_PLANE == 0 {
        of_planes[(UNIT_POS / PLANE_DIM) as usize] = of_plane;
    }
    sync_cube();
    let mut largest = of_planes[0];
    for plane in 1..CUBE_DIM / PLANE_DIM {
        largest = max(largest, of_planes[plane as usize]);
    }
    sync_cube();
    largest
}

/// Column sums of `x` over each chunk of rows, and with `products` those of `x · y` before them. A unit adds up a column of a chunk.
#[cube(launch)]
fn column_sums_kernel<F: Float>(
    x: &Array<F>,
    y: &Array<f32>,
    partial: &mut Array<f32>,
    width: usize,
    chunk: usize,
    #[comptime] products: bool,
    #[define(F)] _dtype: StorageType,
) {
    let column = CUBE_POS_X as usize * CUBE_DIM as usize + UNIT_POS as usize;
    if column < width {
        let rows = x.len() / width;
        let first = CUBE_POS_Y as usize * chunk;
        let end = min(first + chunk, rows);
        let mut sum = 0.0f32;
        let mut product = 0.0f32;
        for row in first..end {
            let value = f32::cast_from(x[row * width + column]);
            sum += value;
            if comptime!(products) {
                product += value * y[row * width + column];
            }
        }
        let at = CUBE_POS_Y as usize * width + column;
        if comptime!(products) {
            let half = partial.len() / 2;
            partial[at] = product;
            partial[half + at] = sum;
        } else {
            partial[at] = sum;
        }
    }
}

/// Adds up the chunks of `column_sums_kernel` in their order. A unit adds up a column.
#[cube(launch)]
fn fold_chunks_kernel(partial: &Array<f32>, out: &mut Array<f32>, offset: usize, chunks: usize) {
    if ABSOLUTE_POS < out.len() {
        let mut sum = 0.0f32;
        for chunk in 0..chunks {
            sum += partial[offset + chunk * out.len() + ABSOLUTE_POS];
        }
        out[ABSOLUTE_POS] = sum;
    }
}

/// Sums of squares of a tensor, one for each cube, written from `offset` on.
#[cube(launch)]
fn square_sums_kernel(x: &Array<f32>, out: &mut Array<f32>, offset: usize) {
    let mut sum = 0.0f32;
    let stride = CUBE_COUNT * CUBE_DIM as usize;
    let rounds = (x.len() + stride - 1) / stride;
    for round in 0..rounds {
        let at = round * stride + ABSOLUTE_POS;
        if at < x.len() {
            sum += x[at] * x[at];
        }
    }
    let sum = cube_sum(sum);
    if UNIT_POS == 0 {
        out[offset + CUBE_POS] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_launch_has_more_chunks_than_a_gpu_takes() {
        assert_eq!([1, 64, 4_194_240].map(chunk_rows), [64; 3]);
        for rows in [4_194_241, 8_388_480, 8_388_481, 400_000_000] {
            assert!(rows.div_ceil(chunk_rows(rows)) <= MOST_CHUNKS, "{rows}");
        }
    }
}
