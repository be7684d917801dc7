//! The tensor operations of the encoder that cost time but are no matrix products.
//!
//! [`Kernels`] gives each as a composition of Burn's own operations, which any backend runs. The CPU backend overrides them
//! with fused, threaded loops ([`cpu`], [`flex`]): composed, they take two thirds of a training step there.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cpu`] | loops over slices; knows nothing of Burn |
//! | [`flex`] | those loops as operations of burn-flex, with their gradients |

pub mod cpu;
pub mod flex;

use std::sync::Arc;

use burn::tensor::activation;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Distribution, Shape, Tensor, TensorData};

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
    /// True where there is padding: `[batch, 1, 1, length]`.
    mask: Tensor<B, 4, Bool>,
}

impl<B: Backend> Padding<B> {
    /// Padding of sequences of these lengths to `length`.
    pub fn new(lengths: Arc<[usize]>, length: usize, device: &B::Device) -> Self {
        let mask: Vec<bool> = lengths.iter().flat_map(|&real| (0..length).map(move |at| at >= real)).collect();
        let mask = TensorData::new(mask, [lengths.len(), 1, 1, length]);
        Self { lengths, mask: Tensor::from_data(mask, device) }
    }
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

/// What a backend must be able to do to run the reader.
pub trait Kernels: Backend {
    /// `x · weight + bias`.
    ///
    /// # Shapes
    /// `x` `[rows, in]`, `weight` `[in, out]`, `bias` `[out]`; the result `[rows, out]`.
    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>) -> Tensor<Self, 2> {
        stock::affine(x, weight, bias)
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

    /// `dropout(softmax(scale * scores))` over the real tokens.
    ///
    /// # Shapes
    /// `scores` and the result `[batch, heads, length, length]`.
    fn attention_weights(scores: Tensor<Self, 4>, padding: &Padding<Self>, scale: f32, dropout: Option<Dropout>) -> Tensor<Self, 4> {
        stock::attention_weights(scores, padding, scale, dropout)
    }

    /// Sum of squares of a tensor of any rank, as `[1]`.
    fn square_sum<const D: usize>(x: Tensor<Self, D>) -> Tensor<Self, 1> {
        stock::square_sum(x)
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

    /// See [`Kernels::affine`].
    pub fn affine<B: Backend>(x: Tensor<B, 2>, weight: Tensor<B, 2>, bias: Tensor<B, 1>) -> Tensor<B, 2> {
        x.matmul(weight) + bias.unsqueeze()
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

    /// See [`Kernels::attention_weights`].
    pub fn attention_weights<B: Backend>(scores: Tensor<B, 4>, padding: &Padding<B>, scale: f32, drop: Option<Dropout>) -> Tensor<B, 4> {
        let mask = padding.mask.clone().expand(scores.shape());
        dropout(activation::softmax((scores * scale).mask_fill(mask, f32::MIN), 3), drop)
    }

    /// See [`Kernels::square_sum`].
    pub fn square_sum<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
        (x.clone() * x).sum()
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
    fn unbias(&self) -> (f32, f32) {
        let unbias = |beta: f32| (1.0 - f64::from(beta).powi(self.step)) as f32;
        (unbias(self.beta1), unbias(self.beta2))
    }
}
