//! The reader (BERT-MRC, Li et al. 2020): the encoder with a head for starts and one for ends of answers, and what some stages
//! add to them.

use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, s};

use super::bert::{Bert, BertConfig, Input};
use super::kernels::{Dropouts, Kernels};
use super::layers::Linear;
use super::loss::SpanLoss;
use super::precision::Precision;
use super::spans::SpanHead;

/// Heads that a reader may have beside those for starts and ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// The head of nested answers.
    pub nested: bool,
    /// Clusters that the head of pseudo-labels tells apart.
    pub clusters: Option<usize>,
}

/// Encoder and heads.
#[derive(Module, Debug)]
pub struct Reader<B: Backend> {
    /// The encoder.
    pub bert: Bert<B>,
    start_outputs: Linear<B>,
    end_outputs: Linear<B>,
    span_embedding: Option<SpanHead<B>>,
    cluster_classify: Option<Linear<B>>,
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
    pub fn zeros(config: &BertConfig, extras: Extras, device: &B::Device) -> Self {
        let head = |outputs| Linear::zeros(config.hidden_size, outputs, device);
        Self {
            bert: Bert::zeros(config, device),
            start_outputs: head(2),
            end_outputs: head(2),
            span_embedding: extras.nested.then(|| SpanHead::zeros(config.hidden_size, device)),
            cluster_classify: extras.clusters.map(head),
        }
    }

    /// Where its weights are.
    pub fn device(&self) -> B::Device {
        self.start_outputs.device()
    }

    /// Sets what the encoder's products see; the heads stay in f32.
    #[must_use]
    pub fn at(mut self, precision: Precision) -> Self {
        self.bert.set_precision(precision);
        self
    }

    /// Whether it finds nested answers.
    pub fn is_nested(&self) -> bool {
        self.span_embedding.is_some()
    }
}

impl<B: Kernels> Reader<B> {
    /// Margins of each token.
    ///
    /// # Shapes
    /// `[batch, length]` ids to two times `[batch * length]`.
    pub fn forward(&self, input: &Input<B>, dropouts: &mut Dropouts) -> Margins<B> {
        self.margins(self.bert.forward(input, dropouts))
    }

    /// Margins out of the encoder's hidden states.
    ///
    /// # Shapes
    /// `[batch * length, hidden]` to two times `[batch * length]`.
    pub fn margins(&self, hidden: Tensor<B, 2>) -> Margins<B> {
        let margin = |head: &Linear<B>, hidden| {
            let logits = head.forward(hidden);
            (logits.clone().slice(s![.., 1..2]) - logits.slice(s![.., 0..1])).squeeze_dim(1)
        };
        Margins { start: margin(&self.start_outputs, hidden.clone()), end: margin(&self.end_outputs, hidden) }
    }

    /// Logits of all pairs of pieces of contexts, if the reader has a head for them: see [`SpanHead::forward`].
    ///
    /// # Shapes
    /// `[batch * length, hidden]` and the contexts' rows of it, `[batch, width]`, to `[batch * width * width]`.
    pub fn pairs(&self, hidden: Tensor<B, 2>, rows: Tensor<B, 2, Int>, dropouts: &mut Dropouts) -> Option<Tensor<B, 1>> {
        let head = self.span_embedding.as_ref()?;
        let ([batch, width], [_, size]) = (rows.dims(), hidden.dims());
        let contexts = hidden.select(0, rows.reshape([batch * width]));
        Some(head.forward(contexts.reshape([batch, width, size]), dropouts))
    }

    /// Logits of the clusters, if the reader has a head for them.
    ///
    /// # Shapes
    /// `[answers, hidden]` to `[answers, clusters]`.
    pub fn clusters(&self, pooled: Tensor<B, 2>, dropouts: &mut Dropouts) -> Option<Tensor<B, 2>> {
        self.cluster_classify.as_ref().map(|head| head.forward(B::dropout(pooled, dropouts.draw())))
    }
}

/// What the pairs of pieces of a batch's contexts should be answered with; `width` is the longest context.
#[derive(Debug, Clone)]
pub struct Pairs<B: Backend> {
    /// The contexts' rows among all pieces, `[batch, width]`; whatever comes after a context where it is shorter.
    pub rows: Tensor<B, 2, Int>,
    /// 1 where a pair is an answer, -1 elsewhere, `[batch * width * width]`.
    pub sign: Tensor<B, 1>,
    /// Weight of a pair, 0 where it ends before it starts or lies outside the context, `[batch * width * width]`.
    pub share: Tensor<B, 1>,
}

impl<B: Backend> Margins<B> {
    /// Loss of starts plus that of ends, each the mean over the context's tokens: `[1]`.
    pub fn loss(self, target: &Target<B>, loss: SpanLoss) -> Tensor<B, 1> {
        loss.of(self.start, &target.start, &target.share) + loss.of(self.end, &target.end, &target.share)
    }
}
