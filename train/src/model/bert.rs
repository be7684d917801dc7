//! The BERT encoder (Devlin et al. 2019): post-LayerNorm, GELU by the error function. Those of its family differ in their embeddings alone.
//!
//! Hidden states are `[batch * length, hidden]`, so that all operations but attention are two-dimensional.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Int, Tensor, s};

use super::bert_config::BertConfig;
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use crate::kernels::Precision;
use crate::kernels::{AttentionShape, DropoutSeeds, EmbeddingLookup, EncoderLayerWeights, Kernels, Padding};

/// A padded batch on a device: the encoder's input.
#[derive(Debug, Clone)]
pub struct BertInput<B: Backend> {
    /// Ids of the word pieces.
    pub words: EmbeddingLookup<B>,
    /// Segment ids, 0 for the query and 1 for the context, `[batch, length]`.
    pub segments: Tensor<B, 2, Int>,
    /// Which word pieces are real.
    pub padding: Padding<B>,
}

/// The encoder.
#[derive(Module, Debug)]
pub struct Bert<B: Backend> {
    embeddings: Embeddings<B>,
    /// From the width of the embeddings to that of the hidden states, where they differ.
    embeddings_project: Option<Linear<B>>,
    layers: Vec<Layer<B>>,
}

#[derive(Module, Debug)]
struct Embeddings<B: Backend> {
    word_embeddings: Param<Tensor<B, 2>>,
    position_embeddings: Param<Tensor<B, 2>>,
    token_type_embeddings: Option<Param<Tensor<B, 2>>>,
    norm: LayerNorm<B>,
    /// Row of the first word piece in the table of positions.
    first_position: usize,
}

#[derive(Module, Debug)]
struct Layer<B: Backend> {
    query: Linear<B>,
    key: Linear<B>,
    value: Linear<B>,
    attention_output: Linear<B>,
    attention_norm: LayerNorm<B>,
    intermediate: Linear<B>,
    output: Linear<B>,
    output_norm: LayerNorm<B>,
    heads: usize,
    #[module(skip)]
    precision: Precision,
}

impl<B: Backend> Bert<B> {
    /// An encoder of zeros in the shapes of the configuration, to be filled with weights.
    pub fn zeros(config: &BertConfig, device: &B::Device) -> Self {
        let (hidden, eps, width) = (config.hidden_size, config.layer_norm_eps as f32, config.embedding_width());
        let table = |rows| Param::from_tensor(Tensor::zeros([rows, width], device));
        let square = || Linear::zeros(hidden, hidden, device);
        let layer = || Layer {
            query: square(),
            key: square(),
            value: square(),
            attention_output: square(),
            attention_norm: LayerNorm::zeros(hidden, eps, device),
            intermediate: Linear::zeros(hidden, config.intermediate_size, device),
            output: Linear::zeros(config.intermediate_size, hidden, device),
            output_norm: LayerNorm::zeros(hidden, eps, device),
            heads: config.num_attention_heads,
            precision: Precision::F32,
        };
        Self {
            embeddings: Embeddings {
                word_embeddings: table(config.vocab_size),
                position_embeddings: table(config.max_position_embeddings),
                token_type_embeddings: (config.type_vocab_size > 0).then(|| table(config.type_vocab_size)),
                norm: LayerNorm::zeros(width, eps, device),
                first_position: config.first_position(),
            },
            embeddings_project: (width != hidden).then(|| Linear::zeros(width, hidden, device)),
            layers: (0..config.num_hidden_layers).map(|_| layer()).collect(),
        }
    }

    /// Sets the number format of all products.
    pub fn set_precision(&mut self, precision: Precision) {
        self.embeddings_project.iter_mut().for_each(|project| project.set_precision(precision));
        for layer in &mut self.layers {
            layer.precision = precision;
            let Layer { query, key, value, attention_output, intermediate, output, .. } = layer;
            [query, key, value, attention_output, intermediate, output].into_iter().for_each(|linear| linear.set_precision(precision));
        }
    }
}

impl<B: Kernels> Bert<B> {
    /// Hidden states of the last layer.
    ///
    /// # Shapes
    /// `[batch, length]` ids to `[batch * length, hidden]`.
    pub fn forward(&self, input: &BertInput<B>, dropouts: &mut DropoutSeeds) -> Tensor<B, 2> {
        let [batch, length] = input.words.ids.dims();
        let embedded = self.embeddings.forward(input, dropouts);
        let mut hidden = match &self.embeddings_project {
            Some(project) => project.forward(embedded),
            None => embedded,
        };
        for layer in &self.layers {
            hidden = layer.forward(hidden, [batch, length], &input.padding, dropouts);
        }
        // A backend may have kept them in bf16.
        hidden.cast(FloatDType::F32)
    }
}

impl<B: Kernels> Embeddings<B> {
    /// # Shapes
    /// `[batch, length]` ids to `[batch * length, width]`.
    fn forward(&self, input: &BertInput<B>, dropouts: &mut DropoutSeeds) -> Tensor<B, 2> {
        let [batch, length] = input.words.ids.dims();
        let words = B::embed(self.word_embeddings.val(), &input.words);
        let [_, width] = words.dims();
        let positions = self.position_embeddings.val();
        let available = (positions.dims()[0] - self.first_position).min(length);
        let mut positions = positions.slice(s![self.first_position..self.first_position + available]);
        if available < length {
            // Only padding is past the last position.
            positions = Tensor::cat(vec![positions, Tensor::zeros([length - available, width], &words.device())], 0);
        }
        let positions = positions.unsqueeze::<3>();
        let at_all_tokens = |vectors: Tensor<B, 3>| vectors.expand([batch, length, width]).reshape([batch * length, width]);
        let segments = self.token_type_embeddings.as_ref().map(Param::val);
        let added = match segments.map(|segments| (segments.dims()[0], segments)) {
            None => at_all_tokens(positions),
            // One segment: the model does not tell query and context apart by it.
            Some((1, segment)) => at_all_tokens(positions + segment.unsqueeze::<3>()),
            Some((_, segments)) => {
                // The vector of segment 0 for all tokens, plus the difference to segment 1 where the context is. The gradient of a lookup
                // would sum all tokens into two rows sequentially.
                let (query, context) = (segments.clone().slice(s![0..1]), segments.slice(s![1..2]));
                let is_context = input.segments.clone().float().reshape([batch * length, 1]);
                at_all_tokens(positions + query.clone().unsqueeze::<3>()) + B::product(is_context, context - query, Precision::F32)
            }
        };
        let normed = self.norm.forward(words, added, None);
        B::dropout(normed, dropouts.draw())
    }
}

impl<B: Kernels> Layer<B> {
    /// # Shapes
    /// `[batch * length, hidden]` to the same.
    fn forward(
        &self,
        hidden: Tensor<B, 2>,
        [batch, length]: [usize; 2],
        padding: &Padding<B>,
        dropouts: &mut DropoutSeeds,
    ) -> Tensor<B, 2> {
        let weights = EncoderLayerWeights {
            projections: [&self.query, &self.key, &self.value].map(Linear::weights),
            attention_output: self.attention_output.weights(),
            attention_norm: self.attention_norm.weights(),
            intermediate: self.intermediate.weights(),
            output: self.output.weights(),
            output_norm: self.output_norm.weights(),
        };
        let shape = AttentionShape { batch, length, heads: self.heads };
        let dropouts = std::array::from_fn(|_| dropouts.draw());
        B::encoder_layer(hidden, weights, shape, padding, dropouts, self.precision)
    }
}
