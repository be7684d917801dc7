//! Self-attention: one product for queries, keys and values, then attention in tiles, or by products of each head's matrices.

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

/// From the gradient of the output of all heads to that of the product that they come from, and its column sums by chunks of rows.
type HeadsBackward<R> = Box<dyn FnOnce(CubeTensor<R>) -> [CubeTensor<R>; 2] + Send>;

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
    let dtype = product_type(&x, precision);
    let (weight, _) = weights_of_type([query_weight, key_weight, value_weight], vec![], dtype);
    let factors = Factors::of_weight(x, weight, precision);
    let (output, attention) = SelfAttention::forward(factors, [query_bias, key_bias, value_bias], shape, lengths, dropout, precision);
    let backward = move |gradient: CubeTensor<R>, [x_wanted, ..]: [bool; 7]| {
        let (of_x, [query_weight, key_weight, value_weight], partial) = attention.backward(gradient, x_wanted);
        let [query_bias, key_bias, value_bias] = fold_chunks([&partial]);
        [of_x, Some(query_weight), Some(query_bias), Some(key_weight), Some(key_bias), Some(value_weight), Some(value_bias)]
    };
    Operation { output, backward }
}

/// What the backward pass of self-attention needs.
pub(super) struct SelfAttention<R: CubeRuntime> {
    factors: Factors<R>,
    heads_backward: HeadsBackward<R>,
}

impl<R: CubeRuntime> SelfAttention<R> {
    /// Attention of queries, keys and values that a product has side by side, each plus its bias.
    pub fn forward(
        factors: Factors<R>,
        biases: [CubeTensor<R>; 3],
        shape: AttentionShape,
        lengths: CubeTensor<R>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> (CubeTensor<R>, Self) {
        let product = factors.product();
        let (output, heads_backward): (_, HeadsBackward<R>) = if flash_attention::computes(&product, shape) {
            let (output, attention) = flash_attention::flash_attention(product, biases, shape, lengths, dropout);
            (output, Box::new(|gradient| attention.backward(gradient)))
        } else {
            attend_by_products(&product, biases, shape, lengths, dropout, precision)
        };
        (output, Self { factors, heads_backward })
    }

    /// The gradients of `x`, if wanted, and of the three weights, and those of the biases by chunks of rows, for [`fold_chunks`].
    pub fn backward(self, gradient: CubeTensor<R>, x_wanted: bool) -> (Option<CubeTensor<R>>, [CubeTensor<R>; 3], CubeTensor<R>) {
        let [of_product, partial] = (self.heads_backward)(gradient);
        let [of_x, of_weight] = self.factors.gradients(of_product, [x_wanted, true]);
        (of_x, split_columns(&of_weight.expect("it is wanted")), partial)
    }
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

/// The gradient of the product that [`split_heads`] splits, from the gradients of queries, keys and values, and its column sums by chunks of rows.
fn join_gradients<R: CubeRuntime>(gradients: [CubeTensor<R>; 3], shape: AttentionShape) -> [CubeTensor<R>; 2] {
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
    [product, partial]
}

/// Weights in the type of products, by one launch: those of queries, keys and values side by side, and others, which stay as they are in f32.
///
/// # Shapes
/// Three times `[in, width]` to `[in, 3 * width]`; others, whose columns are a multiple of what `width` is a multiple of, to the same.
pub(super) fn weights_of_type<R: CubeRuntime>(
    matrices: [CubeTensor<R>; 3],
    others: Vec<CubeTensor<R>>,
    dtype: DType,
) -> (CubeTensor<R>, Vec<CubeTensor<R>>) {
    let [first, second, third] = matrices.map(|matrix| into_contiguous(cast(matrix, DType::F32)));
    let [rows, width] = rows_and_columns(&first);
    let joined = empty(&first, Shape::new([rows, 3 * width]), dtype);
    let others: Vec<CubeTensor<R>> = others.into_iter().map(into_contiguous).collect();
    let rounded: Vec<CubeTensor<R>> = match dtype {
        DType::F32 => vec![],
        _ => others.iter().map(|other| empty(other, other.shape(), dtype)).collect(),
    };
    let vector = others.iter().map(|other| vector_size(other, rows_and_columns(other)[1])).fold(vector_size(&first, width), usize::min);
    let largest = rounded.iter().fold(&joined, |a, b| if a.shape().num_elements() < b.shape().num_elements() { b } else { a });
    let (count, dim) = unit_per_vector(largest, vector);
    weights_of_type_kernel::launch(
        &joined.client,
        count,
        dim,
        vector,
        array(&first),
        array(&second),
        array(&third),
        array(&joined),
        others.iter().take(rounded.len()).map(array).collect(),
        rounded.iter().map(array).collect(),
        width / vector,
        rounded.len(),
        dtype.into(),
    );
    (joined, if rounded.is_empty() { others } else { rounded })
}

/// Three matrices that are side by side, f32.
///
/// # Shapes
/// `[rows, 3 * width]` to three times `[rows, width]`.
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

/// A unit copies the vector of its number in each matrix. `width` counts vectors.
#[cube(launch)]
fn weights_of_type_kernel<F: Float, N: Size>(
    first: &Array<Vector<f32, N>>,
    second: &Array<Vector<f32, N>>,
    third: &Array<Vector<f32, N>>,
    joined: &mut Array<Vector<F, N>>,
    others: &Sequence<Array<Vector<f32, N>>>,
    rounded: &mut Sequence<Array<Vector<F, N>>>,
    width: usize,
    #[comptime] count: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < joined.len() {
        let column = ABSOLUTE_POS % (3 * width);
        let at = ABSOLUTE_POS / (3 * width) * width + column % width;
        if column < width {
            joined[ABSOLUTE_POS] = Vector::cast_from(first[at]);
        } else if column < 2 * width {
            joined[ABSOLUTE_POS] = Vector::cast_from(second[at]);
        } else {
            joined[ABSOLUTE_POS] = Vector::cast_from(third[at]);
        }
    }
    #[unroll]
    for number in 0..count {
        let out = rounded.index_mut(number);
        if ABSOLUTE_POS < out.len() {
            out[ABSOLUTE_POS] = Vector::cast_from(others.index(number)[ABSOLUTE_POS]);
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
