//! The operations that a backend may fuse: the trait [`Kernels`].

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, activation};

use super::adamw::{AdamWState, AdamWStep};
use super::attention_shape::AttentionShape;
use super::dropout::Dropout;
use super::embedding::EmbeddingLookup;
use super::label_loss::LabelLoss;
use super::layer_weights::{EncoderLayerWeights, LinearMap, NormWeights};
use super::padding::Padding;
use super::precision::Precision;
use super::reference;

/// Tensor operations of the model and the optimizer that a backend may compute in its own way.
///
/// Each has a default: a composition of Burn's own operations, in [`mod@reference`], or of other operations of this trait, in this file
/// (`affine` and those made of it, `attend`, `attention_weights`, `encoder_layer`). A backend overrides what it can fuse.
///
/// [`affine`](Self::affine) is the linear layer: `model::Linear` calls it; `cpu::linear` and `cube::matmul` override it.
///
/// In bf16, a backend may keep hidden states between two operations in bf16. Parameters are f32.
pub trait Kernels: Backend {
    /// The matrix product of two stacks of matrices. In bf16 both inputs are rounded to it, sums are f32, and the result is rounded to
    /// bf16; so are the gradients.
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        reference::product(a, b, precision)
    }

    /// The linear map `x · weight + bias`.
    ///
    /// # Shapes
    /// `x` `[rows, in]`, `weight` `[in, out]`, `bias` `[out]`; the result `[rows, out]`.
    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        affine_by_product(x, weight, bias, precision)
    }

    /// [`erf_gelu`](Self::erf_gelu) of a linear map.
    ///
    /// # Shapes
    /// `[rows, in]` to `[rows, out]`.
    fn affine_gelu(x: Tensor<Self, 2>, map: LinearMap<Self>, precision: Precision) -> Tensor<Self, 2> {
        Self::erf_gelu(Self::affine(x, map.weight, map.bias, precision))
    }

    /// [`add_norm`](Self::add_norm) of a linear map.
    ///
    /// # Shapes
    /// `x` `[rows, in]`, `residual` and the result `[rows, out]`.
    fn affine_add_norm(
        x: Tensor<Self, 2>,
        map: LinearMap<Self>,
        residual: Tensor<Self, 2>,
        norm: NormWeights<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        Self::add_norm(Self::affine(x, map.weight, map.bias, precision), residual, norm.weight, norm.bias, norm.eps, dropout)
    }

    /// [`attend`](Self::attend) of three linear maps of `x`: to queries, keys and values.
    ///
    /// # Shapes
    /// `x` `[batch * length, in]`; the result `[batch * length, out]`.
    fn self_attention(
        x: Tensor<Self, 2>,
        maps: [LinearMap<Self>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        self_attention_by_maps(x, maps, shape, padding, dropout, precision)
    }

    /// A layer of the encoder (Devlin et al. 2019): [`self_attention`](Self::self_attention) and two linear maps with GELU between them, each
    /// added to what it is computed from and normalised. Dropout is of the attention weights, of what attention adds and of what the maps add.
    ///
    /// # Shapes
    /// `hidden` and the result `[batch * length, width]`.
    fn encoder_layer(
        hidden: Tensor<Self, 2>,
        weights: EncoderLayerWeights<Self>,
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropouts: [Option<Dropout>; 3],
        precision: Precision,
    ) -> Tensor<Self, 2> {
        encoder_layer_by_operations(hidden, weights, shape, padding, dropouts, precision)
    }

    /// Looks up rows of an embedding table. The gradient of a row is the sum over the tokens that look it up.
    ///
    /// # Shapes
    /// `table` `[rows, width]`; the result `[batch * length, width]`.
    fn embed(table: Tensor<Self, 2>, lookup: &EmbeddingLookup<Self>) -> Tensor<Self, 2> {
        reference::embed(table, lookup)
    }

    /// Scaled dot-product attention of all heads over the real tokens (Vaswani et al. 2017).
    ///
    /// # Shapes
    /// `query`, `key`, `value` and the result `[batch * length, width]`, the heads side by side.
    fn attend(
        [query, key, value]: [Tensor<Self, 2>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        attend_by_products([query, key, value], shape, padding, dropout, precision)
    }

    /// Attention weights: the softmax of `scale * scores` over the real tokens, with dropout.
    ///
    /// # Shapes
    /// `scores` and the result `[batch, heads, length, length]`, queries by keys.
    fn attention_weights(scores: Tensor<Self, 4>, padding: &Padding<Self>, scale: f32, dropout: Option<Dropout>) -> Tensor<Self, 4> {
        let scores = scores * scale;
        let [batch, heads, length, _] = scores.dims();
        let mask = padding.mask(length).expand(scores.shape());
        let softmax = activation::softmax(scores.mask_fill(mask, f32::MIN), 3);
        let rows = batch * heads * length;
        Self::dropout(softmax.reshape([rows, length]), dropout).reshape([batch, heads, length, length])
    }

    /// GELU by the error function, `x Φ(x)` (Hendrycks and Gimpel 2016), of `[rows, width]`.
    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        reference::erf_gelu(x)
    }

    /// Dropout of `[rows, width]`; kept elements are scaled by `1 / (1 - rate)`.
    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        reference::dropout(x, dropout)
    }

    /// `LayerNorm(dropout(x) + residual)` (Ba et al. 2016).
    ///
    /// # Shapes
    /// `x`, `residual` and the result `[rows, width]`; `weight` and `bias` `[width]`.
    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        reference::add_norm(x, residual, weight, bias, eps, dropout)
    }

    /// The sum over `n` binary labels of `share` times the loss. `sign` is 1 for positive labels, -1 for negative ones.
    ///
    /// # Shapes
    /// All inputs `[n]`; the result `[1]`.
    fn label_loss(logits: Tensor<Self, 1>, sign: &Tensor<Self, 1>, share: &Tensor<Self, 1>, loss: LabelLoss) -> Tensor<Self, 1> {
        reference::label_loss(logits, sign, share, loss)
    }

    /// The sum of the squares of all elements of some tensors of any rank, `[1]`.
    ///
    /// # Panics
    /// There is no tensor.
    fn square_sum(tensors: Vec<FloatTensor<Self>>) -> Tensor<Self, 1> {
        reference::square_sum(tensors)
    }

    /// The sum of tensors of one shape, each on a device of its own, on each of these devices.
    fn all_reduce(of_devices: Vec<FloatTensor<Self>>) -> Vec<FloatTensor<Self>> {
        reference::all_reduce::<Self>(of_devices)
    }

    /// One AdamW update (Loshchilov and Hutter 2019) of tensors of any rank, with their gradients multiplied by `scale`, a tensor of `[1]`.
    fn adamw(
        states: Vec<AdamWState<FloatTensor<Self>>>,
        gradients: Vec<FloatTensor<Self>>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Vec<AdamWState<FloatTensor<Self>>> {
        states.into_iter().zip(gradients).map(|(state, gradient)| reference::adamw(state, gradient, scale, step)).collect()
    }
}

/// [`Kernels::affine`] as a product and a sum.
pub fn affine_by_product<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 2>, bias: Tensor<B, 1>, precision: Precision) -> Tensor<B, 2> {
    B::product(x, weight, precision) + bias.unsqueeze()
}

/// [`Kernels::self_attention`] as three linear maps and [`Kernels::attend`].
pub fn self_attention_by_maps<B: Kernels>(
    x: Tensor<B, 2>,
    maps: [LinearMap<B>; 3],
    shape: AttentionShape,
    padding: &Padding<B>,
    dropout: Option<Dropout>,
    precision: Precision,
) -> Tensor<B, 2> {
    let states = maps.map(|map| B::affine(x.clone(), map.weight, map.bias, precision));
    B::attend(states, shape, padding, dropout, precision)
}

/// [`Kernels::encoder_layer`] as operations of its parts.
pub fn encoder_layer_by_operations<B: Kernels>(
    hidden: Tensor<B, 2>,
    weights: EncoderLayerWeights<B>,
    shape: AttentionShape,
    padding: &Padding<B>,
    [of_weights, of_attention, of_output]: [Option<Dropout>; 3],
    precision: Precision,
) -> Tensor<B, 2> {
    let EncoderLayerWeights { projections, attention_output, attention_norm, intermediate, output, output_norm } = weights;
    let attended = B::self_attention(hidden.clone(), projections, shape, padding, of_weights, precision);
    let hidden = B::affine_add_norm(attended, attention_output, hidden, attention_norm, of_attention, precision);
    let inner = B::affine_gelu(hidden.clone(), intermediate, precision);
    B::affine_add_norm(inner, output, hidden, output_norm, of_output, precision)
}

/// [`Kernels::attend`] as two products with [`Kernels::attention_weights`] between them.
pub fn attend_by_products<B: Kernels>(
    [query, key, value]: [Tensor<B, 2>; 3],
    shape: AttentionShape,
    padding: &Padding<B>,
    dropout: Option<Dropout>,
    precision: Precision,
) -> Tensor<B, 2> {
    let (query, key, value) = (shape.split_heads(query), shape.split_heads(key), shape.split_heads(value));
    let scale = (query.dims()[3] as f32).sqrt().recip();
    let scores = B::product(query, key.swap_dims(2, 3), precision);
    let weights = B::attention_weights(scores, padding, scale, dropout);
    shape.join_heads(B::product(weights, value, precision))
}
