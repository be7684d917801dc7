//! The forward pass of [`flash_attention`](super::flash_attention()).

use cubecl::prelude::*;

use super::tiles::{
    BLOCK, SCORES_OF_UNIT, SIDE, VECTOR, add_weighted_rows, column_of_unit, half_of_row, head_of_cube, load_rows, multiply_rows,
    row_of_unit, score, score_tile, set_weight, tile, weight_tile, write_fragment, zero_rows,
};
use crate::kernels::cube::dropout::{Mask, mask_factor};

/// A cube computes a tile of queries of one head: its place along x is the head, along y the tile.
///
/// It goes through the keys twice: for the largest score and the sum of the exponentials of each row, and for the weighted sum of the values.
#[cube(launch)]
pub fn flash_attention_kernel<F: Float, N: Size>(
    product: &Array<Vector<F, N>>,
    query_bias: &Array<Vector<f32, N>>,
    key_bias: &Array<Vector<f32, N>>,
    value_bias: &Array<Vector<f32, N>>,
    lengths: &Array<i32>,
    out: &mut Array<Vector<F, N>>,
    log_sums: &mut Array<f32>,
    length: usize,
    score_scale: f32,
    mask: &Mask,
    #[comptime] planes: usize,
    #[comptime] vectors: usize,
    #[comptime] drops: bool,
    #[define(F)] _dtype: StorageType,
) {
    let width = query_bias.len();
    let head = head_of_cube(lengths, length, width, planes, vectors);
    let (first_row, real) = (head.first_row, head.real);
    let row = CUBE_POS_X as usize * length + first_row + row_of_unit();

    let mut queries = tile::<F, N>(comptime!(planes * SIDE), vectors);
    let mut keys = tile::<F, N>(BLOCK, vectors);
    let mut values = tile::<F, N>(BLOCK, vectors);
    let mut scores = score_tile(planes);
    let mut weights = weight_tile::<F>(planes);
    load_rows::<F, N>(product, query_bias, head.number, head.queries, first_row, &mut queries, comptime!(planes * SIDE), vectors, true);

    // Of the columns of this unit; both units of a row then take what the two found.
    let mut top = f32::min_value();
    let mut sum = 0.0f32;
    for first_key in range_stepped(0, real, BLOCK) {
        load_rows::<F, N>(product, key_bias, head.number, head.keys, first_key, &mut keys, BLOCK, vectors, true);
        sync_cube();
        multiply_rows::<F, N>(&queries, &keys, &mut scores, vectors);
        sync_plane();
        let before = top;
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            if first_key + column_of_unit(number) < real {
                top = max(top, score(&scores, number) * score_scale);
            }
        }
        sum *= (before - top).exp();
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            if first_key + column_of_unit(number) < real {
                sum += (score(&scores, number) * score_scale - top).exp();
            }
        }
        sync_cube();
    }
    let (other_top, other_sum) = (plane_shuffle_xor(top, 1u32), plane_shuffle_xor(sum, 1u32));
    let top_of_row = max(top, other_top);
    let log_sum = top_of_row + (sum * (top - top_of_row).exp() + other_sum * (other_top - top_of_row).exp()).ln();
    if first_row + row_of_unit() < length && half_of_row() == 0 {
        log_sums[row] = log_sum;
    }

    let sums = zero_rows(vectors);
    for first_key in range_stepped(0, real, BLOCK) {
        load_rows::<F, N>(product, key_bias, head.number, head.keys, first_key, &mut keys, BLOCK, vectors, true);
        load_rows::<F, N>(product, value_bias, head.number, head.values, first_key, &mut values, BLOCK, vectors, true);
        sync_cube();
        multiply_rows::<F, N>(&queries, &keys, &mut scores, vectors);
        sync_plane();
        #[unroll]
        for number in 0..SCORES_OF_UNIT {
            let key = first_key + column_of_unit(number);
            let mut weight = 0.0f32;
            if key < real {
                weight = (score(&scores, number) * score_scale - log_sum).exp();
                if comptime!(drops) {
                    weight *= mask_factor(mask, row * length + key);
                }
            }
            set_weight::<F>(&mut weights, number, weight);
        }
        sync_plane();
        add_weighted_rows::<F, N>(&weights, &values, &sums, vectors);
        sync_cube();
    }
    #[unroll]
    for fragment in 0..vectors * VECTOR / SIDE {
        write_fragment::<F, N>(&sums, &mut scores, out, head.output, first_row, fragment);
    }
}
