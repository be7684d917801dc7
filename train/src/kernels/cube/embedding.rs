//! Embedding lookups whose gradient is summed in a fixed order.

use std::sync::Arc;

use burn::tensor::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{DType, Shape, TensorData, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, rows_and_columns};
use super::reductions::column_sum;
use crate::data::TokenIndex;
use crate::kernels::autodiff::{BackwardPass, Operation};

/// Columns and tokens that a cube of the gradient's kernel takes at once.
const UNITS: [u32; 2] = [64, 4];

/// Rows of a table by their numbers; `tokens` are the same tokens, grouped by row.
///
/// # Shapes
/// `table` `[rows, width]`, `ids` `[tokens]`; the result `[tokens, width]`.
pub fn embed<R: CubeRuntime>(
    [table]: [CubeTensor<R>; 1],
    ids: CubeTensor<R>,
    tokens: Arc<TokenIndex>,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 1>> {
    let rows = table.shape()[0];
    let output = Cube::<R>::float_select(table, 0, ids);
    Operation { output, backward: move |gradient: CubeTensor<R>, _: [bool; 1]| [Some(embed_backward(gradient, rows, &tokens))] }
}

/// The gradient of a table of `rows` rows from those of the tokens that looked it up.
fn embed_backward<R: CubeRuntime>(gradient: CubeTensor<R>, rows: usize, tokens: &TokenIndex) -> CubeTensor<R> {
    let gradient = into_contiguous(cast(gradient, DType::F32));
    let width = rows_and_columns(&gradient)[1];
    let out = zeros_client(gradient.client.clone(), gradient.device.clone(), Shape::new([rows, width]), DType::F32);
    let out = into_contiguous(out);
    if tokens.ids.is_empty() {
        return out;
    }
    let upload = |values: &[i32]| {
        let values = TensorData::new(values.to_vec(), [values.len()]);
        <Cube<R> as IntTensorOps<Cube<R>>>::int_from_data(values, &gradient.device)
    };
    let [x, y] = UNITS;
    embed_backward_kernel::launch(
        &gradient.client,
        CubeCount::Static(tokens.ids.len() as u32, (width as u32).div_ceil(x), 1),
        CubeDim::new_2d(x, y),
        array(&gradient),
        array(&upload(&tokens.ids)),
        array(&upload(&tokens.starts)),
        array(&upload(&tokens.positions)),
        array(&out),
        width,
    );
    out
}

/// A cube computes a block of columns of a row of the table's gradient. The units along y share the row's tokens in a fixed way, so that
/// the sum is the same each time.
#[cube(launch)]
fn embed_backward_kernel(
    gradient: &Array<f32>,
    rows: &Array<i32>,
    starts: &Array<i32>,
    tokens: &Array<i32>,
    out: &mut Array<f32>,
    width: usize,
) {
    let column = CUBE_POS_Y as usize * CUBE_DIM_X as usize + UNIT_POS_X as usize;
    let row = CUBE_POS_X as usize;
    let start = usize::cast_from(starts[row]);
    let end = usize::cast_from(starts[row + 1]);
    let mut sum = 0.0f32;
    if column < width {
        for at in range_stepped(start + UNIT_POS_Y as usize, end, CUBE_DIM_Y as usize) {
            sum += gradient[usize::cast_from(tokens[at]) * width + column];
        }
    }
    let total = column_sum(sum);
    if UNIT_POS_Y == 0 && column < width {
        let first = usize::cast_from(rows[row]) * width;
        out[first + column] = total;
    }
}
