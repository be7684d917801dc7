//! Layer normalisation with a residual connection.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use crate::kernels::{Dropout, Kernels, NormWeights};

/// LayerNorm of a sum (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm<B: Backend> {
    weight: Param<Tensor<B, 1>>,
    bias: Param<Tensor<B, 1>>,
    eps: f32,
}

impl<B: Backend> LayerNorm<B> {
    /// A layer of zeros, to be filled with weights. `eps` is added to the variance.
    pub fn zeros(width: usize, eps: f32, device: &B::Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([width], device));
        Self { weight: zeros(), bias: zeros(), eps }
    }

    /// The weights, as an argument of operations that hold the normalisation.
    pub fn weights(&self) -> NormWeights<B> {
        NormWeights { weight: self.weight.val(), bias: self.bias.val(), eps: self.eps }
    }
}

impl<B: Kernels> LayerNorm<B> {
    /// `LayerNorm(dropout(x) + residual)`.
    ///
    /// # Shapes
    /// `x`, `residual` and the result `[rows, width]`.
    pub fn forward(&self, x: Tensor<B, 2>, residual: Tensor<B, 2>, dropout: Option<Dropout>) -> Tensor<B, 2> {
        B::add_norm(x, residual, self.weight.val(), self.bias.val(), self.eps, dropout)
    }
}
