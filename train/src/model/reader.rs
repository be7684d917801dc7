//! The reader (BERT-MRC, Li et al. 2020): the encoder with a head for starts and one for ends of answers.

use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, activation, s};

use super::bert::{Bert, BertConfig, Input};
use super::kernels::{Dropouts, Kernels};
use super::layers::Linear;

/// Encoder and heads.
#[derive(Module, Debug)]
pub struct Reader<B: Backend> {
    /// The encoder.
    pub bert: Bert<B>,
    start_outputs: Linear<B>,
    end_outputs: Linear<B>,
}

/// How far each token's logit for yes lies above that for no: the probability is its sigmoid, yes is the larger logit where it
/// is above 0. Shapes `[batch * length]`.
#[derive(Debug, Clone)]
pub struct Margins<B: Backend> {
    /// An answer starts here.
    pub start: Tensor<B, 1>,
    /// An answer ends here, this token included.
    pub end: Tensor<B, 1>,
}

/// What a batch should be answered with. Shapes `[batch * length]`.
#[derive(Debug, Clone)]
pub struct Target<B: Backend> {
    /// 1 where an answer starts, -1 elsewhere.
    pub start: Tensor<B, 1>,
    /// 1 where an answer ends, -1 elsewhere.
    pub end: Tensor<B, 1>,
    /// 1 over the number of context tokens on each of them, 0 on all others.
    pub share: Tensor<B, 1>,
}

impl<B: Backend> Reader<B> {
    /// Weights of zero in the shapes that the configuration asks for, to be filled.
    pub fn zeros(config: &BertConfig, device: &B::Device) -> Self {
        let head = || Linear::zeros(config.hidden_size, 2, device);
        Self { bert: Bert::zeros(config, device), start_outputs: head(), end_outputs: head() }
    }
}

impl<B: Kernels> Reader<B> {
    /// # Shapes
    /// `[batch, length]` ids to two times `[batch * length]`.
    pub fn forward(&self, input: &Input<B>, dropouts: &mut Dropouts) -> Margins<B> {
        let hidden = self.bert.forward(input, dropouts);
        let margin = |head: &Linear<B>, hidden| {
            let logits = head.forward(hidden);
            (logits.clone().slice(s![.., 1..2]) - logits.slice(s![.., 0..1])).squeeze_dim(1)
        };
        Margins { start: margin(&self.start_outputs, hidden.clone()), end: margin(&self.end_outputs, hidden) }
    }
}

impl<B: Backend> Margins<B> {
    /// Cross-entropy of starts plus that of ends, each the mean over the context's tokens: `[1]`.
    pub fn loss(self, target: &Target<B>) -> Tensor<B, 1> {
        // Of two classes, cross-entropy is -log sigmoid of the right class's margin.
        let side =
            |margin: Tensor<B, 1>, sign: &Tensor<B, 1>| (activation::log_sigmoid(margin * sign.clone()) * target.share.clone()).sum();
        (side(self.start, &target.start) + side(self.end, &target.end)).neg()
    }
}
