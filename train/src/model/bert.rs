//! The BERT encoder (Devlin et al. 2019): post-LayerNorm, GELU by the error function.
//!
//! Hidden states are `[batch * length, hidden]`, so that all operations but attention are two-dimensional.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, s};
use serde::{Deserialize, Serialize};

use super::layer_norm::LayerNorm;
use super::linear::Linear;
use crate::kernels::Precision;
use crate::kernels::{AttentionShape, DropoutSeeds, EmbeddingLookup, Kernels, Padding};

/// `config.json` of a BERT in the Hugging Face layout; keys that do not matter here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Word pieces of the vocabulary.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer.
    pub num_attention_heads: usize,
    /// Width between the two linear maps of a layer's feed-forward network.
    pub intermediate_size: usize,
    /// Length of the longest sequence, in word pieces.
    pub max_position_embeddings: usize,
    /// Number of segment ids.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Added to the variance in LayerNorm (epsilon).
    #[serde(default = "layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Standard deviation of random weights.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// Must be `gelu`.
    #[serde(default = "gelu")]
    pub hidden_act: String,
    /// Must be `bert`.
    #[serde(default = "bert")]
    pub model_type: String,
    /// Must be `absolute`.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn two() -> usize {
    2
}

fn layer_norm_eps() -> f64 {
    1e-12
}

fn initializer_range() -> f64 {
    0.02
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn bert() -> String {
    "bert".to_owned()
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl BertConfig {
    /// The configuration of `--encoder tiny`: 2 layers of width 128.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 128,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 512,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            initializer_range: 0.02,
            hidden_act: gelu(),
            model_type: bert(),
            position_embedding_type: absolute(),
        }
    }

    /// What of the configuration this encoder does not support, for an error message; `None` if it supports all of it.
    pub fn unsupported(&self) -> Option<String> {
        if self.model_type != "bert" {
            return Some(format!("model_type is `{}`, expected `bert`", self.model_type));
        }
        if self.hidden_act != "gelu" {
            return Some(format!("hidden_act is `{}`, expected `gelu`", self.hidden_act));
        }
        if self.position_embedding_type != "absolute" {
            return Some(format!("position_embedding_type is `{}`, expected `absolute`", self.position_embedding_type));
        }
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Some(format!("hidden_size {} is not a multiple of num_attention_heads {}", self.hidden_size, self.num_attention_heads));
        }
        (self.type_vocab_size < 2)
            .then(|| format!("type_vocab_size is {}, expected 2 or more: query and context have a segment id each", self.type_vocab_size))
    }
}

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
    layers: Vec<Layer<B>>,
}

#[derive(Module, Debug)]
struct Embeddings<B: Backend> {
    word_embeddings: Param<Tensor<B, 2>>,
    position_embeddings: Param<Tensor<B, 2>>,
    token_type_embeddings: Param<Tensor<B, 2>>,
    norm: LayerNorm<B>,
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
        let (hidden, eps) = (config.hidden_size, config.layer_norm_eps as f32);
        let table = |rows| Param::from_tensor(Tensor::zeros([rows, hidden], device));
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
                token_type_embeddings: table(config.type_vocab_size),
                norm: LayerNorm::zeros(hidden, eps, device),
            },
            layers: (0..config.num_hidden_layers).map(|_| layer()).collect(),
        }
    }

    /// Sets the number format of all products.
    pub fn set_precision(&mut self, precision: Precision) {
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
        let mut hidden = self.embeddings.forward(input, dropouts);
        for layer in &self.layers {
            hidden = layer.forward(hidden, [batch, length], &input.padding, dropouts);
        }
        hidden
    }
}

impl<B: Kernels> Embeddings<B> {
    /// # Shapes
    /// `[batch, length]` ids to `[batch * length, hidden]`.
    fn forward(&self, input: &BertInput<B>, dropouts: &mut DropoutSeeds) -> Tensor<B, 2> {
        let [batch, length] = input.words.ids.dims();
        let words = B::embed(self.word_embeddings.val(), &input.words);
        let [_, hidden] = words.dims();
        let positions = self.position_embeddings.val();
        let available = positions.dims()[0].min(length);
        let mut positions = positions.slice(s![0..available]);
        if available < length {
            // Only padding is past the last position.
            positions = Tensor::cat(vec![positions, Tensor::zeros([length - available, hidden], &words.device())], 0);
        }
        let positions = positions.unsqueeze::<3>();
        // The vector of segment 0 for all tokens, plus the difference to segment 1 where the context is. The gradient of a lookup would
        // sum all tokens into two rows sequentially.
        let segments = self.token_type_embeddings.val();
        let (query, context) = (segments.clone().slice(s![0..1]), segments.slice(s![1..2]));
        let is_context = input.segments.clone().float().reshape([batch * length, 1]);
        let added = (positions + query.clone().unsqueeze::<3>()).expand([batch, length, hidden]).reshape([batch * length, hidden]);
        let added = added + is_context.matmul(context - query);
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
        let states = [&self.query, &self.key, &self.value].map(|linear| linear.forward(hidden.clone()));
        let shape = AttentionShape { batch, length, heads: self.heads };
        let attended = B::attend(states, shape, padding, dropouts.draw(), self.precision);
        let attended = self.attention_output.forward(attended);
        let hidden = self.attention_norm.forward(attended, hidden, dropouts.draw());
        let inner = B::erf_gelu(self.intermediate.forward(hidden.clone()));
        self.output_norm.forward(self.output.forward(inner), hidden, dropouts.draw())
    }
}
