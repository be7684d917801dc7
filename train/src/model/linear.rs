//! Linear layers; the operation is [`Kernels::affine`].

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, s};

use crate::kernels::{Kernels, LinearMap, Precision};

/// The linear map `x · weight + bias`. The weight is `[in, out]` here, and `[out, in]` in files, as in PyTorch.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
    #[module(skip)]
    precision: Precision,
}

impl<B: Backend> Linear<B> {
    /// A layer of zeros, to be filled with weights.
    pub fn zeros(inputs: usize, outputs: usize, device: &B::Device) -> Self {
        let weight = Param::from_tensor(Tensor::zeros([inputs, outputs], device));
        Self { weight, bias: Param::from_tensor(Tensor::zeros([outputs], device)), precision: Precision::F32 }
    }

    /// The device of the weights.
    pub fn device(&self) -> B::Device {
        self.bias.val().device()
    }

    /// The weights, as an argument of operations that hold the map.
    pub fn weights(&self) -> LinearMap<B> {
        LinearMap { weight: self.weight.val(), bias: self.bias.val() }
    }

    /// Sets the number format of the product.
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

    /// For a map of two vectors side by side: what `x` contributes to the result as the first of them, and as the second, with the bias.
    ///
    /// The map of `[a, b]` is the first result of `a` plus the second result of `b`.
    ///
    /// # Shapes
    /// `[rows, in / 2]` to two times `[rows, out]`.
    pub fn forward_halves(&self, x: Tensor<B, 2>) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let weight = self.weight.val();
        let half = weight.dims()[0] / 2;
        let first = B::product(x.clone(), weight.clone().slice(s![0..half]), self.precision);
        (first, B::affine(x, weight.slice(s![half..]), self.bias.val(), self.precision))
    }
}
