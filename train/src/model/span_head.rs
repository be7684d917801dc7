//! The head for nested answers (Li et al. 2020): it scores every pair of a first and a last piece.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::kernels::{Dropouts, Kernels};
use super::layers::Linear;

/// Two linear maps with GELU between, over the hidden states of both pieces side by side.
#[derive(Module, Debug)]
pub struct SpanHead<B: Backend> {
    classifier1: Linear<B>,
    classifier2: Linear<B>,
}

impl<B: Backend> SpanHead<B> {
    /// Weights of zero, to be filled.
    pub fn zeros(hidden: usize, device: &B::Device) -> Self {
        Self { classifier1: Linear::zeros(2 * hidden, 2 * hidden, device), classifier2: Linear::zeros(2 * hidden, 1, device) }
    }
}

impl<B: Kernels> SpanHead<B> {
    /// Logits of all pairs, first piece by last piece, those that end before they start too.
    ///
    /// Memory: `batch * width² * 2 * hidden` numbers, some times over in training.
    ///
    /// # Shapes
    /// `[batch, width, hidden]` to `[batch * width * width]`.
    pub fn forward(&self, hidden: Tensor<B, 3>, dropouts: &mut Dropouts) -> Tensor<B, 1> {
        let [batch, width, size] = hidden.dims();
        // A linear map of two vectors side by side is the sum of a map of each: one product a piece rather than one a pair.
        let (first, last) = self.classifier1.halves(hidden.reshape([batch * width, size]));
        let inner = 2 * size;
        let pairs = first.reshape([batch, width, 1, inner]) + last.reshape([batch, 1, width, inner]);
        let pairs = B::dropout(B::erf_gelu(pairs.reshape([batch * width * width, inner])), dropouts.draw());
        self.classifier2.forward_padded(pairs).squeeze_dim(1)
    }
}
