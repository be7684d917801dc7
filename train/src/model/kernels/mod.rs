//! The tensor operations of the encoder that cost time but are no matrix products.
//!
//! [`Kernels`] gives each as a composition of Burn's own operations, which any backend runs. The CPU backend overrides them
//! with fused, threaded loops ([`cpu`], [`flex`]): composed, they take two thirds of a training step there.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cpu`], [`linear`], [`attention`] | loops over slices; know nothing of Burn |
//! | [`flex`] | those loops as operations of burn-flex, with their gradients |
//! | `cube` | kernels of a GPU, with their gradients; behind the features `cuda` and `vulkan` |

pub mod attention;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod cube;
pub mod flex;
pub mod linear;
mod vector;

use std::sync::Arc;

use burn::tensor::activation;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Bool, Distribution, FloatDType, Int, Shape, Tensor, TensorData, TensorMetadata, TensorPrimitive};

use super::precision::Precision;
use crate::cluster::Points;
use crate::cluster::kmeans::Neighbours;
use crate::data::TokenIndex;

/// Dropout of one tensor: which of its elements fall out is a function of the seed and their position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Probability of falling out, in [0, 1).
    pub rate: f32,
    /// Differs for every tensor and step.
    pub seed: u64,
}

/// Gives each dropout of a training step its seed, or none at all in evaluation.
#[derive(Debug, Clone)]
pub struct Dropouts {
    rate: f32,
    seed: u64,
}

impl Dropouts {
    /// No dropout: for evaluation.
    pub fn off() -> Self {
        Self { rate: 0.0, seed: 0 }
    }

    /// Dropout at this rate, for the step whose seed is given.
    pub fn seeded(rate: f32, seed: u64) -> Self {
        Self { rate, seed }
    }

    /// The next tensor's dropout.
    pub fn draw(&mut self) -> Option<Dropout> {
        // The golden ratio's odd multiple walks through all 2^64 seeds before one comes again.
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (self.rate > 0.0).then_some(Dropout { rate: self.rate, seed: self.seed })
    }
}

/// Which tokens of a padded batch are real: the first `lengths[row]` of each row.
#[derive(Debug, Clone)]
pub struct Padding<B: Backend> {
    /// Real tokens of each sequence.
    pub lengths: Arc<[usize]>,
    /// The same on the device, `[batch]`.
    real: Tensor<B, 1, Int>,
}

impl<B: Backend> Padding<B> {
    /// Padding of sequences of these lengths.
    pub fn new(lengths: Arc<[usize]>, device: &B::Device) -> Self {
        let real: Vec<i32> = lengths.iter().map(|&length| length as i32).collect();
        let real = TensorData::new(real, [lengths.len()]);
        Self { lengths, real: Tensor::from_data(real, device) }
    }

    /// True where there is padding: `[batch, 1, 1, length]`.
    fn mask(&self, length: usize) -> Tensor<B, 4, Bool> {
        let batch = self.lengths.len();
        let at = Tensor::<B, 1, Int>::arange(0..length as i64, &self.real.device()).reshape([1, 1, 1, length]);
        at.expand([batch, 1, 1, length]).greater_equal(self.real.clone().reshape([batch, 1, 1, 1]))
    }
}

/// Rows of a table that a batch looks up.
#[derive(Debug, Clone)]
pub struct Lookup<B: Backend> {
    /// The rows, `[batch, length]`.
    pub ids: Tensor<B, 2, Int>,
    /// The same tokens by row.
    pub tokens: Arc<TokenIndex>,
}

/// Settings of one AdamW update of one tensor.
#[derive(Debug, Clone, Copy)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the mean.
    pub beta1: f32,
    /// Decay of the mean square.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub eps: f32,
    /// Decoupled weight decay; 0 for biases and LayerNorm.
    pub decay: f32,
    /// Number of this update, from 1.
    pub step: i32,
}

/// A parameter with its running mean and mean square.
pub struct Moments<T> {
    /// The parameter itself.
    pub param: T,
    /// Running mean of its gradient.
    pub mean: T,
    /// Running mean of its gradient's square.
    pub square: T,
}

/// How hidden states are cut into attention heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Sequences.
    pub batch: usize,
    /// Tokens of each, padding included.
    pub length: usize,
    /// Heads of each token.
    pub heads: usize,
}

impl Heads {
    /// `[batch * length, width]` to `[batch, heads, length, width / heads]`.
    pub fn split<B: Backend>(self, x: Tensor<B, 2>) -> Tensor<B, 4> {
        let width = x.dims()[1];
        x.reshape([self.batch, self.length, self.heads, width / self.heads]).swap_dims(1, 2)
    }

    /// Back again.
    pub fn join<B: Backend>(self, x: Tensor<B, 4>) -> Tensor<B, 2> {
        let head = x.dims()[3];
        x.swap_dims(1, 2).reshape([self.batch * self.length, self.heads * head])
    }
}

/// What a backend must be able to do to run the reader.
///
/// Between one operation and the next a backend may keep hidden states in bf16 where the products are; parameters and the results of
/// [`add_norm`](Self::add_norm) are f32.
pub trait Kernels: Backend {
    /// The product of two stacks of matrices: in bf16 both are rounded to it, sums are f32, and the result is rounded to it again; so
    /// are the gradients.
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        stock::product(a, b, precision)
    }

    /// `x · weight + bias`.
    ///
    /// # Shapes
    /// `x` `[rows, in]`, `weight` `[in, out]`, `bias` `[out]`; the result `[rows, out]`.
    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        stock::affine(x, weight, bias, precision)
    }

    /// Rows of a table; the gradient adds up what comes back for each row.
    ///
    /// # Shapes
    /// `table` `[rows, width]`; the result `[batch * length, width]`.
    fn embed(table: Tensor<Self, 2>, lookup: &Lookup<Self>) -> Tensor<Self, 2> {
        stock::embed(table, lookup)
    }

    /// Scaled dot-product attention of all heads, over the real tokens.
    ///
    /// # Shapes
    /// `query`, `key`, `value` and the result `[batch * length, width]`, the heads side by side.
    fn attend(
        [query, key, value]: [Tensor<Self, 2>; 3],
        heads: Heads,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        stock::attend([query, key, value], heads, padding, dropout, precision)
    }

    /// GELU by the error function, `x Φ(x)`, of `[rows, width]`.
    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        stock::erf_gelu(x)
    }

    /// Dropout of `[rows, width]`; what stays is scaled by `1 / (1 - rate)`.
    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        stock::dropout(x, dropout)
    }

    /// `LayerNorm(dropout(x) + residual)`.
    ///
    /// # Shapes
    /// `x`, `residual` and the result `[rows, width]`; `weight` and `bias` `[width]`.
    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        stock::add_norm(x, residual, weight, bias, eps, dropout)
    }

    /// Sum of the squares of all numbers of some tensors of any rank, as `[1]`. There is at least one tensor.
    fn square_sum(tensors: Vec<FloatTensor<Self>>) -> Tensor<Self, 1> {
        stock::square_sum(tensors)
    }

    /// The sum of tensors of one shape, each on a device of its own, on each of these devices.
    fn all_reduce(of_devices: Vec<FloatTensor<Self>>) -> Vec<FloatTensor<Self>> {
        stock::all_reduce::<Self>(of_devices)
    }

    /// Whether vectors are worth being clustered where they lie.
    const CLUSTERS: bool = false;

    /// Points on the device, if it clusters such: see [`CLUSTERS`](Self::CLUSTERS).
    fn neighbours(_points: &Points, _device: &Self::Device) -> Option<Box<dyn Neighbours>> {
        None
    }

    /// One AdamW update (Loshchilov and Hutter 2019) with the gradient multiplied by `scale`, a tensor of `[1]`.
    fn adamw<const D: usize>(
        state: Moments<Tensor<Self, D>>,
        gradient: Tensor<Self, D>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Moments<Tensor<Self, D>> {
        stock::adamw(state, gradient, scale, step)
    }
}

/// The operations composed of Burn's own: the definition that fused ones are tested against.
pub mod stock {
    use super::*;

    /// See [`Kernels::product`].
    pub fn product<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>, precision: Precision) -> Tensor<B, D> {
        match precision {
            Precision::F32 => a.matmul(b),
            Precision::Bf16 => a.cast(FloatDType::BF16).matmul(b.cast(FloatDType::BF16)).cast(FloatDType::F32),
        }
    }

    /// The same where there is no arithmetic in bf16: rounded in value and, as a cast's gradient is cast back, in gradient.
    pub fn rounded_product<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>, precision: Precision) -> Tensor<B, D> {
        let round = |x: Tensor<B, D>| x.cast(FloatDType::BF16).cast(FloatDType::F32);
        match precision {
            Precision::F32 => a.matmul(b),
            Precision::Bf16 => round(round(a).matmul(round(b))),
        }
    }

    /// See [`Kernels::affine`].
    pub fn affine<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 2>, bias: Tensor<B, 1>, precision: Precision) -> Tensor<B, 2> {
        B::product(x, weight, precision) + bias.unsqueeze()
    }

    /// See [`Kernels::embed`].
    pub fn embed<B: Backend>(table: Tensor<B, 2>, lookup: &Lookup<B>) -> Tensor<B, 2> {
        let [batch, length] = lookup.ids.dims();
        table.select(0, lookup.ids.clone().reshape([batch * length]))
    }

    /// See [`Kernels::attend`].
    pub fn attend<B: Kernels>(
        [query, key, value]: [Tensor<B, 2>; 3],
        heads: Heads,
        padding: &Padding<B>,
        drop: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<B, 2> {
        let (query, key, value) = (heads.split(query), heads.split(key), heads.split(value));
        let scale = (query.dims()[3] as f32).sqrt().recip();
        let scores = B::product(query, key.swap_dims(2, 3), precision) * scale;
        let mask = padding.mask(heads.length).expand(scores.shape());
        let softmax = activation::softmax(scores.mask_fill(mask, f32::MIN), 3);
        let (shape, rows) = (softmax.dims(), heads.batch * heads.heads * heads.length);
        let weights = B::dropout(softmax.reshape([rows, heads.length]), drop).reshape(shape);
        heads.join(B::product(weights, value, precision))
    }

    /// See [`Kernels::erf_gelu`].
    pub fn erf_gelu<B: Backend>(x: Tensor<B, 2>) -> Tensor<B, 2> {
        activation::gelu(x)
    }

    /// See [`Kernels::dropout`].
    pub fn dropout<B: Backend, const D: usize>(x: Tensor<B, D>, dropout: Option<Dropout>) -> Tensor<B, D> {
        let Some(Dropout { rate, seed }) = dropout else { return x };
        let device = x.device();
        B::seed(&device, seed);
        let keep = f64::from(1.0 - rate);
        let mask = Tensor::random(x.shape(), Distribution::Bernoulli(keep), &device);
        x * mask / keep
    }

    /// See [`Kernels::add_norm`].
    pub fn add_norm<B: Backend>(
        x: Tensor<B, 2>,
        residual: Tensor<B, 2>,
        weight: Tensor<B, 1>,
        bias: Tensor<B, 1>,
        eps: f32,
        drop: Option<Dropout>,
    ) -> Tensor<B, 2> {
        let sum = dropout(x, drop) + residual;
        let centred = sum.clone() - sum.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        centred / (variance + eps).sqrt() * weight.unsqueeze() + bias.unsqueeze()
    }

    /// See [`Kernels::square_sum`].
    pub fn square_sum<B: Backend>(tensors: Vec<FloatTensor<B>>) -> Tensor<B, 1> {
        let of_one = |x: FloatTensor<B>| {
            let count = Shape::new([x.shape().num_elements()]);
            let x = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(B::float_reshape(x, count)));
            (x.clone() * x).sum()
        };
        Tensor::cat(tensors.into_iter().map(of_one).collect(), 0).sum()
    }

    /// See [`Kernels::all_reduce`].
    pub fn all_reduce<B: Backend>(of_devices: Vec<FloatTensor<B>>) -> Vec<FloatTensor<B>> {
        let devices: Vec<B::Device> = of_devices.iter().map(B::float_device).collect();
        let there = |x| B::float_to_device(x, &devices[0]);
        let sum = of_devices.into_iter().reduce(|sum, x| B::float_add(there(sum), there(x)));
        let copy = |device| sum.clone().map(|sum| B::float_to_device(sum, device));
        devices.iter().filter_map(copy).collect()
    }

    /// See [`Kernels::adamw`].
    pub fn adamw<B: Backend, const D: usize>(
        state: Moments<Tensor<B, D>>,
        gradient: Tensor<B, D>,
        scale: &Tensor<B, 1>,
        step: &AdamWStep,
    ) -> Moments<Tensor<B, D>> {
        let gradient = gradient * scale.clone().reshape(Shape::new([1; D]));
        let mean = state.mean * step.beta1 + gradient.clone() * (1.0 - step.beta1);
        let square = state.square * step.beta2 + gradient.clone() * gradient * (1.0 - step.beta2);
        let (unbias1, unbias2) = step.unbias();
        let update = mean.clone() / ((square.clone() / unbias2).sqrt() + step.eps) * (step.lr / unbias1);
        Moments { param: state.param * (1.0 - step.lr * step.decay) - update, mean, square }
    }
}

impl AdamWStep {
    /// What mean and mean square are divided by, as both start from zero.
    pub(crate) fn unbias(&self) -> (f32, f32) {
        let unbias = |beta: f32| (1.0 - f64::from(beta).powi(self.step)) as f32;
        (unbias(self.beta1), unbias(self.beta2))
    }
}
