//! The BERT encoder (Devlin et al. 2019): post-LayerNorm, GELU by the error function.
//!
//! Hidden states are kept as `[batch * length, hidden]`, so that all but attention is two-dimensional.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, s};
use serde::{Deserialize, Serialize};

use super::kernels::{Dropouts, Heads, Kernels, Lookup, Padding};
use super::layers::{LayerNorm, Linear};
use super::precision::Precision;

/// `config.json` of a BERT in the Hugging Face layout, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Pieces of the vocabulary.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer.
    pub num_attention_heads: usize,
    /// Width between the two linear maps of a layer's feed-forward part.
    pub intermediate_size: usize,
    /// Longest sequence, in pieces.
    pub max_position_embeddings: usize,
    /// Segment ids.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Added to the variance in LayerNorm.
    #[serde(default = "layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Deviation of fresh weights.
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
    /// The encoder of `--encoder tiny`: 2 layers, 128 wide.
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

    /// What this encoder cannot do, in words.
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
            return Some(format!("hidden_size {} is no multiple of num_attention_heads {}", self.hidden_size, self.num_attention_heads));
        }
        (self.type_vocab_size < 2).then(|| "type_vocab_size is below 2: query and context need a segment each".to_owned())
    }
}

/// A padded batch on the device.
#[derive(Debug, Clone)]
pub struct Input<B: Backend> {
    /// Word pieces.
    pub words: Lookup<B>,
    /// 0 for the query, 1 for the context, `[batch, length]`.
    pub segments: Tensor<B, 2, Int>,
    /// Which of them are real.
    pub padding: Padding<B>,
}

/// The encoder's weights.
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
    /// Weights of zero in the shapes that the configuration asks for, to be filled.
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

    /// Sets what its products see.
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
    pub fn forward(&self, input: &Input<B>, dropouts: &mut Dropouts) -> Tensor<B, 2> {
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
    fn forward(&self, input: &Input<B>, dropouts: &mut Dropouts) -> Tensor<B, 2> {
        let [batch, length] = input.words.ids.dims();
        let words = B::embed(self.word_embeddings.val(), &input.words);
        let [_, hidden] = words.dims();
        let positions = self.position_embeddings.val();
        let known = positions.dims()[0].min(length);
        let mut positions = positions.slice(s![0..known]);
        if known < length {
            // Padding alone stands there.
            positions = Tensor::cat(vec![positions, Tensor::zeros([length - known, hidden], &words.device())], 0);
        }
        let positions = positions.unsqueeze::<3>();
        // Two segments: the first one's vector for all tokens, plus the difference where the context is. A lookup's gradient
        // would add up all tokens into two rows one after the other.
        let kinds = self.token_type_embeddings.val();
        let (query, context) = (kinds.clone().slice(s![0..1]), kinds.slice(s![1..2]));
        let share = input.segments.clone().float().reshape([batch * length, 1]);
        let added = (positions + query.clone().unsqueeze::<3>()).expand([batch, length, hidden]).reshape([batch * length, hidden]);
        let added = added + share.matmul(context - query);
        let normed = self.norm.forward(words, added, None);
        B::dropout(normed, dropouts.draw())
    }
}

impl<B: Kernels> Layer<B> {
    /// # Shapes
    /// `[batch * length, hidden]` to the same.
    fn forward(&self, hidden: Tensor<B, 2>, [batch, length]: [usize; 2], padding: &Padding<B>, dropouts: &mut Dropouts) -> Tensor<B, 2> {
        let states = [&self.query, &self.key, &self.value].map(|linear| linear.forward(hidden.clone()));
        let heads = Heads { batch, length, heads: self.heads };
        let attended = B::attend(states, heads, padding, dropouts.draw(), self.precision);
        let attended = self.attention_output.forward(attended);
        let hidden = self.attention_norm.forward(attended, hidden, dropouts.draw());
        let inner = B::erf_gelu(self.intermediate.forward(hidden.clone()));
        self.output_norm.forward(self.output.forward(inner), hidden, dropouts.draw())
    }
}
