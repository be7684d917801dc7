//! How fast training is.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::data::Batch;

/// Measures the throughput of training: sequences per second, and the fraction of time in which the device had work.
///
/// On a GPU, a step with a batch of a new shape compiles and tunes kernels. Such warm-up steps are timed apart and do not count
/// for the throughput. Evaluations and checkpoints do not count either: see [`Throughput::resume`].
#[derive(Debug)]
pub struct Throughput {
    started: Instant,
    /// Seconds of earlier processes of the same run.
    earlier: f64,
    /// Since when the time counts as training and is not yet in `training`.
    since: Instant,
    has_warm_up: bool,
    /// Shapes of the batches so far, as sequences and length.
    shapes: HashSet<(usize, usize)>,
    /// When the current step began, if it is a warm-up step.
    warm_up_step: Option<Instant>,
    warm_up_steps: usize,
    warm_up: f64,
    /// Seconds of warm-up since `since`.
    excluded: f64,
    /// Seconds of training, without warm-up.
    training: f64,
    /// Seconds of waiting for batches.
    waited: f64,
    /// Sequences trained on, without those of warm-up steps.
    sequences: usize,
}

impl Throughput {
    /// Starts the clock. `earlier` is the time that earlier processes of the run took, in seconds; `has_warm_up` says whether a
    /// batch of a new shape costs time once.
    pub fn start(earlier: f64, has_warm_up: bool) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            earlier,
            since: now,
            has_warm_up,
            shapes: HashSet::new(),
            warm_up_step: None,
            warm_up_steps: 0,
            warm_up: 0.0,
            excluded: 0.0,
            training: 0.0,
            waited: 0.0,
            sequences: 0,
        }
    }

    /// A step begins; its batches came after waiting for `waited`.
    pub fn begin_step(&mut self, batches: &[Batch], waited: Duration) {
        self.waited += waited.as_secs_f64();
        let new_shapes = batches.iter().filter(|batch| self.shapes.insert((batch.size, batch.length))).count();
        self.warm_up_step = (self.has_warm_up && new_shapes > 0).then(Instant::now);
        if self.warm_up_step.is_none() {
            self.sequences += batches.iter().map(|batch| batch.size).sum::<usize>();
        }
    }

    /// All work of the step was handed to the device.
    pub fn end_step(&mut self) {
        if let Some(began) = self.warm_up_step.take() {
            let spent = began.elapsed().as_secs_f64();
            self.warm_up_steps += 1;
            self.warm_up += spent;
            self.excluded += spent;
        }
    }

    /// The device has done all steps so far: the time since the last call counts as training.
    pub fn synced(&mut self) {
        self.training += (self.since.elapsed().as_secs_f64() - self.excluded).max(0.0);
        self.resume();
    }

    /// Training continues after other work, such as an evaluation: the time since [`Throughput::synced`] does not count.
    pub fn resume(&mut self) {
        self.since = Instant::now();
        self.excluded = 0.0;
    }

    /// Seconds since training began, over all processes of the run, to the millisecond.
    pub fn seconds(&self) -> f64 {
        ((self.earlier + self.started.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// Fraction of the training time in which there was a batch to work on, from 0 to 1.
    pub fn busy(&self) -> f64 {
        (1.0 - self.waited / self.training.max(1e-9)).clamp(0.0, 1.0)
    }

    /// Sequences per second.
    pub fn sequences_per_second(&self) -> f64 {
        self.sequences as f64 / self.training.max(1e-9)
    }

    /// Steps and seconds of warm-up, on a device that has one.
    pub fn warm_up(&self) -> Option<(usize, f64)> {
        self.has_warm_up.then_some((self.warm_up_steps, self.warm_up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Sequence;
    use crate::data::{PaddingRule, SpecialTokens};

    fn batch(lengths: &[usize]) -> Batch {
        let sequence = |&length: &usize| {
            let context = vec![5; length].into();
            Sequence { triple: 0, query: Default::default(), context, window: 0..length, answers: Vec::new(), answers_before: 0 }
        };
        let sequences: Vec<Sequence> = lengths.iter().map(sequence).collect();
        Batch::new(&sequences, &(0..lengths.len()).collect::<Vec<_>>(), SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest)
    }

    #[test]
    fn steps_of_new_shapes_are_warm_up() {
        let steps = |has_warm_up| {
            let mut throughput = Throughput::start(0.0, has_warm_up);
            for step in [vec![batch(&[4, 4])], vec![batch(&[4, 3])], vec![batch(&[4, 4]), batch(&[4])], vec![batch(&[4]), batch(&[4, 1])]] {
                throughput.begin_step(&step, Duration::ZERO);
                throughput.end_step();
            }
            (throughput.sequences, throughput.warm_up().map(|(steps, _)| steps))
        };
        assert_eq!(steps(true), (2 + 3, Some(2)));
        assert_eq!(steps(false), (2 + 2 + 3 + 3, None));
    }

    #[test]
    fn fractions_stay_between_0_and_1() {
        let mut throughput = Throughput::start(2.5, false);
        assert!(throughput.seconds() >= 2.5);
        assert_eq!(throughput.busy(), 1.0);
        throughput.begin_step(&[batch(&[4])], Duration::from_secs(3600));
        throughput.synced();
        assert_eq!(throughput.busy(), 0.0);
    }
}
