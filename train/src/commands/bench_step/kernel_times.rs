//! Times the operations of a training step, each alone, forward and backward.

use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::tensor::{Distribution, Tensor};

use super::encoder_size::layer_parameters;
use crate::commands::terminal::to_stdout;
use crate::data::Batch;
use crate::device::TrainBackend;
use crate::kernels::{AdamWState, AdamWStep, AttentionShape, Dropout, Kernels, LinearMap, NormWeights, Precision, reference};
use crate::model::{BertConfig, BertInput};

/// Timed repetitions of each operation.
const REPETITIONS: usize = 10;

/// Prints the milliseconds of each operation, how often a step computes it, and the product of both.
///
/// # Errors
/// The device fails.
pub fn print<B: TrainBackend>(bert: &BertConfig, batch: &Batch, precision: Precision, rate: f32, device: &B::Device) -> Result<()> {
    let (hidden, inner, layers) = (bert.hidden_size, bert.intermediate_size, bert.num_hidden_layers);
    let tokens = batch.size * batch.length;
    let random = |rows, width| Tensor::<B, 2>::random([rows, width], Distribution::Normal(0.0, 0.5), device).require_grad();
    let row = |width| Tensor::<B, 1>::random([width], Distribution::Normal(0.0, 0.5), device).require_grad();
    let dropout = (rate > 0.0).then_some(Dropout { rate, seed: 1 });
    let input = BertInput::<B>::from_batch(batch, device);
    let attention = AttentionShape { batch: batch.size, length: batch.length, heads: bert.num_attention_heads };
    let (x, wide) = (random(tokens, hidden), random(tokens, inner));
    let (square, up, down) = (random(hidden, hidden), random(hidden, inner), random(inner, hidden));
    let (bias, wide_bias, norm_weight) = (row(hidden), row(inner), row(hidden));
    let table = random(bert.vocab_size, hidden);
    let half = |x: &Tensor<B, 2>| B::affine(x.clone(), square.clone(), bias.clone(), precision).detach().require_grad();
    let state = half(&x);
    let wide_state = B::affine(x.clone(), up.clone(), wide_bias.clone(), precision).detach().require_grad();
    to_stdout(&format!("{:<34} {:>9} {:>5} {:>9}", "operation, forward and backward", "ms", "times", "ms a step"))?;
    let mut all = 0.0;
    let mut row_of = |name: &str, times: usize, run: &dyn Fn() -> Tensor<B, 2>| -> Result<()> {
        let both = || drop(run().cast(burn::tensor::FloatDType::F32).sum().backward());
        let milliseconds = measure::<B>(device, both)?;
        all += milliseconds * times as f64;
        to_stdout(&format!("{name:<34} {milliseconds:9.3} {times:5} {:9.2}", milliseconds * times as f64))
    };
    row_of("word embeddings", 1, &|| B::embed(table.clone(), &input.words))?;
    let square_map = || LinearMap { weight: square.clone(), bias: bias.clone() };
    let norm = || NormWeights { weight: norm_weight.clone(), bias: bias.clone(), eps: 1e-12 };
    row_of("self-attention", layers, &|| {
        let maps = [square_map(), square_map(), square_map()];
        B::self_attention(state.clone(), maps, attention, &input.padding, dropout, precision)
    })?;
    row_of("linear hidden x hidden, LayerNorm", layers, &|| {
        B::affine_add_norm(state.clone(), square_map(), state.clone(), norm(), dropout, precision)
    })?;
    row_of("linear hidden x inner, GELU", layers, &|| {
        B::affine_gelu(state.clone(), LinearMap { weight: up.clone(), bias: wide_bias.clone() }, precision)
    })?;
    row_of("linear inner x hidden, LayerNorm", layers, &|| {
        let map = LinearMap { weight: down.clone(), bias: bias.clone() };
        B::affine_add_norm(wide_state.clone(), map, state.clone(), norm(), dropout, precision)
    })?;

    let size = [12, hidden, hidden];
    let inner_random = || Tensor::<B::InnerBackend, 3>::random(size, Distribution::Normal(0.0, 0.5), device);
    let parameters = layer_parameters(bert) + ((bert.vocab_size + bert.max_position_embeddings) * hidden) as f64;
    let blocks = parameters / size.iter().product::<usize>() as f64;
    let gradient = inner_random();
    let raw = |x: Tensor<B::InnerBackend, 3>| x.into_primitive().tensor();
    let norm = || drop(B::InnerBackend::square_sum(vec![raw(gradient.clone())]));
    let start = || AdamWState { param: raw(inner_random()), mean: raw(inner_random()), square: raw(inner_random().abs()) };
    let mut state = vec![start()];
    let scale = Tensor::from_floats([1.0], device);
    let step = AdamWStep { lr: 1e-5, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01, step: 10 };
    let mut finish = |name: &str, milliseconds: f64| -> Result<()> {
        all += milliseconds * blocks;
        to_stdout(&format!("{name:<34} {milliseconds:9.3} {blocks:5.1} {:9.2}", milliseconds * blocks))
    };
    finish("norm of gradients", measure::<B>(device, norm)?)?;
    let update = || state = B::InnerBackend::adamw(std::mem::take(&mut state), vec![raw(gradient.clone())], &scale, &step);
    finish("AdamW", measure::<B>(device, update)?)?;
    to_stdout(&format!("{:<34} {:>9} {:>5} {all:9.2}", "together", "", ""))?;

    // For comparison, the operations that one kernel of this program computes in place of several of Burn's.
    to_stdout("by Burn's own operations:")?;
    let composed = |name: &str, run: &dyn Fn() -> Tensor<B, 2>| -> Result<()> {
        let both = || drop(run().cast(burn::tensor::FloatDType::F32).sum().backward());
        to_stdout(&format!("{name:<34} {:9.3}", measure::<B>(device, both)?))
    };
    composed("word embeddings", &|| reference::embed(table.clone(), &input.words))?;
    composed("dropout, residual, LayerNorm", &|| {
        reference::add_norm(x.clone(), x.clone(), norm_weight.clone(), bias.clone(), 1e-12, dropout)
    })?;
    composed("GELU", &|| reference::erf_gelu(wide.clone()))?;
    let mut state = Some(start());
    let update = || state = state.take().map(|state| reference::adamw(state, raw(gradient.clone()), &scale, &step));
    to_stdout(&format!("{:<34} {:9.3}", "AdamW", measure::<B>(device, update)?))?;
    let norm = || drop(reference::square_sum(vec![raw(gradient.clone())]) as Tensor<B::InnerBackend, 1>);
    to_stdout(&format!("{:<34} {:9.3}", "norm of gradients", measure::<B>(device, norm)?))
}

/// Mean milliseconds of some work, without its first run.
fn measure<B: TrainBackend>(device: &B::Device, mut work: impl FnMut()) -> Result<f64> {
    let sync = || B::sync(device).map_err(|error| anyhow!("the device failed: {error:?}"));
    work();
    sync()?;
    let started = Instant::now();
    (0..REPETITIONS).for_each(|_| work());
    sync()?;
    Ok(started.elapsed().as_secs_f64() * 1e3 / REPETITIONS as f64)
}
