//! The span head for nested answers (Li et al. 2020): it scores every pair of a first and a last word piece.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::linear::Linear;
use crate::kernels::{DropoutSeeds, Kernels};

/// A multilayer perceptron with GELU over the hidden states of a span's first and last word piece, side by side.
#[derive(Module, Debug)]
pub struct SpanHead<B: Backend> {
    classifier1: Linear<B>,
    classifier2: Linear<B>,
}

impl<B: Backend> SpanHead<B> {
    /// A head of zeros, to be filled with weights.
    pub fn zeros(hidden: usize, device: &B::Device) -> Self {
        Self { classifier1: Linear::zeros(2 * hidden, 2 * hidden, device), classifier2: Linear::zeros(2 * hidden, 1, device) }
    }
}

impl<B: Kernels> SpanHead<B> {
    /// Logits of all pairs, first word piece by last word piece. Pairs that end before they start have a logit too.
    ///
    /// Memory: `batch * width² * 2 * hidden` numbers, and a multiple of that in training.
    ///
    /// # Shapes
    /// `[batch, width, hidden]` to `[batch * width * width]`.
    pub fn forward(&self, hidden: Tensor<B, 3>, dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        let [batch, width, size] = hidden.dims();
        // A linear map of two vectors side by side is the sum of a map of each: one product per word piece, not one per pair.
        let (first, last) = self.classifier1.forward_halves(hidden.reshape([batch * width, size]));
        let inner = 2 * size;
        let pairs = first.reshape([batch, width, 1, inner]) + last.reshape([batch, 1, width, inner]);
        let pairs = B::dropout(B::erf_gelu(pairs.reshape([batch * width * width, inner])), dropouts.draw());
        self.classifier2.forward(pairs).squeeze_dim(1)
    }
}
