//! Self-attention: one product for queries, keys and values, and each head's matrices side by side in memory.

use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::attention::attention_weights;
use super::burn_backend::Cube;
use super::flash_attention;
use super::launch::{array, empty, rows_and_columns, unit_per_element, unit_per_vector, vector_size};
use super::matmul::{Factors, product_type, transposed};
use super::product_routines::multiply;
use super::reductions::{RowChunks, fold_chunks};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::Dropout;
use crate::kernels::precision::Precision;

/// From the gradient of the output of all heads to those of the product that they come from, and of the biases.
type HeadsBackward<R> = Box<dyn FnOnce(CubeTensor<R>) -> (CubeTensor<R>, [CubeTensor<R>; 3]) + Send>;

/// Attention of `x` to itself over the real tokens, in the type of the precision. Inputs are `x` and the weight and bias of queries, of keys
/// and of values.
///
/// # Shapes
/// `x` `[batch * length, in]`, weights `[in, width]`, biases `[width]`, `lengths` `[batch]`; the result `[batch * length, width]`.
pub fn self_attention<R: CubeRuntime>(
    [x, query_weight, query_bias, key_weight, key_bias, value_weight, value_bias]: [CubeTensor<R>; 7],
    shape: AttentionShape,
    lengths: CubeTensor<R>,
    dropout: Option<Dropout>,
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, 7>> {
    let weight = join_columns([query_weight, key_weight, value_weight], product_type(&x, precision));
    let factors = Factors::of_weight(x, weight, precision);
    let product = factors.product();
    let biases = [query_bias, key_bias, value_bias];
    let (output, heads_backward): (_, HeadsBackward<R>) = if flash_attention::computes(&product, shape) {
        let (output, attention) = flash_attention::flash_attention(product, biases, shape, lengths, dropout);
        (output, Box::new(|gradient| attention.backward(gradient)))
    } else {
        attend_by_products(&product, biases, shape, lengths, dropout, precision)
    };
    let backward = move |gradient: CubeTensor<R>, [x_wanted, ..]: [bool; 7]| {
        let (of_product, [query_bias, key_bias, value_bias]) = heads_backward(gradient);
        let [of_x, of_weight] = factors.gradients(of_product, [x_wanted, true]);
        let [query_weight, key_weight, value_weight] = split_columns(&of_weight.expect("it is wanted"));
        [of_x, Some(query_weight), Some(query_bias), Some(key_weight), Some(key_bias), Some(value_weight), Some(value_bias)]
    };
    Operation { output, backward }
}

/// Attention of all heads by matrix products over stacks of matrices, with the scores in memory between them.
fn attend_by_products<R: CubeRuntime>(
    product: &CubeTensor<R>,
    biases: [CubeTensor<R>; 3],
    shape: AttentionShape,
    lengths: CubeTensor<R>,
    dropout: Option<Dropout>,
    precision: Precision,
) -> (CubeTensor<R>, HeadsBackward<R>) {
    let [query, key, value] = split_heads(product, biases, shape);
    let (dtype, tensor_cores) = (query.dtype, precision.allows_tensor_cores());
    let multiply = move |left, right| multiply(left, right, dtype, tensor_cores);
    let scale = (query.shape()[3] as f32).sqrt().recip();
    let scores = multiply(query.clone(), transposed(key.clone()));
    let weights = attention_weights([scores], lengths, scale, dropout);
    let output = join_heads(multiply(weights.output.clone(), value.clone()), shape);
    let backward = move |gradient: CubeTensor<R>| {
        let gradient = split(cast(gradient, dtype), shape);
        let of_value = multiply(transposed(weights.output), gradient.clone());
        let of_weights = multiply(gradient, transposed(value));
        let [of_scores] = (weights.backward)(of_weights, [true]);
        let of_scores = of_scores.expect("the gradient of the scores is always given");
        let of_query = multiply(of_scores.clone(), key);
        let of_key = multiply(transposed(of_scores), query);
        join_gradients([of_query, of_key, of_value], shape)
    };
    (output, Box::new(backward))
}

/// `[batch * length, width]` to `[batch, heads, length, width / heads]`.
fn split<R: CubeRuntime>(x: CubeTensor<R>, shape: AttentionShape) -> CubeTensor<R> {
    let head_width = x.shape()[1] / shape.heads;
    let x = Cube::<R>::float_reshape(x, Shape::new([shape.batch, shape.length, shape.heads, head_width]));
    into_contiguous(Cube::<R>::float_swap_dims(x, 1, 2))
}

/// The inverse of [`split`].
fn join_heads<R: CubeRuntime>(x: CubeTensor<R>, shape: AttentionShape) -> CubeTensor<R> {
    let width = shape.heads * x.shape()[3];
    let x = into_contiguous(Cube::<R>::float_swap_dims(x, 1, 2));
    Cube::<R>::float_reshape(x, Shape::new([shape.batch * shape.length, width]))
}

/// Queries, keys and values from a product that has them side by side, each plus its bias.
///
/// # Shapes
/// `[batch * length, 3 * width]` and `[width]` to `[batch, heads, length, width / heads]`.
fn split_heads<R: CubeRuntime>(product: &CubeTensor<R>, biases: [CubeTensor<R>; 3], shape: AttentionShape) -> [CubeTensor<R>; 3] {
    let width = rows_and_columns(product)[1] / 3;
    let of_heads = Shape::new([shape.batch, shape.heads, shape.length, width / shape.heads]);
    let states: [CubeTensor<R>; 3] = std::array::from_fn(|_| empty(product, of_heads.clone(), product.dtype));
    let biases = biases.map(into_contiguous);
    let vector = vector_size(product, width / shape.heads);
    let (count, dim) = unit_per_vector(product, vector);
    split_heads_kernel::launch(
        &product.client,
        count,
        dim,
        vector,
        array(product),
        array(&biases[0]),
        array(&biases[1]),
        array(&biases[2]),
        array(&states[0]),
        array(&states[1]),
        array(&states[2]),
        shape.length,
        width / shape.heads / vector,
        product.dtype.into(),
    );
    states
}

/// The gradient of the product that [`split_heads`] splits, and those of the biases, from the gradients of queries, keys and values.
fn join_gradients<R: CubeRuntime>(gradients: [CubeTensor<R>; 3], shape: AttentionShape) -> (CubeTensor<R>, [CubeTensor<R>; 3]) {
    let gradients = gradients.map(into_contiguous);
    let like = &gradients[0];
    let head_width = like.shape()[3];
    let product = empty(like, Shape::new([shape.batch * shape.length, 3 * shape.heads * head_width]), like.dtype);
    let chunks = RowChunks::of(&product, head_width);
    let partial = chunks.partial_sums(&product, 3);
    let (count, dim) = chunks.launch();
    join_gradients_kernel::launch(
        &product.client,
        count,
        dim,
        chunks.vector,
        array(&gradients[0]),
        array(&gradients[1]),
        array(&gradients[2]),
        array(&product),
        array(&partial),
        chunks.columns,
        chunks.rows,
        shape.length,
        head_width / chunks.vector,
        product.dtype.into(),
    );
    (product, fold_chunks(&partial))
}

/// Matrices side by side, in a type of their own.
///
/// # Shapes
/// Three times `[rows, width]` to `[rows, 3 * width]`.
fn join_columns<R: CubeRuntime>(matrices: [CubeTensor<R>; 3], dtype: DType) -> CubeTensor<R> {
    let [first, second, third] = matrices.map(|matrix| into_contiguous(cast(matrix, DType::F32)));
    let [rows, width] = rows_and_columns(&first);
    let out = empty(&first, Shape::new([rows, 3 * width]), dtype);
    let (count, dim) = unit_per_element(&out);
    join_columns_kernel::launch(&out.client, count, dim, array(&first), array(&second), array(&third), array(&out), width, dtype.into());
    out
}

/// The inverse of [`join_columns`], of an f32 matrix.
fn split_columns<R: CubeRuntime>(x: &CubeTensor<R>) -> [CubeTensor<R>; 3] {
    let [rows, width] = rows_and_columns(x);
    let parts: [CubeTensor<R>; 3] = std::array::from_fn(|_| empty(x, Shape::new([rows, width / 3]), DType::F32));
    let (count, dim) = unit_per_element(x);
    split_columns_kernel::launch(&x.client, count, dim, array(x), array(&parts[0]), array(&parts[1]), array(&parts[2]), width / 3);
    parts
}

/// Where a vector of a token's states is among those of its head; all numbers count vectors.
#[cube]
fn place_in_heads(token: usize, column: usize, length: usize, head_width: usize, heads: usize) -> usize {
    let sequence = token / length;
    let head = column / head_width;
    ((sequence * heads + head) * length + token % length) * head_width + column % head_width
}

/// A unit copies a vector of the product.
#[cube(launch)]
fn split_heads_kernel<F: Float, N: Size>(
    product: &Array<Vector<F, N>>,
    query_bias: &Array<Vector<f32, N>>,
    key_bias: &Array<Vector<f32, N>>,
    value_bias: &Array<Vector<f32, N>>,
    query: &mut Array<Vector<F, N>>,
    key: &mut Array<Vector<F, N>>,
    value: &mut Array<Vector<F, N>>,
    length: usize,
    head_width: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < product.len() {
        let width = query_bias.len();
        let token = ABSOLUTE_POS / (3 * width);
        let column = ABSOLUTE_POS % (3 * width);
        let of_state = column % width;
        let at = place_in_heads(token, of_state, length, head_width, width / head_width);
        let x = Vector::<f32, N>::cast_from(product[ABSOLUTE_POS]);
        if column < width {
            query[at] = Vector::cast_from(x + query_bias[of_state]);
        } else if column < 2 * width {
            key[at] = Vector::cast_from(x + key_bias[of_state]);
        } else {
            value[at] = Vector::cast_from(x + value_bias[of_state]);
        }
    }
}

/// A unit copies a vector of columns of a chunk of rows, and adds it up.
#[cube(launch)]
fn join_gradients_kernel<F: Float, N: Size>(
    query: &Array<Vector<F, N>>,
    key: &Array<Vector<F, N>>,
    value: &Array<Vector<F, N>>,
    product: &mut Array<Vector<F, N>>,
    partial: &mut Array<Vector<f32, N>>,
    columns: usize,
    chunk: usize,
    length: usize,
    head_width: usize,
    #[define(F)] _dtype: StorageType,
) {
    let column = CUBE_POS_X as usize * CUBE_DIM as usize + UNIT_POS as usize;
    if column < columns {
        let width = columns / 3;
        let of_state = column % width;
        let first = CUBE_POS_Y as usize * chunk;
        let end = min(first + chunk, product.len() / columns);
        let mut sum = Vector::<f32, N>::new(0.0f32);
        for token in first..end {
            let at = place_in_heads(token, of_state, length, head_width, width / head_width);
            let x = if column < width {
                query[at]
            } else if column < 2 * width {
                key[at]
            } else {
                value[at]
            };
            product[token * columns + column] = x;
            sum += Vector::cast_from(x);
        }
        partial[CUBE_POS_Y as usize * columns + column] = sum;
    }
}

#[cube(launch)]
fn join_columns_kernel<F: Float>(
    first: &Array<f32>,
    second: &Array<f32>,
    third: &Array<f32>,
    out: &mut Array<F>,
    width: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < out.len() {
        let column = ABSOLUTE_POS % (3 * width);
        let at = ABSOLUTE_POS / (3 * width) * width + column % width;
        if column < width {
            out[ABSOLUTE_POS] = F::cast_from(first[at]);
        } else if column < 2 * width {
            out[ABSOLUTE_POS] = F::cast_from(second[at]);
        } else {
            out[ABSOLUTE_POS] = F::cast_from(third[at]);
        }
    }
}

#[cube(launch)]
fn split_columns_kernel(x: &Array<f32>, first: &mut Array<f32>, second: &mut Array<f32>, third: &mut Array<f32>, width: usize) {
    if ABSOLUTE_POS < x.len() {
        let column = ABSOLUTE_POS % (3 * width);
        let at = ABSOLUTE_POS / (3 * width) * width + column % width;
        if column < width {
            first[at] = x[ABSOLUTE_POS];
        } else if column < 2 * width {
            second[at] = x[ABSOLUTE_POS];
        } else {
            third[at] = x[ABSOLUTE_POS];
        }
    }
}
