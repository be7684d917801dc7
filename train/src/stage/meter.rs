//! Loss and speed.

use std::time::Instant;

use anyhow::{Result, bail};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::state::Position;

/// Loss and speed.
pub struct Meter {
    started: Instant,
    earlier: f64,
    since: Instant,
    busy: f64,
    sequences: usize,
    loss: f32,
    smooth: f32,
}

impl Meter {
    /// Starts the clock; `earlier` seconds were spent before a stop.
    pub fn start(earlier: f64) -> Self {
        let now = Instant::now();
        Self { started: now, earlier, since: now, busy: 0.0, sequences: 0, loss: f32::NAN, smooth: f32::NAN }
    }

    /// Counts sequences that a step was made of.
    pub fn count(&mut self, sequences: usize) {
        self.sequences += sequences;
    }

    /// Reads a step's loss from the device.
    ///
    /// # Errors
    /// It is not a number.
    pub fn read<B: Backend>(&mut self, loss: Tensor<B, 1>, step: usize) -> Result<()> {
        self.loss = loss.into_data().convert::<f32>().to_vec::<f32>().map_or(f32::NAN, |loss| loss[0]);
        if !self.loss.is_finite() {
            bail!("the loss is {} at step {step}; lower --lr or raise --warmup (weights saved so far are kept)", self.loss);
        }
        self.smooth = if self.smooth.is_nan() { self.loss } else { 0.95 * self.smooth + 0.05 * self.loss };
        self.busy += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        Ok(())
    }

    /// To be called after work that is no training, such as an evaluation.
    pub fn resume(&mut self) {
        self.since = Instant::now();
    }

    /// Seconds since training began, those before a stop included.
    pub fn seconds(&self) -> f64 {
        ((self.earlier + self.started.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// How things stand, in a few words.
    pub fn message(&self, lr: f64) -> String {
        format!("loss {:.4} {:.1} seq/s lr {lr:.2e}", self.smooth, self.sequences as f64 / self.busy.max(1e-9))
    }

    /// A line for the metrics.
    pub fn line(&self, position: Position, lr: f64) -> serde_json::Value {
        serde_json::json!({
            "step": position.step,
            "epoch": position.epoch,
            "loss": self.loss,
            "lr": lr,
            "seconds": self.seconds(),
        })
    }
}
