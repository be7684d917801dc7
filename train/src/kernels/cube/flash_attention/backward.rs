//! The backward pass of [`flash_attention`](super::flash_attention()): the gradients of queries, then those of keys and values.

use cubecl::prelude::*;

use super::tiles::{
    BLOCK, SCORES_OF_UNIT, SIDE, VECTOR, add_weighted_rows, column_of_fragment, column_of_unit, half_of_row, head_of_cube, load_rows,
    multiply_rows, row_of_unit, score, score_tile, set_weight, tile, weight_tile, write_fragment, zero_rows,
};
use crate::kernels::cube::dropout::{Mask, mask_factor};
use crate::kernels::cube::reductions::lane_sum;

/// A cube computes the gradients of a tile of queries of one head: its place along x is the head, along y the tile. `deltas` become the products of
/// each row of the output with its gradient; `partial` the column sums of the gradients of each tile.
#[cube(launch)]
pub fn query_gradient_kernel<F: Float, N: Size>(
    product: &Array<Vector<F, N>>,
    query_bias: &Array<Vector<f32, N>>,
    key_bias: &Array<Vector<f32, N>>,
    value_bias: &Array<Vector<f32, N>>,
    lengths: &Array<i32>,
    output: &Array<Vector<F, N>>,
    gradient: &Array<Vector<F, N>>,
    log_sums: &Array<f32>,
    deltas: &mut Array<f32>,
    of_product: &mut Array<Vector<F, N>>,
    partial: &mut Array<f32>,
    length: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] planes: usize,
    #[comptime] vectors: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = query_bias.len();
    let head = head_of_cube(lengths, length, width, planes, vectors);
    let (first_row, real) = (head.first_row, head.real);
    let row = CUBE_POS_X as usize * length + first_row + row_of_unit();
    let in_sequence = first_row + row_of_unit() < length;

    let mut queries = tile::<F, N>(comptime!(planes * SIDE), vectors);
    let mut gradients = tile::<F, N>(comptime!(planes * SIDE), vectors);
    let mut keys = tile::<F, N>(BLOCK, vectors);
    let mut values = tile::<F, N>(BLOCK, vectors);
    let mut scores = score_tile(planes);
    let mut weights = weight_tile::<F>(planes);
    load_rows::<F, N>(product, query_bias, head.number, head.queries, first_row, &mut queries, comptime!(planes * SIDE), vectors, true);
    load_rows::<F, N>(gradient, query_bias, head.number, head.output, first_row, &mut gradients, comptime!(planes * SIDE), vectors, false);
    sync_cube();

    let mut delta = 0.0f32;
    let mut log_sum = 0.0f32;
    if in_sequence {
        log_sum = log_sums[row];
        let mut of_lanes = Vector::<f32, N>::new(0.0f32);
        #[unroll]
        for number in 0..vectors / 2 {
            let column = 2 * number + half_of_row();
            let out = output[head.output.first + (first_row + row_of_unit()) * width + column];
            let of_out = gradients[row_of_unit() * (vectors + 1) + column];
            of_lanes += Vector::<f32, N>::cast_from(out) * Vector::<f32, N>::cast_from(of_out);
        }
        delta = lane_sum::<N>(of_lanes);
    }
    let delta = delta + plane_shuffle_xor(delta, 1u32);
    if in_sequence && half_of_row() == 0 {
        deltas[row] = delta;
    }

    let sums = zero_rows(vectors);
    for first_key in range_stepped(0, real, BLOCK) {
        load_rows::<F, N>(product, key_bias, head.number, head.keys, first_key, &mut keys, BLOCK, vectors, true);
        load_rows::<F, N>(product, value_bias, head.number, head.values, first_key, &mut values, BLOCK, vectors, true);
        sync_cube();
        multiply_rows::<F, N>(&queries, &keys, &mut scores, vectors);
        sync_plane();
        let mut softmax = Array::<f32>::new(SCORES_OF_UNIT);
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            softmax[number] = 0.0f32;
            if first_key + column_of_unit(number) < real {
                softmax[number] = (score(&scores, number) * score_scale - log_sum).exp();
            }
        }
        sync_plane();
        multiply_rows::<F, N>(&gradients, &values, &mut scores, vectors);
        sync_plane();
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            let key = first_key + column_of_unit(number);
            let of_weight = score(&scores, number) * mask_factor(mask, row * length + key);
            set_weight::<F>(&mut weights, number, softmax[number] * (of_weight - delta) * score_scale);
        }
        sync_plane();
        add_weighted_rows::<F, N>(&weights, &keys, &sums, vectors);
        sync_cube();
    }
    let mut column_sums = SharedMemory::<f32>::new(comptime!(planes * vectors * VECTOR));
    #[unroll]
    for fragment in 0..vectors * VECTOR / SIDE {
        write_fragment::<F, N>(&sums, &mut scores, of_product, head.queries, first_row, fragment);
        keep_column(&scores, &mut column_sums, fragment, vectors);
    }
    sync_cube();
    add_planes(&column_sums, partial, head.number, 0usize, width, planes, vectors);
}

/// A cube computes the gradients of a tile of keys and values of one head, as [`query_gradient_kernel`] does those of queries. Its rows of scores
/// are of keys, its columns of queries.
#[cube(launch)]
pub fn key_value_gradient_kernel<F: Float, N: Size>(
    product: &Array<Vector<F, N>>,
    query_bias: &Array<Vector<f32, N>>,
    key_bias: &Array<Vector<f32, N>>,
    value_bias: &Array<Vector<f32, N>>,
    lengths: &Array<i32>,
    gradient: &Array<Vector<F, N>>,
    log_sums: &Array<f32>,
    deltas: &Array<f32>,
    of_product: &mut Array<Vector<F, N>>,
    partial: &mut Array<f32>,
    length: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] planes: usize,
    #[comptime] vectors: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = query_bias.len();
    let head = head_of_cube(lengths, length, width, planes, vectors);
    let (first_row, real) = (head.first_row, head.real);
    let key = first_row + row_of_unit();

    let mut keys = tile::<F, N>(comptime!(planes * SIDE), vectors);
    let mut values = tile::<F, N>(comptime!(planes * SIDE), vectors);
    let mut queries = tile::<F, N>(BLOCK, vectors);
    let mut gradients = tile::<F, N>(BLOCK, vectors);
    let mut scores = score_tile(planes);
    let mut weights = weight_tile::<F>(planes);
    let mut block_log_sums = SharedMemory::<f32>::new(BLOCK);
    let mut block_deltas = SharedMemory::<f32>::new(BLOCK);
    load_rows::<F, N>(product, key_bias, head.number, head.keys, first_row, &mut keys, comptime!(planes * SIDE), vectors, true);
    load_rows::<F, N>(product, value_bias, head.number, head.values, first_row, &mut values, comptime!(planes * SIDE), vectors, true);

    let of_key = zero_rows(vectors);
    let of_value = zero_rows(vectors);
    // Padding has no weight, so its keys and values have no gradient.
    let mut end = length;
    if first_row >= real {
        end = 0usize;
    }
    for first_query in range_stepped(0, end, BLOCK) {
        load_rows::<F, N>(product, query_bias, head.number, head.queries, first_query, &mut queries, BLOCK, vectors, true);
        load_rows::<F, N>(gradient, query_bias, head.number, head.output, first_query, &mut gradients, BLOCK, vectors, false);
        if (UNIT_POS as usize) < BLOCK && first_query + (UNIT_POS as usize) < length {
            let query = CUBE_POS_X as usize * length + first_query + UNIT_POS as usize;
            block_log_sums[UNIT_POS as usize] = log_sums[query];
            block_deltas[UNIT_POS as usize] = deltas[query];
        }
        sync_cube();
        multiply_rows::<F, N>(&keys, &queries, &mut scores, vectors);
        sync_plane();
        let mut softmax = Array::<f32>::new(SCORES_OF_UNIT);
        let mut factors = Array::<f32>::new(SCORES_OF_UNIT);
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            let column = column_of_unit(number);
            softmax[number] = 0.0f32;
            if key < real && first_query + column < length {
                softmax[number] = (score(&scores, number) * score_scale - block_log_sums[column]).exp();
            }
            let query = CUBE_POS_X as usize * length + first_query + column;
            factors[number] = mask_factor(mask, query * length + key);
            set_weight::<F>(&mut weights, number, softmax[number] * factors[number]);
        }
        sync_plane();
        add_weighted_rows::<F, N>(&weights, &gradients, &of_value, vectors);
        multiply_rows::<F, N>(&values, &gradients, &mut scores, vectors);
        sync_plane();
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            let column = column_of_unit(number);
            let mut of_score = 0.0f32;
            if first_query + column < length {
                of_score = softmax[number] * (score(&scores, number) * factors[number] - block_deltas[column]) * score_scale;
            }
            set_weight::<F>(&mut weights, number, of_score);
        }
        sync_plane();
        add_weighted_rows::<F, N>(&weights, &queries, &of_key, vectors);
        sync_cube();
    }
    let mut column_sums = SharedMemory::<f32>::new(comptime!(planes * vectors * VECTOR));
    #[unroll]
    for fragment in 0..vectors * VECTOR / SIDE {
        write_fragment::<F, N>(&of_key, &mut scores, of_product, head.keys, first_row, fragment);
        keep_column(&scores, &mut column_sums, fragment, vectors);
    }
    sync_cube();
    add_planes(&column_sums, partial, head.number, 1usize, width, planes, vectors);
    sync_cube();
    #[unroll]
    for fragment in 0..vectors * VECTOR / SIDE {
        write_fragment::<F, N>(&of_value, &mut scores, of_product, head.values, first_row, fragment);
        keep_column(&scores, &mut column_sums, fragment, vectors);
    }
    sync_cube();
    add_planes(&column_sums, partial, head.number, 2usize, width, planes, vectors);
}

/// Keeps the sums of the plane's rows of a fragment's columns.
#[cube]
fn keep_column(scores: &SharedMemory<f32>, column_sums: &mut SharedMemory<f32>, #[comptime] fragment: usize, #[comptime] vectors: usize) {
    let sum = column_of_fragment(scores);
    if (UNIT_POS_PLANE as usize) < SIDE {
        let plane = (UNIT_POS / PLANE_DIM) as usize;
        column_sums[plane * vectors * VECTOR + fragment * SIDE + UNIT_POS_PLANE as usize] = sum;
    }
}

/// Adds up the column sums of all planes, and writes them as those of the cube's tile. Kinds are queries, keys and values; `width` counts vectors.
#[cube]
fn add_planes(
    column_sums: &SharedMemory<f32>,
    partial: &mut Array<f32>,
    head: usize,
    kind: usize,
    width: usize,
    #[comptime] planes: usize,
    #[comptime] vectors: usize,
) {
    let heads = width / vectors;
    let tile = CUBE_POS_X as usize / heads * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize;
    for column in range_stepped(UNIT_POS as usize, vectors * VECTOR, CUBE_DIM as usize) {
        let mut sum = 0.0f32;
        #[unroll]
        for plane in 0..planes {
            sum += column_sums[plane * vectors * VECTOR + column];
        }
        partial[(tile * 3 + kind) * width * VECTOR + head * vectors * VECTOR + column] = sum;
    }
}
