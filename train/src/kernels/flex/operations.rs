//! Fused operations on burn-flex's tensors, each with its backward pass. Matrix products of linear maps have inputs of the format `T`.

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::{Shape, TensorData, TensorMetadata};
use burn_flex::FlexTensor;

use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::cpu::attention::{Attention, Projections};
use crate::kernels::cpu::linear::{self, LinearSlices};
use crate::kernels::cpu::product::InputFormat;
use crate::kernels::cpu::{dropout as dropout_loops, gelu as gelu_loops, layer_norm, reductions};
use crate::kernels::dropout::Dropout;

/// `x · weight + bias`, with inputs `[x, weight, bias]`.
///
/// # Shapes
/// `[rows, in]`, `[in, out]`, `[out]`; the result `[rows, out]`.
pub fn affine<T: InputFormat>(inputs: [FlexTensor; 3]) -> Operation<FlexTensor, impl BackwardPass<Flex, 3>> {
    let [x, weight, bias] = inputs.map(row_major);
    let [output] = linear::affine::<T, _>(x.storage(), [slices(&weight, &bias)]);
    let output = from_values(output, rows_of(&x, &bias));
    let backward = move |gradient: FlexTensor, wanted: [bool; 3]| {
        let gradient = row_major(gradient);
        let of_bias = wanted[2].then(|| from_values(reductions::column_sums(gradient.storage(), bias.shape()[0]), bias.shape()));
        affine_gradients::<T>(&x, &weight, &gradient, of_bias, wanted)
    };
    Operation { output, backward }
}

/// GELU of [`affine`].
pub fn affine_gelu<T: InputFormat>(inputs: [FlexTensor; 3]) -> Operation<FlexTensor, impl BackwardPass<Flex, 3>> {
    let [x, weight, bias] = inputs.map(row_major);
    let [product, output] = linear::affine_and_gelu::<T>(x.storage(), slices(&weight, &bias));
    let output = from_values(output, rows_of(&x, &bias));
    let backward = move |gradient: FlexTensor, wanted: [bool; 3]| {
        let mut gradient = row_major(gradient);
        let of_bias = gelu_loops::gelu_backward_with_sums(&product, gradient.storage_mut(), bias.shape()[0]);
        affine_gradients::<T>(&x, &weight, &gradient, Some(from_values(of_bias, bias.shape())), wanted)
    };
    Operation { output, backward }
}

/// The output of [`affine_gelu`] alone.
pub fn affine_gelu_output<T: InputFormat>(inputs: [FlexTensor; 3]) -> FlexTensor {
    let [x, weight, bias] = inputs.map(row_major);
    from_values(linear::affine_gelu::<T>(x.storage(), slices(&weight, &bias)), rows_of(&x, &bias))
}

/// Gradients of the inputs of a linear map from that of its result, beside that of the bias.
fn affine_gradients<T: InputFormat>(
    x: &FlexTensor,
    weight: &FlexTensor,
    gradient: &FlexTensor,
    of_bias: Option<FlexTensor>,
    [x_wanted, weight_wanted, _]: [bool; 3],
) -> [Option<FlexTensor>; 3] {
    let [inputs, outputs] = [weight.shape()[0], weight.shape()[1]];
    let of_x = || from_values(linear::input_gradient::<T, _>([gradient.storage()], [weight.storage()], outputs), x.shape());
    let of_weight = || {
        let [of_weight] = linear::weight_gradients::<T, _>(x.storage(), [gradient.storage()], [inputs, outputs]);
        from_values(of_weight, weight.shape())
    };
    [x_wanted.then(of_x), weight_wanted.then(of_weight), of_bias]
}

fn slices<'a>(weight: &'a FlexTensor, bias: &'a FlexTensor) -> LinearSlices<'a> {
    LinearSlices { weight: weight.storage(), bias: bias.storage() }
}

/// The shape of the result of a linear map of `x`.
fn rows_of(x: &FlexTensor, bias: &FlexTensor) -> Shape {
    Shape::new([x.shape()[0], bias.shape()[0]])
}

/// GELU by the error function.
pub fn gelu([x]: [FlexTensor; 1]) -> Operation<FlexTensor, impl BackwardPass<Flex, 1>> {
    let x = row_major(x);
    let output = from_values(gelu_loops::gelu(x.storage()), x.shape());
    let backward = move |gradient: FlexTensor, _: [bool; 1]| {
        let mut gradient = row_major(gradient);
        gelu_loops::gelu_backward(x.storage(), gradient.storage_mut());
        [Some(gradient)]
    };
    Operation { output, backward }
}

/// Dropout.
pub fn dropout([x]: [FlexTensor; 1], dropout: Option<Dropout>) -> Operation<FlexTensor, impl BackwardPass<Flex, 1>> {
    let apply = move |x: FlexTensor| {
        let Some(dropout) = dropout else { return x };
        let mut x = row_major(x);
        dropout_loops::dropout_in_place(x.storage_mut(), dropout);
        x
    };
    Operation { output: apply(x), backward: move |gradient: FlexTensor, _: [bool; 1]| [Some(apply(gradient))] }
}

/// `LayerNorm(dropout(x) + residual)`, with inputs `[x, residual, weight, bias]`.
///
/// # Shapes
/// `[rows, width]` twice and `[width]` twice; the result `[rows, width]`.
pub fn add_norm(
    [x, residual, weight, bias]: [FlexTensor; 4],
    eps: f32,
    dropout: Option<Dropout>,
) -> Operation<FlexTensor, impl BackwardPass<Flex, 4>> {
    let (x, residual, weight, bias) = (row_major(x), row_major(residual), row_major(weight), row_major(bias));
    let layer_norm::Normalised { out, normal, inverse_deviation } =
        layer_norm::add_norm(x.storage(), residual.storage(), weight.storage(), bias.storage(), eps, dropout);
    let output = from_values(out, x.shape());
    let backward = move |gradient: FlexTensor, _: [bool; 4]| {
        let gradient = row_major(gradient);
        let gradients = layer_norm::add_norm_backward(gradient.storage(), &normal, &inverse_deviation, weight.storage(), dropout);
        let (rows, row) = (gradient.shape(), weight.shape());
        let of_residual = from_values(gradients.residual, rows.clone());
        let of_x = gradients.x.map_or_else(|| of_residual.clone(), |x| from_values(x, rows));
        [of_x, of_residual, from_values(gradients.weight, row.clone()), from_values(gradients.bias, row)].map(Some)
    };
    Operation { output, backward }
}

/// Attention of `x` to itself, with inputs `x` and the weight and bias of queries, of keys and of values.
///
/// # Shapes
/// `x` `[batch * length, in]`, weights `[in, width]`, biases `[width]`; the result `[batch * length, width]`.
pub fn self_attention<T: InputFormat>(
    inputs: [FlexTensor; 7],
    shape: AttentionShape,
    lengths: Arc<[usize]>,
    dropout: Option<Dropout>,
) -> Operation<FlexTensor, impl BackwardPass<Flex, 7>> {
    let inputs = inputs.map(row_major);
    let x = &inputs[0];
    let maps = [0, 2, 4].map(|at| slices(&inputs[1 + at], &inputs[2 + at]));
    let states = linear::affine::<T, _>(x.storage(), maps);
    let (output, statistics) = Attention { shape, lengths: &lengths, dropout }.forward(projections(&states));
    let output = from_values(output, rows_of(x, &inputs[2]));
    let backward = move |gradient: FlexTensor, [x_wanted, ..]: [bool; 7]| {
        let gradient = row_major(gradient);
        let attention = Attention { shape, lengths: &lengths, dropout };
        let gradients = attention.backward(projections(&states), &statistics, gradient.storage());
        let gradients = gradients.each_ref().map(Vec::as_slice);
        let [x, weights @ ..] = &inputs;
        let [width, inputs] = [weights[1].shape()[0], x.shape()[1]];
        let of_x = || linear::input_gradient::<T, _>(gradients, [0, 2, 4].map(|at| weights[at].storage()), width);
        let of_x = x_wanted.then(|| from_values(of_x(), x.shape()));
        let of_weights = linear::weight_gradients::<T, _>(x.storage(), gradients, [inputs, width])
            .map(|values| Some(from_values(values, weights[0].shape())));
        let of_biases = gradients.map(|gradient| Some(from_values(reductions::column_sums(gradient, width), weights[1].shape())));
        let ([query, key, value], [query_bias, key_bias, value_bias]) = (of_weights, of_biases);
        [of_x, query, query_bias, key, key_bias, value, value_bias]
    };
    Operation { output, backward }
}

fn projections([query, key, value]: &[Vec<f32>; 3]) -> Projections<'_> {
    Projections { query, key, value }
}

/// A tensor of these values in row-major order.
pub fn from_values(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The same values in row-major order; shares the buffer where they are already.
pub fn row_major(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}
