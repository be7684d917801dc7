//! Weights of layers, as arguments of operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

use super::autodiff::primitive;

/// The weights of a linear map `x · weight + bias`.
#[derive(Debug, Clone)]
pub struct LinearMap<B: Backend> {
    /// `[in, out]`.
    pub weight: Tensor<B, 2>,
    /// `[out]`.
    pub bias: Tensor<B, 1>,
}

/// The weights of a layer normalisation.
#[derive(Debug, Clone)]
pub struct NormWeights<B: Backend> {
    /// `[width]`.
    pub weight: Tensor<B, 1>,
    /// `[width]`.
    pub bias: Tensor<B, 1>,
    /// Added to the variance.
    pub eps: f32,
}

/// The representations of `x` and of the weight and bias of three maps, in this order.
pub fn primitives_with_maps<B: Backend>(x: Tensor<B, 2>, maps: [LinearMap<B>; 3]) -> [FloatTensor<B>; 7] {
    let [first, second, third] = maps.map(|map| (primitive(map.weight), primitive(map.bias)));
    [primitive(x), first.0, first.1, second.0, second.1, third.0, third.1]
}

/// Inputs of a layer of the encoder as one operation: the hidden states, a weight and a bias of six linear maps and of two normalisations.
pub const LAYER_INPUTS: usize = 1 + 2 * (6 + 2);

/// The weights of a layer of the encoder.
#[derive(Debug, Clone)]
pub struct EncoderLayerWeights<B: Backend> {
    /// To queries, keys and values.
    pub projections: [LinearMap<B>; 3],
    /// Of what the heads attend to.
    pub attention_output: LinearMap<B>,
    /// After attention.
    pub attention_norm: NormWeights<B>,
    /// To the inner width, before GELU.
    pub intermediate: LinearMap<B>,
    /// From the inner width.
    pub output: LinearMap<B>,
    /// Of the result.
    pub output_norm: NormWeights<B>,
}

impl<B: Backend> EncoderLayerWeights<B> {
    /// The representations of the hidden states and of all weights: a weight and a bias of queries, keys, values, attention's output, the
    /// intermediate and the output map, of the normalisation after attention and of the last. And what both normalisations add to the variance.
    pub fn primitives(self, hidden: Tensor<B, 2>) -> ([FloatTensor<B>; LAYER_INPUTS], [f32; 2]) {
        let Self { projections: [query, key, value], attention_output, attention_norm, intermediate, output, output_norm } = self;
        let eps = [attention_norm.eps, output_norm.eps];
        let maps = [query, key, value, attention_output, intermediate, output].map(|map| [primitive(map.weight), primitive(map.bias)]);
        let norms = [attention_norm, output_norm].map(|norm| [primitive(norm.weight), primitive(norm.bias)]);
        let mut all = std::iter::once(primitive(hidden)).chain(maps.into_iter().flatten()).chain(norms.into_iter().flatten());
        (std::array::from_fn(|_| all.next().expect("there are as many")), eps)
    }
}
