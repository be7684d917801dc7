//! Times training steps.

use std::time::Instant;

use anyhow::{Result, anyhow};

use super::encoder_size::{bert_config, layer_parameters};
use super::kernel_times;
use super::workload::{Workload, WorkloadSize};
use crate::commands::terminal::to_stdout;
use crate::config::{BenchModel, BenchStepConfig};
use crate::data::{Batch, PaddingRule, SpecialTokens};
use crate::device::{DeviceJob, TrainBackend};
use crate::kernels::DropoutSeeds;
use crate::model::{BertInput, BoundaryTargets, MrcModel, OptionalHeads, SpanLoss, weights};
use crate::optim::{AdamW, AdamWConfig, Gradients};
use crate::stage::prefetch::prefetch;

/// Size of the vocabulary: that of `bert-base-uncased`.
const VOCABULARY: usize = 30_522;

/// Learning rate of the steps.
const LEARNING_RATE: f64 = 3e-5;

/// Most steps that are repeated with a synchronisation after each phase.
const PHASE_STEPS: usize = 10;

/// Times training steps, and prints a JSON object.
pub struct StepBench {
    /// What to time.
    pub config: BenchStepConfig,
}

/// Seconds of the phases of steps.
#[derive(Default)]
struct PhaseTimes {
    forward: f64,
    backward: f64,
    optimizer: f64,
}

/// A model in training.
struct Trainer<'a, B: TrainBackend> {
    model: MrcModel<B>,
    optimizer: AdamW<B::InnerBackend>,
    dropout: f32,
    device: &'a B::Device,
}

impl<B: TrainBackend> Trainer<'_, B> {
    /// One training step. With `times`, the device is waited for after each phase.
    fn step(mut self, batch: &Batch, seed: u64, mut times: Option<&mut PhaseTimes>) -> Result<Self> {
        let device = self.device;
        let mut since = Instant::now();
        let mut end_phase = |phase: fn(&mut PhaseTimes) -> &mut f64| -> Result<()> {
            if let Some(times) = &mut times {
                sync::<B>(device)?;
                *phase(times) += since.elapsed().as_secs_f64();
                since = Instant::now();
            }
            Ok(())
        };
        let logits = self.model.forward(&BertInput::from_batch(batch, device), &mut DropoutSeeds::seeded(self.dropout, seed));
        let loss = logits.loss(&BoundaryTargets::from_batch(batch, batch.context_word_pieces(), device), SpanLoss::CROSS_ENTROPY);
        end_phase(|times| &mut times.forward)?;
        let gradients = Gradients::of(&self.model, loss.backward());
        end_phase(|times| &mut times.backward)?;
        // The model is moved, so that parameters that nothing else refers to are updated in place.
        self.model = self.optimizer.step(self.model, gradients, LEARNING_RATE);
        end_phase(|times| &mut times.optimizer)?;
        Ok(self)
    }
}

fn sync<B: TrainBackend>(device: &B::Device) -> Result<()> {
    B::sync(device).map_err(|error| anyhow!("the device failed: {error:?}"))
}

impl DeviceJob for StepBench {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.config;
        let bert = bert_config(config.model, VOCABULARY);
        let model = weights::random_model::<B>(&bert, OptionalHeads::default(), 1, device).with_precision(config.runtime.precision);
        let mut trainer = Trainer { model, optimizer: AdamW::new(AdamWConfig::default()), dropout: config.dropout, device };
        let workload = Workload::new(&config)?;
        let padding = PaddingRule::from(config.runtime.device);
        let batch = |indices: &[usize]| Batch::new(&workload.data.sequences, indices, SpecialTokens { cls: 1, sep: 2, pad: 0 }, padding);
        let (mut warm_up, mut total, mut waited, mut host) = (0.0, 0.0, 0.0, 0.0);
        trainer = prefetch(
            |sender| {
                // Once the receiver has returned, the remaining batches are not made.
                let _ = workload.steps.iter().try_for_each(|step| sender.send(batch(&step[0])).map_err(drop));
            },
            |batches| -> Result<Trainer<B>> {
                let mut started = Instant::now();
                for number in 0..workload.steps.len() {
                    if number == config.warmup {
                        sync::<B>(device)?;
                        warm_up = started.elapsed().as_secs_f64();
                        started = Instant::now();
                        (waited, host) = (0.0, 0.0);
                    }
                    let asked = Instant::now();
                    let Ok(batch) = batches.recv() else { break };
                    waited += asked.elapsed().as_secs_f64();
                    let began = Instant::now();
                    trainer = trainer.step(&batch, number as u64, None)?;
                    host += began.elapsed().as_secs_f64();
                }
                sync::<B>(device)?;
                total = started.elapsed().as_secs_f64();
                Ok(trainer)
            },
        )?;
        let timed = &workload.steps[config.warmup..];
        let count = timed.len() as f64;
        let WorkloadSize { sequences, word_pieces, padded_word_pieces, squares } = workload.size(timed, padding);
        // Six operations for each parameter and token (forward and backward), and the products of attention.
        let operations =
            6.0 * layer_parameters(&bert) * word_pieces as f64 + (12 * bert.num_hidden_layers * bert.hidden_size * squares) as f64;
        let mut line = serde_json::json!({
            "device": config.runtime.device.to_string(),
            "dtype": config.runtime.precision,
            "model": if config.model == BenchModel::Base { "base" } else { "mini" },
            "steps": timed.len(),
            "mean_step_s": total / count,
            "host_s": host / count,
            "seq_per_s": sequences as f64 / total,
            "tokens_per_s": word_pieces as f64 / total,
            "padding": 1.0 - word_pieces as f64 / padded_word_pieces as f64,
            "tflops": operations / total / 1e12,
            "busy": 1.0 - waited / total,
            "warm_up_s": warm_up,
            "peak_gib": B::reserved_memory(device).map(|bytes| bytes as f64 / 1024f64.powi(3)),
        });
        // Some steps again, with a synchronisation after each phase, which makes the whole step slower.
        let mut times = PhaseTimes::default();
        let repeated = timed.len().min(PHASE_STEPS);
        for step in &timed[..repeated] {
            trainer = trainer.step(&batch(&step[0]), 1, Some(&mut times))?;
        }
        for (name, seconds) in [("forward_s", times.forward), ("backward_s", times.backward), ("optimizer_s", times.optimizer)] {
            line[name] = (seconds / repeated as f64).into();
        }
        to_stdout(&line.to_string())?;
        if config.parts {
            let batch = batch(&timed[0][0]);
            kernel_times::print::<B>(&bert, &batch, config.runtime.precision, config.dropout, device)?;
        }
        Ok(())
    }
}
