//! Loss and speed.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::checkpoint_state::Position;
use crate::data::Batch;

/// Loss and speed.
///
/// On a GPU, a step with a batch of a new shape compiles and tunes kernels. Such steps are warm-up: they are timed apart and do not
/// count for the speed.
pub struct Meter {
    started: Instant,
    earlier: f64,
    since: Instant,
    warms_up: bool,
    shapes: HashSet<(usize, usize)>,
    warming: Option<Instant>,
    of_warm_up: usize,
    warm_up: f64,
    excluded: f64,
    training: f64,
    waited: f64,
    sequences: usize,
    loss: f32,
    smooth: f32,
}

impl Meter {
    /// Starts the clock; `earlier` seconds were spent before a stop. `warms_up` says whether new shapes cost time.
    pub fn start(earlier: f64, warms_up: bool) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            earlier,
            since: now,
            warms_up,
            shapes: HashSet::new(),
            warming: None,
            of_warm_up: 0,
            warm_up: 0.0,
            excluded: 0.0,
            training: 0.0,
            waited: 0.0,
            sequences: 0,
            loss: f32::NAN,
            smooth: f32::NAN,
        }
    }

    /// A step begins, after waiting for its batches for so long.
    pub fn begin(&mut self, batches: &[Batch], waited: Duration) {
        self.waited += waited.as_secs_f64();
        let new = batches.iter().filter(|batch| self.shapes.insert((batch.size, batch.length))).count();
        self.warming = (self.warms_up && new > 0).then(Instant::now);
        if self.warming.is_none() {
            self.sequences += batches.iter().map(|batch| batch.size).sum::<usize>();
        }
    }

    /// A step is handed to the device.
    pub fn end(&mut self) {
        if let Some(began) = self.warming.take() {
            let spent = began.elapsed().as_secs_f64();
            self.of_warm_up += 1;
            self.warm_up += spent;
            self.excluded += spent;
        }
    }

    /// Losses of the steps since the last reading came from the device.
    pub fn read(&mut self, losses: &[f32]) {
        for &loss in losses {
            self.loss = loss;
            self.smooth = if self.smooth.is_nan() { loss } else { 0.95 * self.smooth + 0.05 * loss };
        }
        self.training += (self.since.elapsed().as_secs_f64() - self.excluded).max(0.0);
        self.excluded = 0.0;
        self.since = Instant::now();
    }

    /// To be called after work that is no training, such as an evaluation, and before any step that follows it.
    pub fn resume(&mut self) {
        self.since = Instant::now();
        self.excluded = 0.0;
    }

    /// Seconds since training began, those before a stop included.
    pub fn seconds(&self) -> f64 {
        ((self.earlier + self.started.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// Share of the training time in which there was a batch to work on.
    fn busy(&self) -> f64 {
        (1.0 - self.waited / self.training.max(1e-9)).clamp(0.0, 1.0)
    }

    /// How things stand, in a few words; `best` is the best F1 on dev so far.
    pub fn message(&self, lr: f64, best: Option<f64>) -> String {
        let speed = self.sequences as f64 / self.training.max(1e-9);
        let best = best.map_or(String::new(), |f1| format!(" best dev F1 {f1:.4}"));
        format!("loss {:.4} lr {lr:.1e} {speed:.1} seq/s busy {:.0} %{best}", self.smooth, self.busy() * 100.0)
    }

    /// A line for the metrics.
    pub fn line(&self, position: Position, lr: f64) -> serde_json::Value {
        let mut line = serde_json::json!({
            "step": position.step,
            "epoch": position.epoch,
            "loss": self.loss,
            "lr": lr,
            "seconds": self.seconds(),
            "busy": (self.busy() * 1e4).round() / 1e4,
        });
        if self.warms_up {
            line["warm_up_seconds"] = ((self.warm_up * 1e3).round() / 1e3).into();
        }
        line
    }

    /// What the warm-up cost, in words, if there was one.
    pub fn of_warm_up(&self) -> Option<String> {
        let Self { of_warm_up: steps, warm_up, .. } = self;
        self.warms_up.then(|| format!("warm-up: {warm_up:.1} s in {steps} steps of new shapes"))
    }
}
