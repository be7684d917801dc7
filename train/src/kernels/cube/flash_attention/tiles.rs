//! Tiles of matrices in shared memory, and their products on tensor cores.
//!
//! A cube has a tile of rows of one head, [`SIDE`] for each of its planes, and goes through the other matrix in blocks of [`BLOCK`] rows. What a
//! plane does with its rows of scores, no other plane sees, so that it waits for its own units alone.

use cubecl::cmma::{self, Matrix, MatrixIdent, MatrixLayout};
use cubecl::prelude::*;

/// Rows and columns of a fragment of tensor cores, and rows of a plane.
pub const SIDE: usize = 16;

/// Rows of a block of the matrix that a cube goes through.
pub const BLOCK: usize = 32;

/// Elements of a vector of 16-bit numbers.
pub const VECTOR: usize = 8;

/// Elements of a row of scores in shared memory, which has a gap so that neighbouring rows are in different banks.
const SCORE_STRIDE: usize = BLOCK + 4;

/// As [`SCORE_STRIDE`], for weights, in 16 bits.
const WEIGHT_STRIDE: usize = BLOCK + VECTOR;

/// Scores that a unit has of a block: a row of its plane is of two units, which take columns in turn.
pub const SCORES_OF_UNIT: usize = BLOCK / 2;

/// One head's rows of one sequence in a matrix of tokens. Numbers count vectors, but for rows.
#[derive(CubeType, Clone, Copy)]
pub struct HeadRows {
    /// Where the head begins in the first token.
    pub first: usize,
    /// From a token to the next.
    pub stride: usize,
    /// Tokens of the sequence.
    pub length: usize,
}

/// The head and the tile of a cube, whose place along x is the head of a sequence, and along y the tile.
#[derive(CubeType, Clone, Copy)]
pub struct Head {
    /// Number of the head in its sequence.
    pub number: usize,
    /// First row of the tile.
    pub first_row: usize,
    /// Tokens of the sequence without padding.
    pub real: usize,
    /// Where the head's queries are in the product.
    pub queries: HeadRows,
    /// Its keys.
    pub keys: HeadRows,
    /// Its values.
    pub values: HeadRows,
    /// Its rows in the output.
    pub output: HeadRows,
}

/// The head of this cube. `width` is that of all heads, in vectors.
#[cube]
pub fn head_of_cube(lengths: &Array<i32>, length: usize, width: usize, #[comptime] planes: usize, #[comptime] vectors: usize) -> Head {
    let heads = width / vectors;
    let (sequence, number) = (CUBE_POS_X as usize / heads, CUBE_POS_X as usize % heads);
    let first = sequence * length * 3 * width + number * vectors;
    Head {
        number,
        first_row: CUBE_POS_Y as usize * comptime!(planes * SIDE),
        real: usize::cast_from(lengths[sequence]),
        queries: HeadRows { first, stride: 3 * width, length },
        keys: HeadRows { first: first + width, stride: 3 * width, length },
        values: HeadRows { first: first + 2 * width, stride: 3 * width, length },
        output: HeadRows { first: sequence * length * width + number * vectors, stride: width, length },
    }
}

/// Shared memory for rows of a head, with a gap between the rows.
#[cube]
pub fn tile<F: Float, N: Size>(#[comptime] rows: usize, #[comptime] vectors: usize) -> SharedMemory<Vector<F, N>> {
    SharedMemory::<Vector<F, N>>::new_aligned(comptime!(rows * (vectors + 1)), 128usize)
}

/// Shared memory for the scores of a cube's rows and a block, f32.
#[cube]
pub fn score_tile(#[comptime] planes: usize) -> SharedMemory<f32> {
    SharedMemory::<f32>::new_aligned(comptime!(planes * SIDE * SCORE_STRIDE), 128usize)
}

/// Shared memory for the weights of a cube's rows and a block.
#[cube]
pub fn weight_tile<F: Float>(#[comptime] planes: usize) -> SharedMemory<F> {
    SharedMemory::<F>::new_aligned(comptime!(planes * SIDE * WEIGHT_STRIDE), 128usize)
}

/// The row of the cube's tile that this unit shares with its neighbour.
#[cube]
pub fn row_of_unit() -> usize {
    UNIT_POS as usize / 2
}

/// Which of the two units of its row this is: 0 or 1.
#[cube]
pub fn half_of_row() -> usize {
    UNIT_POS as usize % 2
}

/// The column of a block of a unit's score of this number.
#[cube]
pub fn column_of_unit(#[comptime] number: usize) -> usize {
    2 * number + half_of_row()
}

/// Copies rows to shared memory, plus a bias as wide as all heads together if `has_bias`; those past the end of the sequence are zeros.
#[cube]
pub fn load_rows<F: Float, N: Size>(
    from: &Array<Vector<F, N>>,
    bias: &Array<Vector<f32, N>>,
    head: usize,
    place: HeadRows,
    first_row: usize,
    to: &mut SharedMemory<Vector<F, N>>,
    #[comptime] rows: usize,
    #[comptime] vectors: usize,
    #[comptime] has_bias: bool,
) {
    for at in range_stepped(UNIT_POS as usize, rows * vectors, CUBE_DIM as usize) {
        let (row, column) = (at / vectors, at % vectors);
        let mut value = Vector::<F, N>::new(F::new(0.0));
        if first_row + row < place.length {
            value = from[place.first + (first_row + row) * place.stride + column];
            if comptime!(has_bias) {
                value = Vector::cast_from(Vector::<f32, N>::cast_from(value) + bias[head * vectors + column]);
            }
        }
        to[row * (vectors + 1) + column] = value;
    }
}

/// The products of each row of the plane with each row of a block.
#[cube]
pub fn multiply_rows<F: Float, N: Size>(
    left: &SharedMemory<Vector<F, N>>,
    block: &SharedMemory<Vector<F, N>>,
    scores: &mut SharedMemory<f32>,
    #[comptime] vectors: usize,
) {
    let plane = (UNIT_POS / PLANE_DIM) as usize;
    let stride = comptime!(((vectors + 1) * VECTOR) as u32);
    #[unroll]
    for column in 0..BLOCK / SIDE {
        let sum = zeros();
        #[unroll]
        for inner in 0..vectors * VECTOR / SIDE {
            let of_left = plane * SIDE * (vectors + 1) + inner * (SIDE / VECTOR);
            let of_block = column * SIDE * (vectors + 1) + inner * (SIDE / VECTOR);
            let left = factor::<Vector<F, N>>(&left.slice(of_left, left.len()), stride, MatrixIdent::A, MatrixLayout::RowMajor);
            let right = factor::<Vector<F, N>>(&block.slice(of_block, block.len()), stride, MatrixIdent::B, MatrixLayout::ColMajor);
            cmma::execute::<Vector<F, N>, Vector<F, N>, f32, f32>(&left, &right, &sum, &sum);
        }
        let at = plane * SIDE * SCORE_STRIDE + column * SIDE;
        cmma::store(&mut scores.slice_mut(at, scores.len()), &sum, comptime!(SCORE_STRIDE as u32), MatrixLayout::RowMajor);
    }
}

/// A unit's score of this number.
#[cube]
pub fn score(scores: &SharedMemory<f32>, #[comptime] number: usize) -> f32 {
    scores[row_of_unit() * SCORE_STRIDE + column_of_unit(number)]
}

/// Sets a unit's weight of this number.
#[cube]
pub fn set_weight<F: Float>(weights: &mut SharedMemory<F>, #[comptime] number: usize, value: f32) {
    weights[row_of_unit() * WEIGHT_STRIDE + column_of_unit(number)] = F::cast_from(value);
}

/// Sums of a plane's rows, a fragment for each [`SIDE`] columns of the head, all zero.
#[cube]
pub fn zero_rows(#[comptime] vectors: usize) -> Sequence<Matrix<f32>> {
    let mut sums = Sequence::new();
    #[unroll]
    for _ in 0..vectors * VECTOR / SIDE {
        sums.push(zeros());
    }
    sums
}

/// Adds to the rows of the plane the rows of a block, by their weights.
#[cube]
pub fn add_weighted_rows<F: Float, N: Size>(
    weights: &SharedMemory<F>,
    block: &SharedMemory<Vector<F, N>>,
    sums: &Sequence<Matrix<f32>>,
    #[comptime] vectors: usize,
) {
    let plane = (UNIT_POS / PLANE_DIM) as usize;
    let stride = comptime!(((vectors + 1) * VECTOR) as u32);
    #[unroll]
    for inner in 0..BLOCK / SIDE {
        let at = plane * SIDE * WEIGHT_STRIDE + inner * SIDE;
        let of_weights = weights.slice(at, weights.len());
        let left = factor::<F>(&of_weights, comptime!(WEIGHT_STRIDE as u32), MatrixIdent::A, MatrixLayout::RowMajor);
        #[unroll]
        for column in 0..vectors * VECTOR / SIDE {
            let at = inner * SIDE * (vectors + 1) + column * (SIDE / VECTOR);
            let right = factor::<Vector<F, N>>(&block.slice(at, block.len()), stride, MatrixIdent::B, MatrixLayout::RowMajor);
            let sum = sums.index(column);
            cmma::execute::<F, Vector<F, N>, f32, f32>(&left, &right, sum, sum);
        }
    }
}

/// Writes the plane's rows of a fragment, which are [`SIDE`] columns of the head, by way of its place among the scores, where they stay.
#[cube]
pub fn write_fragment<F: Float, N: Size>(
    sums: &Sequence<Matrix<f32>>,
    scores: &mut SharedMemory<f32>,
    out: &mut Array<Vector<F, N>>,
    place: HeadRows,
    first_row: usize,
    #[comptime] fragment: usize,
) {
    let plane = (UNIT_POS / PLANE_DIM) as usize;
    let at = plane * SIDE * SCORE_STRIDE;
    sync_plane();
    cmma::store(&mut scores.slice_mut(at, scores.len()), sums.index(fragment), comptime!(SCORE_STRIDE as u32), MatrixLayout::RowMajor);
    sync_plane();
    let (row, half) = (row_of_unit(), half_of_row());
    if first_row + row < place.length {
        let mut value = Vector::<F, N>::new(F::new(0.0));
        #[unroll]
        for lane in 0..VECTOR {
            value[lane] = F::cast_from(scores[row * SCORE_STRIDE + half * VECTOR + lane]);
        }
        out[place.first + (first_row + row) * place.stride + fragment * (SIDE / VECTOR) + half] = value;
    }
}

/// The sum of the plane's rows of the column of this unit in the fragment that [`write_fragment`] left among the scores; for the first units of a
/// plane alone.
#[cube]
pub fn column_of_fragment(scores: &SharedMemory<f32>) -> f32 {
    let plane = (UNIT_POS / PLANE_DIM) as usize;
    let column = UNIT_POS_PLANE as usize % SIDE;
    let mut sum = 0.0f32;
    #[unroll]
    for row in 0..SIDE {
        sum += scores[(plane * SIDE + row) * SCORE_STRIDE + column];
    }
    sum
}

#[cube]
fn zeros() -> Matrix<f32> {
    Matrix::<f32>::from_value(MatrixIdent::Accumulator, SIDE, SIDE, SIDE, MatrixLayout::Undefined, 0.0f32)
}

#[cube]
fn factor<E: CubePrimitive>(from: &Slice<E>, stride: u32, #[comptime] ident: MatrixIdent, #[comptime] layout: MatrixLayout) -> Matrix<E> {
    Matrix::<E>::from_slice(ident, SIDE, SIDE, SIDE, layout, from, stride)
}
