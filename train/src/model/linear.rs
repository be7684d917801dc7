//! The two layers that the encoder and the heads are made of.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, s};

use super::kernels::{Dropout, Kernels};
use super::precision::Precision;

/// `x · weight + bias`. The weight is `[in, out]` here and `[out, in]` in files, as PyTorch has it.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
    #[module(skip)]
    precision: Precision,
}

impl<B: Backend> Linear<B> {
    /// Weights of zero, to be filled.
    pub fn zeros(inputs: usize, outputs: usize, device: &B::Device) -> Self {
        let weight = Param::from_tensor(Tensor::zeros([inputs, outputs], device));
        Self { weight, bias: Param::from_tensor(Tensor::zeros([outputs], device)), precision: Precision::F32 }
    }

    /// Where its weights are.
    pub fn device(&self) -> B::Device {
        self.bias.val().device()
    }

    /// Sets what its product sees.
    pub fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }
}

impl<B: Kernels> Linear<B> {
    /// # Shapes
    /// `[rows, in]` to `[rows, out]`.
    pub fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        B::affine(x, self.weight.val(), self.bias.val(), self.precision)
    }

    /// As [`forward`](Self::forward), through a product of eight columns or more: fused products of one column have been wrong
    /// on GPUs.
    ///
    /// # Shapes
    /// `[rows, in]` to `[rows, out]`.
    pub fn forward_padded(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let ([inputs, outputs], device) = (weight.dims(), x.device());
        let missing = 8usize.saturating_sub(outputs);
        if missing == 0 {
            return B::affine(x, weight, bias, self.precision);
        }
        let weight = Tensor::cat(vec![weight, Tensor::zeros([inputs, missing], &device)], 1);
        let bias = Tensor::cat(vec![bias, Tensor::zeros([missing], &device)], 0);
        B::affine(x, weight, bias, self.precision).slice(s![.., 0..outputs])
    }

    /// The parts of `[a, b] · weight + bias` that each of the two halves of its input would give, the bias with the second.
    ///
    /// # Shapes
    /// `[rows, in / 2]` to two times `[rows, out]`.
    pub fn halves(&self, x: Tensor<B, 2>) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let weight = self.weight.val();
        let half = weight.dims()[0] / 2;
        let first = x.clone().matmul(weight.clone().slice(s![0..half]));
        (first, B::affine(x, weight.slice(s![half..]), self.bias.val(), self.precision))
    }
}

/// LayerNorm of a sum (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm<B: Backend> {
    weight: Param<Tensor<B, 1>>,
    bias: Param<Tensor<B, 1>>,
    eps: f32,
}

impl<B: Backend> LayerNorm<B> {
    /// Weights of zero, to be filled.
    pub fn zeros(width: usize, eps: f32, device: &B::Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([width], device));
        Self { weight: zeros(), bias: zeros(), eps }
    }
}

impl<B: Kernels> LayerNorm<B> {
    /// `LayerNorm(dropout(x) + residual)`.
    ///
    /// # Shapes
    /// `[rows, width]` to the same.
    pub fn forward(&self, x: Tensor<B, 2>, residual: Tensor<B, 2>, dropout: Option<Dropout>) -> Tensor<B, 2> {
        B::add_norm(x, residual, self.weight.val(), self.bias.val(), self.eps, dropout)
    }
}
