//! The BERT-MRC model (Li et al. 2020): a BERT encoder, with a head for the starts and one for the ends of answers, and optional heads
//! for nested answers and for pseudo-labels.

use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, s};

use super::bert::{Bert, BertInput};
use super::bert_config::BertConfig;
use super::linear::Linear;
use super::loss::BoundaryLogits;
use super::span_head::SpanHead;
use crate::kernels::{DropoutSeeds, Kernels, Precision};

/// Heads that a model may have beside those for starts and ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OptionalHeads {
    /// Whether it has the span head, for nested answers.
    pub nested: bool,
    /// Clusters that the head for pseudo-labels distinguishes; `None` without that head.
    pub clusters: Option<usize>,
}

/// Encoder and heads.
#[derive(Module, Debug)]
pub struct MrcModel<B: Backend> {
    /// The encoder.
    pub bert: Bert<B>,
    start_outputs: Linear<B>,
    end_outputs: Linear<B>,
    span_embedding: Option<SpanHead<B>>,
    cluster_classify: Option<Linear<B>>,
}

impl<B: Backend> MrcModel<B> {
    /// A model of zeros in the shapes of the configuration, to be filled with weights.
    pub fn zeros(config: &BertConfig, heads: OptionalHeads, device: &B::Device) -> Self {
        let head = |outputs| Linear::zeros(config.hidden_size, outputs, device);
        Self {
            bert: Bert::zeros(config, device),
            start_outputs: head(2),
            end_outputs: head(2),
            span_embedding: heads.nested.then(|| SpanHead::zeros(config.hidden_size, device)),
            cluster_classify: heads.clusters.map(head),
        }
    }

    /// The device of the weights.
    pub fn device(&self) -> B::Device {
        self.start_outputs.device()
    }

    /// Sets the number format of the encoder's products; the heads stay in f32.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.bert.set_precision(precision);
        self
    }

    /// Whether it has the span head, and so finds nested answers.
    pub fn is_nested(&self) -> bool {
        self.span_embedding.is_some()
    }
}

impl<B: Kernels> MrcModel<B> {
    /// Logits of starts and ends.
    ///
    /// # Shapes
    /// `[batch, length]` ids to two times `[batch * length]`.
    pub fn forward(&self, input: &BertInput<B>, dropouts: &mut DropoutSeeds) -> BoundaryLogits<B> {
        self.boundary_logits(self.bert.forward(input, dropouts))
    }

    /// Logits of starts and ends from the encoder's hidden states.
    ///
    /// # Shapes
    /// `[batch * length, hidden]` to two times `[batch * length]`.
    pub fn boundary_logits(&self, hidden: Tensor<B, 2>) -> BoundaryLogits<B> {
        let logit = |head: &Linear<B>, hidden| {
            let classes = head.forward(hidden);
            (classes.clone().slice(s![.., 1..2]) - classes.slice(s![.., 0..1])).squeeze_dim(1)
        };
        BoundaryLogits { start: logit(&self.start_outputs, hidden.clone()), end: logit(&self.end_outputs, hidden) }
    }

    /// Logits of all pairs of word pieces of the contexts, by the span head if there is one: see [`SpanHead::forward`].
    ///
    /// # Shapes
    /// `hidden` `[batch * length, hidden]` and the rows of it that are contexts, `[batch, width]`, to `[batch * width * width]`.
    pub fn span_logits(&self, hidden: Tensor<B, 2>, rows: Tensor<B, 2, Int>, dropouts: &mut DropoutSeeds) -> Option<Tensor<B, 1>> {
        let head = self.span_embedding.as_ref()?;
        let ([batch, width], [_, size]) = (rows.dims(), hidden.dims());
        let contexts = hidden.select(0, rows.reshape([batch * width]));
        Some(head.forward(contexts.reshape([batch, width, size]), dropouts))
    }

    /// Logits of the clusters, by the head for pseudo-labels if there is one.
    ///
    /// # Shapes
    /// `[spans, hidden]` to `[spans, clusters]`.
    pub fn cluster_logits(&self, pooled: Tensor<B, 2>, dropouts: &mut DropoutSeeds) -> Option<Tensor<B, 2>> {
        self.cluster_classify.as_ref().map(|head| head.forward(B::dropout(pooled, dropouts.draw())))
    }
}
