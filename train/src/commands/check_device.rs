//! `train check-device`: whether a device computes what the CPU does.

use std::fmt;

use anyhow::{Result, bail};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::CheckDeviceConfig;
use crate::data::SpecialTokens;
use crate::data::TokenizedText;
use crate::data::{Batch, Sequence};
use crate::device::{Device, DeviceJob, Engine, TrainBackend};
use crate::kernels::{DropoutSeeds, Precision};
use crate::model::{BertConfig, BertInput, BoundaryTargets, MrcModel, OptionalHeads, SpanLoss, SpanTargets, weights};
use crate::parameter_names::ParameterPath;

/// Largest relative differences that are allowed.
fn bound(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-3,
        Precision::Bf16 => 3e-2,
    }
}

/// The reader that is computed: small enough for a CPU, wide enough for a GPU's kernels to be those of a large one.
fn shape() -> BertConfig {
    BertConfig {
        hidden_size: 384,
        num_hidden_layers: 2,
        num_attention_heads: 6,
        intermediate_size: 1536,
        max_position_embeddings: 128,
        ..BertConfig::tiny(1000)
    }
}

/// One batch, forward and backward.
#[derive(Debug, Clone, Copy)]
struct Pass {
    precision: Precision,
    dropout: f32,
    /// Whose padding the batch gets.
    device: Device,
}

/// Nothing: whether a device can be used at all.
struct Nothing;

impl DeviceJob for Nothing {
    type Output = ();

    fn run<B: TrainBackend>(self, _: &B::Device) -> Result<()> {
        Ok(())
    }
}

/// What came out.
#[derive(Debug)]
struct Outcome {
    loss: f64,
    gradients: Vec<(String, Vec<f32>)>,
}

impl DeviceJob for Pass {
    type Output = Outcome;

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<Outcome> {
        let reader: MrcModel<B> =
            weights::random_model(&shape(), OptionalHeads { nested: true, clusters: None }, 1, device).with_precision(self.precision);
        let batch = batch(self.device);
        let dropouts = &mut DropoutSeeds::seeded(self.dropout, 7);
        let hidden = reader.bert.forward(&BertInput::from_batch(&batch, device), dropouts);
        let pieces = batch.context_word_pieces();
        let pairs = SpanTargets::from_batch(&batch, pieces, device);
        let mut loss =
            reader.boundary_logits(hidden.clone()).loss(&BoundaryTargets::from_batch(&batch, pieces, device), SpanLoss::CROSS_ENTROPY);
        if let Some(of_pairs) = reader.span_logits(hidden, pairs.rows, &mut DropoutSeeds::off()) {
            loss = loss + SpanLoss::CROSS_ENTROPY.of(of_pairs, &pairs.sign, &pairs.share);
        }
        let value = loss.clone().into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32")[0];
        let mut all = Collect::<B> { gradients: loss.backward(), path: ParameterPath::default(), found: Vec::new() };
        reader.visit(&mut all);
        Ok(Outcome { loss: value.into(), gradients: all.found })
    }
}

/// Sequences of several lengths, the same each time.
fn batch(device: Device) -> Batch {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut pieces = |count: usize| {
        let ids = (0..count).map(|_| rng.random_range(5..1000)).collect();
        std::sync::Arc::new(TokenizedText { ids, offsets: vec![(0, 0); count] })
    };
    let query = pieces(9);
    let sequence = |(triple, length): (usize, &usize)| {
        let answers = (0..*length as u32 / 12).map(|answer| (answer * 12, answer * 12 + answer % 3)).collect();
        Sequence { triple, query: query.clone(), context: pieces(*length), window: 0..*length, answers }
    };
    let sequences: Vec<Sequence> = [20, 37, 60, 58, 50, 12, 60, 33].iter().enumerate().map(sequence).collect();
    let numbers: Vec<usize> = (0..sequences.len()).collect();
    Batch::new(&sequences, &numbers, SpecialTokens { cls: 1, sep: 2, pad: 0 }, device.into())
}

struct Collect<B: TrainBackend> {
    gradients: B::Gradients,
    path: ParameterPath,
    found: Vec<(String, Vec<f32>)>,
}

impl<B: TrainBackend> ModuleVisitor<B> for Collect<B> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = param.val().grad_remove(&mut self.gradients);
        let values = gradient.map(|gradient| gradient.into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32"));
        self.found.push((self.path.name(), values.unwrap_or_default()));
    }
}

/// Relative differences of an outcome from another.
#[derive(Debug)]
struct Difference {
    loss: f64,
    gradient: f64,
    tensor: String,
}

impl Difference {
    /// Each gradient's distance is taken relative to its norm, or to a hundredth of the norm of all where it is smaller: the
    /// gradient of the keys' bias is zero but for rounding.
    fn of(outcome: &Outcome, reference: &Outcome) -> Self {
        let norm = |values: &[f32]| values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let all = reference.gradients.iter().map(|(_, values)| norm(values).powi(2)).sum::<f64>().sqrt();
        let mut largest = Self { loss: (outcome.loss - reference.loss).abs() / reference.loss.abs(), gradient: 0.0, tensor: String::new() };
        for ((name, got), (_, expected)) in outcome.gradients.iter().zip(&reference.gradients) {
            let apart: Vec<f32> = got.iter().zip(expected).map(|(got, expected)| got - expected).collect();
            let missing = got.len() != expected.len();
            let relative = if missing { f64::INFINITY } else { norm(&apart) / norm(expected).max(all / 100.0) };
            // What is no number is the largest.
            if relative.is_nan() || relative > largest.gradient {
                largest.gradient = if relative.is_nan() { f64::INFINITY } else { relative };
                largest.tensor.clone_from(name);
            }
        }
        largest
    }

    fn is_within(&self, bound: f64) -> bool {
        self.loss <= bound && self.gradient <= bound
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:8.1e}  gradients {:8.1e} ({})", self.loss, self.gradient, self.tensor)
    }
}

/// Compares a device with the CPU in f32: its own kernels under dropout, and Burn's fused operations without.
///
/// # Errors
/// A device that cannot be used, or computes otherwise than the CPU.
pub fn check(config: CheckDeviceConfig) -> Result<()> {
    let device = config.device;
    device.run(Nothing)?;
    let reference = |dropout| Device::Cpu.run(Pass { precision: Precision::F32, dropout, device });
    let (plain, dropped) = (reference(0.0)?, reference(0.1)?);
    println!("{device} against the cpu in f32, a batch of 8 sequences, forward and backward: largest relative differences");
    let engines: &[(Engine, &str)] =
        if device.is_gpu() { &[(Engine::Own, "own kernels"), (Engine::BurnFusion, "burn's fusion")] } else { &[(Engine::Own, "cpu")] };
    let mut wrong = Vec::new();
    for &(engine, name) in engines {
        for (precision, of_precision) in [(Precision::F32, "f32"), (Precision::Bf16, "bf16")] {
            // Dropout of one's own kernels is a function of its seed, everywhere the same.
            let (dropout, expected) = if engine == Engine::Own { (0.1, &dropped) } else { (0.0, &plain) };
            let difference = Difference::of(&device.run_with(engine, Pass { precision, dropout, device })?, expected);
            let (bound, what) = (bound(precision), format!("{name:<13} {of_precision:<4}"));
            let verdict = if difference.is_within(bound) { "ok" } else { "WRONG" };
            println!("{what}  {difference}  bound {bound:.0e}: {verdict}");
            if verdict != "ok" {
                wrong.push(what.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{device} does not compute what the cpu does: {}; do not train on it so", wrong.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_agrees_with_itself() {
        check(CheckDeviceConfig { device: Device::Cpu, threads: 0 }).unwrap();
    }

    #[test]
    fn what_is_wrong_is_found() {
        let outcome =
            |loss, gradient: &[f32]| Outcome { loss, gradients: vec![("a".into(), vec![3.0, 4.0]), ("b".into(), gradient.to_vec())] };
        let reference = outcome(2.0, &[1.0, 0.0]);
        let check = |loss, gradient: &[f32], within: bool, tensor: &str| {
            let difference = Difference::of(&outcome(loss, gradient), &reference);
            assert_eq!((difference.is_within(1e-3), difference.tensor.as_str()), (within, tensor), "{difference}");
        };
        check(2.0, &[1.0, 0.0], true, "");
        check(2.001, &[1.0, 0.0005], true, "b");
        check(2.01, &[1.0, 0.0], false, "");
        check(2.0, &[1.0, 0.002], false, "b");
        check(2.0, &[f32::NAN, 0.0], false, "b");
        check(f64::NAN, &[1.0, 0.0], false, "");
        check(2.0, &[1.0], false, "b");
    }
}
