//! `train check-device`: compares the loss and the gradients of one batch on a device with those of the CPU.

use std::fmt;

use anyhow::{Result, bail};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::terminal::to_stdout;
use crate::config::CheckDeviceConfig;
use crate::data::{Batch, Sequence, SpecialTokens};
use crate::device::{Device, DeviceJob, TrainBackend};
use crate::kernels::{DropoutSeeds, Precision, ProductChecks};
use crate::model::{BertConfig, BertInput, BoundaryTargets, MrcModel, OptionalHeads, SpanLoss, SpanTargets, weights};
use crate::parameter_names::ParameterPath;

/// Largest relative difference that is allowed: ten times what rounding does to this model, at least, and far below what a wrong kernel
/// does.
///
/// f32 differs by the order of sums: 6.1e-7 on an emulator. TF32 has a fraction of 10 bits, which hardware may cut off instead of rounding:
/// 3.0e-3 simulated. bf16 has 7 bits: 4.4e-3 on an emulator, with results and hidden states rounded in other places than on the CPU.
fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Tf32 | Precision::Bf16 => 3e-2,
    }
}

/// Name of a number format.
fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Tf32 => "tf32",
        Precision::Bf16 => "bf16",
    }
}

/// Dropout rate. A GPU drops the same elements as the CPU.
const DROPOUT: f32 = 0.1;

/// The encoder that is computed: small enough for a CPU, and wide enough that a GPU uses the kernels of a large one.
fn bert_config() -> BertConfig {
    BertConfig {
        hidden_size: 384,
        num_hidden_layers: 2,
        num_attention_heads: 6,
        intermediate_size: 1536,
        max_position_embeddings: 128,
        ..BertConfig::tiny(1000)
    }
}

/// The forward and the backward pass of one batch.
#[derive(Debug, Clone, Copy)]
struct Pass {
    precision: Precision,
    dropout: f32,
    /// Device for which the batch is padded.
    device: Device,
}

/// Checks that a device can be used at all.
struct Probe;

impl DeviceJob for Probe {
    type Output = ();

    fn run<B: TrainBackend>(self, _: &B::Device) -> Result<()> {
        Ok(())
    }
}

/// The loss, and the gradient of each parameter by name.
#[derive(Debug)]
struct PassResult {
    loss: f64,
    gradients: Vec<(String, Vec<f32>)>,
}

impl DeviceJob for Pass {
    type Output = PassResult;

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<PassResult> {
        let model: MrcModel<B> =
            weights::random_model(&bert_config(), OptionalHeads { nested: true, clusters: None }, 1, device).with_precision(self.precision);
        let batch = batch(self.device);
        let dropouts = &mut DropoutSeeds::seeded(self.dropout, 7);
        let hidden = model.bert.forward(&BertInput::from_batch(&batch, device), dropouts);
        let word_pieces = batch.context_word_pieces();
        let spans = SpanTargets::from_batch(&batch, word_pieces, device);
        let mut loss =
            model.boundary_logits(hidden.clone()).loss(&BoundaryTargets::from_batch(&batch, word_pieces, device), SpanLoss::CROSS_ENTROPY);
        if let Some(logits) = model.span_logits(hidden, spans.rows, &mut DropoutSeeds::off()) {
            loss = loss + SpanLoss::CROSS_ENTROPY.of(logits, &spans.sign, &spans.share);
        }
        let value = loss.clone().into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32")[0];
        let mut collect = CollectGradients::<B> { gradients: loss.backward(), path: ParameterPath::default(), by_name: Vec::new() };
        model.visit(&mut collect);
        Ok(PassResult { loss: value.into(), gradients: collect.by_name })
    }
}

/// A batch of sequences of different lengths, always the same.
fn batch(device: Device) -> Batch {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut text = |count: usize| -> std::sync::Arc<[u32]> { (0..count).map(|_| rng.random_range(5..1000)).collect() };
    let query = text(9);
    let sequence = |(triple, length): (usize, &usize)| {
        let answers = (0..*length as u32 / 12).map(|answer| (answer * 12, answer * 12 + answer % 3)).collect();
        Sequence { triple, query: query.clone(), context: text(*length), window: 0..*length, answers, answers_before: 0 }
    };
    let sequences: Vec<Sequence> = [20, 37, 60, 58, 50, 12, 60, 33].iter().enumerate().map(sequence).collect();
    let positions: Vec<usize> = (0..sequences.len()).collect();
    Batch::new(&sequences, &positions, SpecialTokens { cls: 1, sep: 2, pad: 0 }, device.into())
}

struct CollectGradients<B: TrainBackend> {
    gradients: B::Gradients,
    path: ParameterPath,
    by_name: Vec<(String, Vec<f32>)>,
}

impl<B: TrainBackend> ModuleVisitor<B> for CollectGradients<B> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = param.val().grad_remove(&mut self.gradients);
        let values = gradient.map(|gradient| gradient.into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32"));
        self.by_name.push((self.path.name(), values.unwrap_or_default()));
    }
}

/// Relative differences of a result from a reference: of the loss, and the largest of all gradients with the name of its parameter.
#[derive(Debug)]
struct Difference {
    loss: f64,
    gradient: f64,
    parameter: String,
}

impl Difference {
    /// The distance of a gradient is relative to its norm, or to a hundredth of the norm of all gradients where that is larger: the
    /// gradient of the bias of keys is zero, and what is computed for it is rounding error.
    fn of(result: &PassResult, reference: &PassResult) -> Self {
        let norm = |values: &[f32]| values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let all = reference.gradients.iter().map(|(_, values)| norm(values).powi(2)).sum::<f64>().sqrt();
        let mut largest =
            Self { loss: (result.loss - reference.loss).abs() / reference.loss.abs(), gradient: 0.0, parameter: String::new() };
        for ((name, got), (_, expected)) in result.gradients.iter().zip(&reference.gradients) {
            let apart: Vec<f32> = got.iter().zip(expected).map(|(got, expected)| got - expected).collect();
            let missing = got.len() != expected.len();
            let relative = if missing { f64::INFINITY } else { norm(&apart) / norm(expected).max(all / 100.0) };
            // NaN counts as the largest difference.
            if relative.is_nan() || relative > largest.gradient {
                largest.gradient = if relative.is_nan() { f64::INFINITY } else { relative };
                largest.parameter.clone_from(name);
            }
        }
        largest
    }

    fn is_within(&self, tolerance: f64) -> bool {
        self.loss <= tolerance && self.gradient <= tolerance
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:8.1e}  gradients {:8.1e} ({})", self.loss, self.gradient, self.parameter)
    }
}

/// Checks the matrix products of a backend, one routine after the other.
struct CheckProducts;

impl DeviceJob for CheckProducts {
    type Output = Option<ProductChecks>;

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<Option<ProductChecks>> {
        Ok(B::check_products(device))
    }
}

/// Compares a device with the CPU in f32 by the loss and the gradients of one batch, in each precision, and then each routine for matrix
/// products with a plain product. Prints the differences.
///
/// # Errors
/// The device cannot be used, or a difference is above its tolerance.
pub fn check(config: CheckDeviceConfig) -> Result<()> {
    let device = config.device;
    device.run(Probe)?;
    let pass = |precision| Pass { precision, dropout: DROPOUT, device };
    let reference = Device::Cpu.run(pass(Precision::F32))?;
    let head = "against the cpu in f32, a batch of 8 sequences, forward and backward: largest relative differences";
    to_stdout(&format!("{device} {head}"))?;
    let mut wrong = Vec::new();
    for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
        let difference = Difference::of(&device.run(pass(precision))?, &reference);
        let (tolerance, name) = (tolerance(precision), name(precision));
        let verdict = if difference.is_within(tolerance) { "ok" } else { "WRONG" };
        to_stdout(&format!("{name:<4}  {difference}  tolerance {tolerance:.0e}: {verdict}"))?;
        if verdict != "ok" {
            wrong.push(name.to_owned());
        }
    }
    if let Some(ProductChecks { right, refused, wrong: products }) = device.run(CheckProducts)? {
        to_stdout(&format!("matrix products by each routine: {right} right, {refused} not for this device, {} WRONG", products.len()))?;
        for product in &products {
            to_stdout(&format!("WRONG  {product}"))?;
        }
        wrong.extend((!products.is_empty()).then(|| "matrix products".to_owned()));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "{device} differs from the CPU by more than the tolerance: {}; do not train on it so: update its driver, or use another --precision or device",
        wrong.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_agrees_with_itself() {
        check(CheckDeviceConfig { device: Device::Cpu, threads: 0 }).unwrap();
    }

    #[test]
    fn wrong_losses_and_gradients_are_found() {
        let result =
            |loss, gradient: &[f32]| PassResult { loss, gradients: vec![("a".into(), vec![3.0, 4.0]), ("b".into(), gradient.to_vec())] };
        let reference = result(2.0, &[1.0, 0.0]);
        let check = |loss, gradient: &[f32], within: bool, tensor: &str| {
            let difference = Difference::of(&result(loss, gradient), &reference);
            assert_eq!((difference.is_within(1e-3), difference.parameter.as_str()), (within, tensor), "{difference}");
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
