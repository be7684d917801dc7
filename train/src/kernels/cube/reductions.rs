//! Sums over the units of a cube, over columns and over whole tensors, in a fixed order.

use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{UNITS, array, empty, rows_and_columns, vector_size};

/// Rows that one unit adds up, unless that makes more than [`MOST_CHUNKS`].
const CHUNK: usize = 16;

/// Units of a cube that has a chunk of rows.
const CHUNK_UNITS: u32 = 128;

/// Most chunks of rows: the limit of a launch in its second dimension (65,535 on CUDA).
const MOST_CHUNKS: usize = 65_535;

/// Columns and chunks that a cube of [`fold_chunks`] takes at once.
const FOLD_UNITS: [u32; 2] = [32, 8];

/// Tensors whose squares a launch adds up: each is an argument of the kernel.
const SQUARE_TENSORS: usize = 24;

/// Most cubes of such a launch.
const SQUARE_CUBES: usize = 128;

/// Column sums of a matrix, f32.
///
/// # Shapes
/// `[rows, width]` to `[width]`.
pub fn column_sums<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let x = into_contiguous(x);
    let chunks = RowChunks::of(&x, rows_and_columns(&x)[1]);
    let partial = chunks.partial_sums(&x, 1);
    let (count, dim) = chunks.launch();
    column_sums_kernel::launch(
        &x.client,
        count,
        dim,
        chunks.vector,
        array(&x),
        array(&partial),
        chunks.columns,
        chunks.rows,
        x.dtype.into(),
    );
    let [sums] = fold_chunks([&partial]);
    sums
}

/// How a kernel that also adds up columns divides the rows of a matrix: each unit has a vector of neighbouring columns of a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowChunks {
    /// Elements of a vector.
    pub vector: usize,
    /// Vectors of a row.
    pub columns: usize,
    /// Rows of a chunk.
    pub rows: usize,
    /// Chunks.
    pub count: usize,
}

impl RowChunks {
    /// The chunks of a tensor's rows, with vectors that divide stretches of so many columns.
    pub fn of<R: CubeRuntime>(x: &CubeTensor<R>, stretch: usize) -> Self {
        let [rows, width] = rows_and_columns(x);
        let (chunk, vector) = (chunk_rows(rows), vector_size(x, stretch));
        Self { vector, columns: width / vector, rows: chunk, count: rows.div_ceil(chunk) }
    }

    /// A launch with a unit for each vector of columns of each chunk: a cube's place along y is its chunk.
    pub fn launch(self) -> (CubeCount, CubeDim) {
        (CubeCount::Static((self.columns as u32).div_ceil(CHUNK_UNITS), self.count as u32, 1), CubeDim::new_1d(CHUNK_UNITS))
    }

    /// Memory for the sums of each chunk, f32, `[count, kinds, width / kinds]`.
    pub fn partial_sums<R: CubeRuntime>(self, like: &CubeTensor<R>, kinds: usize) -> CubeTensor<R> {
        empty(like, Shape::new([self.count, kinds, self.columns * self.vector / kinds]), DType::F32)
    }
}

/// Rows of a chunk of so many rows.
fn chunk_rows(rows: usize) -> usize {
    CHUNK.max(rows.div_ceil(MOST_CHUNKS))
}

/// The sums over all chunks, for each kind of sum of each array, by one launch.
///
/// # Shapes
/// `[chunks, kinds, width]` each, to as many `[width]` as there are kinds in all, `N`.
///
/// # Panics
/// There are not `N` kinds in all.
pub(super) fn fold_chunks<R: CubeRuntime, const M: usize, const N: usize>(partials: [&CubeTensor<R>; M]) -> [CubeTensor<R>; N] {
    let sums_of = |partial: &CubeTensor<R>| {
        let [kinds, width] = [partial.shape()[1], partial.shape()[2]];
        (0..kinds).map(|_| empty(partial, Shape::new([width]), DType::F32)).collect::<Vec<_>>()
    };
    let sums: Vec<CubeTensor<R>> = partials.iter().flat_map(|partial| sums_of(partial)).collect();
    let widest = sums.iter().map(|sums| sums.shape()[0]).max().unwrap_or(0) as u32;
    let [x, y] = FOLD_UNITS;
    fold_chunks_kernel::launch(
        &sums[0].client,
        CubeCount::Static(widest.div_ceil(x), sums.len() as u32, 1),
        CubeDim::new_2d(x, y),
        partials.iter().map(|partial| array(partial)).collect(),
        sums.iter().map(array).collect(),
        partials.map(|partial| partial.shape()[1]).to_vec(),
    );
    sums.try_into().unwrap_or_else(|sums: Vec<_>| panic!("{} kinds of sums in the place of {N}", sums.len()))
}

/// Sum of the squares of all elements of some tensors, `[1]`.
///
/// # Panics
/// There is no tensor.
pub fn square_sum<R: CubeRuntime>(tensors: Vec<CubeTensor<R>>) -> CubeTensor<R> {
    let mut tensors: Vec<CubeTensor<R>> = tensors.into_iter().map(into_contiguous).collect();
    let length = |x: &CubeTensor<R>| x.shape().num_elements();
    // Those of like length share a launch, whose cubes are as many as the longest needs.
    tensors.sort_by_key(length);
    let cubes = |group: &[CubeTensor<R>]| group.iter().map(length).max().unwrap_or(0).div_ceil(UNITS as usize * 8).clamp(1, SQUARE_CUBES);
    let groups = || tensors.chunks(SQUARE_TENSORS);
    let first = &tensors[0];
    let sums = empty(first, Shape::new([groups().map(cubes).sum()]), DType::F32);
    let mut offset = 0;
    for group in groups() {
        let count = cubes(group);
        let (dim, cubes) = (CubeDim::new_1d(UNITS), CubeCount::Static(count as u32, 1, 1));
        square_sums_kernel::launch(&first.client, cubes, dim, group.iter().map(array).collect(), array(&sums), offset, group.len());
        offset += count;
    }
    Cube::<R>::float_sum(sums)
}

/// Sum of the elements of a vector.
#[cube]
pub(super) fn lane_sum<N: Size>(vector: Vector<f32, N>) -> f32 {
    let mut sum = 0.0f32;
    #[unroll]
    for lane in 0..N::value() {
        sum += vector[lane];
    }
    sum
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

/// Sum of the values of the units along y, of which there are 256 in the cube at most; for the first of them alone. Every unit must call it.
#[cube]
pub(super) fn column_sum(value: f32) -> f32 {
    let mut of_units = SharedMemory::<f32>::new(256usize);
    of_units[UNIT_POS as usize] = value;
    sync_cube();
    let mut sum = 0.0f32;
    if UNIT_POS_Y == 0 {
        for unit in 0..CUBE_DIM_Y {
            sum += of_units[(unit * CUBE_DIM_X + UNIT_POS_X) as usize];
        }
    }
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

/// Column sums of `x` over each chunk of rows, in vectors.
#[cube(launch)]
fn column_sums_kernel<F: Float, N: Size>(
    x: &Array<Vector<F, N>>,
    partial: &mut Array<Vector<f32, N>>,
    columns: usize,
    chunk: usize,
    #[define(F)] _dtype: StorageType,
) {
    let column = CUBE_POS_X as usize * CUBE_DIM as usize + UNIT_POS as usize;
    if column < columns {
        let first = CUBE_POS_Y as usize * chunk;
        let end = min(first + chunk, x.len() / columns);
        let mut sum = Vector::<f32, N>::new(0.0f32);
        for row in first..end {
            sum += Vector::cast_from(x[row * columns + column]);
        }
        partial[CUBE_POS_Y as usize * columns + column] = sum;
    }
}

/// Adds up the chunks of a kind of sum: which of all kinds, is the cube's place along y. The units along y share the chunks of a column in a fixed
/// way, so that the sum is the same each time.
#[cube(launch)]
fn fold_chunks_kernel(partials: &Sequence<Array<f32>>, sums: &mut Sequence<Array<f32>>, #[comptime] kinds: Vec<usize>) {
    let column = CUBE_POS_X as usize * CUBE_DIM_X as usize + UNIT_POS_X as usize;
    #[unroll]
    for number in 0..comptime!(kinds.len()) {
        #[unroll]
        for kind in 0..comptime!(kinds[number]) {
            let place = comptime!(kinds[..number].iter().sum::<usize>() + kind);
            if CUBE_POS_Y as usize == place {
                let partial = partials.index(number);
                let out = sums.index_mut(place);
                let width = out.len();
                let of_chunk = comptime!(kinds[number]) * width;
                let mut sum = 0.0f32;
                if column < width {
                    for chunk in range_stepped(UNIT_POS_Y as usize, partial.len() / of_chunk, CUBE_DIM_Y as usize) {
                        sum += partial[chunk * of_chunk + kind * width + column];
                    }
                }
                let total = column_sum(sum);
                if UNIT_POS_Y == 0 && column < width {
                    out[column] = total;
                }
            }
        }
    }
}

/// Sums of squares of tensors, one for each cube, written from `offset` on.
#[cube(launch)]
fn square_sums_kernel(tensors: &Sequence<Array<f32>>, out: &mut Array<f32>, offset: usize, #[comptime] count: usize) {
    let mut sum = 0.0f32;
    let stride = CUBE_COUNT * CUBE_DIM as usize;
    #[unroll]
    for tensor in 0..count {
        let x = tensors.index(tensor);
        for at in range_stepped(ABSOLUTE_POS, x.len(), stride) {
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
        assert_eq!([1, 16, 1_048_560].map(chunk_rows), [16; 3]);
        for rows in [1_048_561, 2_097_120, 2_097_121, 400_000_000] {
            assert!(rows.div_ceil(chunk_rows(rows)) <= MOST_CHUNKS, "{rows}");
        }
    }
}
