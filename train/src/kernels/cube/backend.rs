//! [`Kernels`] of Burn's CubeCL backends, plain and differentiable.

use burn::backend::Autodiff;
use burn::tensor::Tensor;
use burn_cubecl::CubeRuntime;
use burn_cubecl::tensor::CubeTensor;

use super::burn_backend::Cube;
use super::{
    adamw, all_reduce, attention, dropout, embedding, encoder_layer, gelu, label_loss, layer_norm, matmul, reductions, self_attention,
};
use crate::kernels::adamw::{AdamWState, AdamWStep};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{differentiable, plain, primitive, tensor};
use crate::kernels::dropout::Dropout;
use crate::kernels::embedding::EmbeddingLookup;
use crate::kernels::label_loss::LabelLoss;
use crate::kernels::layer_weights::{EncoderLayerWeights, LinearMap, NormWeights, primitives_with_maps};
use crate::kernels::operations::Kernels;
use crate::kernels::padding::Padding;
use crate::kernels::precision::Precision;

impl<R: CubeRuntime> Kernels for Cube<R> {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        plain(matmul::product([primitive(a), primitive(b)], precision))
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        plain(matmul::affine([primitive(x), primitive(weight), primitive(bias)], precision))
    }

    fn affine_gelu(x: Tensor<Self, 2>, map: LinearMap<Self>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias)];
        plain(gelu::affine_gelu(inputs, precision))
    }

    fn affine_add_norm(
        x: Tensor<Self, 2>,
        map: LinearMap<Self>,
        residual: Tensor<Self, 2>,
        norm: NormWeights<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let NormWeights { weight, bias, eps } = norm;
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias), primitive(residual), primitive(weight), primitive(bias)];
        plain(layer_norm::affine_add_norm(inputs, eps, dropout, precision))
    }

    fn self_attention(
        x: Tensor<Self, 2>,
        maps: [LinearMap<Self>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let inputs = primitives_with_maps(x, maps);
        let lengths = padding.lengths_on_device().into_primitive();
        plain(self_attention::self_attention(inputs, shape, lengths, dropout, precision))
    }

    fn encoder_layer(
        hidden: Tensor<Self, 2>,
        weights: EncoderLayerWeights<Self>,
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropouts: [Option<Dropout>; 3],
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let (inputs, eps) = weights.primitives(hidden);
        let lengths = padding.lengths_on_device().into_primitive();
        plain(encoder_layer::encoder_layer(inputs, eps, shape, lengths, dropouts, precision))
    }

    fn attention_weights(scores: Tensor<Self, 4>, padding: &Padding<Self>, scale: f32, dropout: Option<Dropout>) -> Tensor<Self, 4> {
        let lengths = padding.lengths_on_device().into_primitive();
        plain(attention::attention_weights([primitive(scores)], lengths, scale, dropout))
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        plain(gelu::gelu([primitive(x)]))
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        plain(dropout::dropout([primitive(x)], dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        plain(layer_norm::add_norm([primitive(x), primitive(residual), primitive(weight), primitive(bias)], eps, dropout))
    }

    fn label_loss(logits: Tensor<Self, 1>, sign: &Tensor<Self, 1>, share: &Tensor<Self, 1>, loss: LabelLoss) -> Tensor<Self, 1> {
        plain(label_loss::label_loss([primitive(logits)], primitive(sign.clone()), primitive(share.clone()), loss))
    }

    fn square_sum(tensors: Vec<CubeTensor<R>>) -> Tensor<Self, 1> {
        tensor(reductions::square_sum(tensors))
    }

    fn all_reduce(of_devices: Vec<CubeTensor<R>>) -> Vec<CubeTensor<R>> {
        all_reduce::all_reduce(of_devices)
    }

    fn adamw(
        states: Vec<AdamWState<CubeTensor<R>>>,
        gradients: Vec<CubeTensor<R>>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Vec<AdamWState<CubeTensor<R>>> {
        adamw::adamw(states, gradients, primitive(scale.clone()), step)
    }
}

impl<R: CubeRuntime> Kernels for Autodiff<Cube<R>> {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        differentiable([primitive(a), primitive(b)], |factors| matmul::product(factors, precision))
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        differentiable([primitive(x), primitive(weight), primitive(bias)], |inputs| matmul::affine(inputs, precision))
    }

    fn embed(table: Tensor<Self, 2>, lookup: &EmbeddingLookup<Self>) -> Tensor<Self, 2> {
        let [batch, length] = lookup.ids.dims();
        let ids = lookup.ids.clone().reshape([batch * length]).into_primitive();
        differentiable([primitive(table)], |table| embedding::embed(table, ids, lookup.tokens.clone()))
    }

    fn affine_gelu(x: Tensor<Self, 2>, map: LinearMap<Self>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias)];
        differentiable(inputs, |inputs| gelu::affine_gelu(inputs, precision))
    }

    fn affine_add_norm(
        x: Tensor<Self, 2>,
        map: LinearMap<Self>,
        residual: Tensor<Self, 2>,
        norm: NormWeights<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let NormWeights { weight, bias, eps } = norm;
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias), primitive(residual), primitive(weight), primitive(bias)];
        differentiable(inputs, |inputs| layer_norm::affine_add_norm(inputs, eps, dropout, precision))
    }

    fn self_attention(
        x: Tensor<Self, 2>,
        maps: [LinearMap<Self>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let inputs = primitives_with_maps(x, maps);
        let lengths = padding.lengths_on_device().into_primitive();
        differentiable(inputs, |inputs| self_attention::self_attention(inputs, shape, lengths, dropout, precision))
    }

    fn encoder_layer(
        hidden: Tensor<Self, 2>,
        weights: EncoderLayerWeights<Self>,
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropouts: [Option<Dropout>; 3],
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let (inputs, eps) = weights.primitives(hidden);
        let lengths = padding.lengths_on_device().into_primitive();
        differentiable(inputs, |inputs| encoder_layer::encoder_layer(inputs, eps, shape, lengths, dropouts, precision))
    }

    fn attention_weights(scores: Tensor<Self, 4>, padding: &Padding<Self>, scale: f32, dropout: Option<Dropout>) -> Tensor<Self, 4> {
        let lengths = padding.lengths_on_device().into_primitive();
        differentiable([primitive(scores)], |scores| attention::attention_weights(scores, lengths, scale, dropout))
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        differentiable([primitive(x)], gelu::gelu)
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        differentiable([primitive(x)], |x| dropout::dropout(x, dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(residual), primitive(weight), primitive(bias)];
        differentiable(inputs, |inputs| layer_norm::add_norm(inputs, eps, dropout))
    }

    fn label_loss(logits: Tensor<Self, 1>, sign: &Tensor<Self, 1>, share: &Tensor<Self, 1>, loss: LabelLoss) -> Tensor<Self, 1> {
        let [sign, share] = [sign, share].map(|x| primitive(x.clone()).primitive);
        differentiable([primitive(logits)], |logits| label_loss::label_loss(logits, sign, share, loss))
    }
}
