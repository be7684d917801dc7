//! A layer of the encoder as one operation: one launch rounds its weights, one adds up the partial sums of all its column sums, and the two
//! gradients of what its first half computes are added up by the kernel that reads them.

use burn::tensor::ops::FloatTensorOps;
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::cast;
use burn_cubecl::tensor::CubeTensor;

use super::burn_backend::Cube;
use super::gelu::AffineGelu;
use super::layer_norm::AffineAddNorm;
use super::matmul::{Factors, product_type};
use super::reductions::fold_chunks;
use super::self_attention::{SelfAttention, weights_of_type};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{BackwardPass, Operation};
use crate::kernels::dropout::Dropout;
use crate::kernels::layer_weights::LAYER_INPUTS;
use crate::kernels::precision::Precision;

/// [`Kernels::encoder_layer`](crate::kernels::Kernels::encoder_layer), in the type of the precision. Inputs are the hidden states and the weights,
/// as [`EncoderLayerWeights::primitives`](crate::kernels::layer_weights::EncoderLayerWeights::primitives) has them; `eps` is of both normalisations.
pub fn encoder_layer<R: CubeRuntime>(
    inputs: [CubeTensor<R>; LAYER_INPUTS],
    eps: [f32; 2],
    shape: AttentionShape,
    lengths: CubeTensor<R>,
    dropouts: [Option<Dropout>; 3],
    precision: Precision,
) -> Operation<CubeTensor<R>, impl BackwardPass<Cube<R>, LAYER_INPUTS>> {
    let [
        hidden,
        query_weight,
        query_bias,
        key_weight,
        key_bias,
        value_weight,
        value_bias,
        attended_weight,
        attended_bias,
        inner_weight,
        inner_bias,
        output_weight,
        output_bias,
        attention_norm_weight,
        attention_norm_bias,
        output_norm_weight,
        output_norm_bias,
    ] = inputs;
    let (hidden_type, dtype) = (hidden.dtype, product_type(&hidden, precision));
    let others = vec![attended_weight, inner_weight, output_weight];
    let (weight, others) = weights_of_type([query_weight, key_weight, value_weight], others, dtype);
    let mut others = others.into_iter();
    let mut next_factors = |x| Factors::of_weight(x, others.next().expect("there are three"), precision);

    let hidden = cast(hidden, dtype);
    let factors = Factors::of_weight(hidden.clone(), weight, precision);
    let (attended, attention) = SelfAttention::forward(factors, [query_bias, key_bias, value_bias], shape, lengths, dropouts[0], precision);
    let norm = [attention_norm_weight, attention_norm_bias];
    let (attended, attention_output) = AffineAddNorm::forward(next_factors(attended), attended_bias, hidden, norm, eps[0], dropouts[1]);
    let (inner, intermediate) = AffineGelu::forward(next_factors(attended.clone()), inner_bias);
    let norm = [output_norm_weight, output_norm_bias];
    let (output, output_map) = AffineAddNorm::forward(next_factors(inner), output_bias, attended, norm, eps[1], dropouts[2]);

    let backward = move |gradient: CubeTensor<R>, [hidden_wanted, ..]: [bool; LAYER_INPUTS]| {
        let ([of_inner, output_weight], of_output) = output_map.backward(gradient, None, [true; 2]);
        let ([of_attended, inner_weight], of_inner_bias) = intermediate.backward(of_inner.expect("it is wanted"), [true; 2]);
        let of_attended = of_attended.expect("it is wanted");
        let ([of_attention, attended_weight], of_attention_output) =
            attention_output.backward(of_attended, Some(of_output.residual), [true; 2]);
        let (of_hidden, weights, of_biases) = attention.backward(of_attention.expect("it is wanted"), hidden_wanted);
        let of_hidden = of_hidden.map(|of_hidden| cast(Cube::<R>::float_add(of_hidden, of_attention_output.residual), hidden_type));
        let [
            query_bias,
            key_bias,
            value_bias,
            attention_norm_weight,
            attention_norm_bias,
            attended_bias,
            inner_bias,
            output_norm_weight,
            output_norm_bias,
            output_bias,
        ] = fold_chunks([&of_biases, &of_attention_output.partial, &of_inner_bias, &of_output.partial]);
        let [query_weight, key_weight, value_weight] = weights.map(Some);
        [
            of_hidden,
            query_weight,
            Some(query_bias),
            key_weight,
            Some(key_bias),
            value_weight,
            Some(value_bias),
            attended_weight,
            Some(attended_bias),
            inner_weight,
            Some(inner_bias),
            output_weight,
            Some(output_bias),
            Some(attention_norm_weight),
            Some(attention_norm_bias),
            Some(output_norm_weight),
            Some(output_norm_bias),
        ]
    };
    Operation { output, backward }
}
