//! Fused operations on burn-flex's tensors, each with its backward pass.

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::{Shape, TensorData, TensorMetadata};
use burn_flex::FlexTensor;

use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::cpu::attention::{Attention, Projections};
use crate::kernels::cpu::{dropout as dropout_loops, gelu as gelu_loops, layer_norm, linear, reductions};
use crate::kernels::dropout::Dropout;

/// `x · weight + bias`, with inputs `[x, weight, bias]`.
///
/// # Shapes
/// `[rows, in]`, `[in, out]`, `[out]`; the result `[rows, out]`.
pub fn affine([x, weight, bias]: [FlexTensor; 3]) -> Operation<FlexTensor, impl BackwardPass<Flex, 3>> {
    let (x, weight, bias) = (row_major(x), row_major(weight), row_major(bias));
    let output = linear::affine(x.storage(), weight.storage(), bias.storage());
    let output = from_values(output, Shape::new([x.shape()[0], bias.shape()[0]]));
    let backward = move |gradient: FlexTensor, [x_wanted, weight_wanted, bias_wanted]: [bool; 3]| {
        let gradient = row_major(gradient);
        let [inputs, outputs] = [weight.shape()[0], weight.shape()[1]];
        let of_x = || from_values(linear::input_gradient(gradient.storage(), weight.storage(), outputs), x.shape());
        let of_weight = || from_values(linear::weight_gradient(x.storage(), gradient.storage(), inputs, outputs), weight.shape());
        let of_bias = || from_values(reductions::column_sums(gradient.storage(), outputs), Shape::new([outputs]));
        [x_wanted.then(of_x), weight_wanted.then(of_weight), bias_wanted.then(of_bias)]
    };
    Operation { output, backward }
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

/// Scaled dot-product attention, with inputs `[query, key, value]`.
///
/// # Shapes
/// All `[batch * length, width]`.
pub fn attend(
    inputs: [FlexTensor; 3],
    shape: AttentionShape,
    lengths: Arc<[usize]>,
    dropout: Option<Dropout>,
) -> Operation<FlexTensor, impl BackwardPass<Flex, 3>> {
    let inputs = inputs.map(row_major);
    let (output, statistics) = Attention { shape, lengths: &lengths, dropout }.forward(projections(&inputs));
    let output = from_values(output, inputs[0].shape());
    let backward = move |gradient: FlexTensor, _: [bool; 3]| {
        let gradient = row_major(gradient);
        let attention = Attention { shape, lengths: &lengths, dropout };
        let gradients = attention.backward(projections(&inputs), &statistics, gradient.storage());
        gradients.map(|values| Some(from_values(values, gradient.shape())))
    };
    Operation { output, backward }
}

fn projections([query, key, value]: &[FlexTensor; 3]) -> Projections<'_> {
    Projections { query: query.storage(), key: key.storage(), value: value.storage() }
}

/// A tensor of these values in row-major order.
pub fn from_values(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The same values in row-major order; shares the buffer where they are already.
pub fn row_major(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}
