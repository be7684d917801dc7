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
