//! Weights of layers, as arguments of operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

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
