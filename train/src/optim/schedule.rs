//! The learning-rate schedule.

/// A learning rate that rises linearly from 0 to its peak (warm-up) and falls linearly to 0.
///
/// It is a function of the share of the training that is done, from 0 to 1, not of the number of steps: how many steps an epoch
/// has is known only when its data were read.
///
/// ```
/// use train::optim::Schedule;
/// let schedule = Schedule { lr: 1e-3, warmup: 0.25 };
/// // Steps of an eighth of the training each.
/// assert_eq!([0.0, 0.125, 0.25, 0.625].map(|done| schedule.at(done, done + 0.125)), [5e-4, 1e-3, 1e-3, 5e-4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Peak learning rate.
    pub lr: f64,
    /// Share of the training in which the learning rate rises.
    pub warmup: f64,
}

impl Schedule {
    /// The learning rate of a step, by the share of the training that is done before and after it.
    pub fn at(&self, before: f64, after: f64) -> f64 {
        if after <= self.warmup {
            return self.lr * after / self.warmup;
        }
        self.lr * ((1.0 - before) / (1.0 - self.warmup).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates of equal steps.
    fn check(warmup: f64, steps: usize, expected: &[f64]) {
        let schedule = Schedule { lr: 1.0, warmup };
        let at = |step: usize| schedule.at(step as f64 / steps as f64, (step + 1) as f64 / steps as f64);
        let rates: Vec<f64> = (0..expected.len()).map(|step| (at(step) * 1000.0).round() / 1000.0).collect();
        assert_eq!(rates, expected, "warm-up {warmup} of {steps} steps");
    }

    #[test]
    fn the_rate_rises_and_falls_linearly() {
        check(0.0, 10, &[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]);
        check(0.4, 10, &[0.25, 0.5, 0.75, 1.0, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167, 0.0]);
    }

    #[test]
    fn edge_cases_have_finite_rates() {
        check(1.0, 4, &[0.25, 0.5, 0.75, 1.0, 0.0]);
        check(0.0, 1, &[1.0, 0.0, 0.0]);
        // The warm-up ends within the first step.
        check(0.3, 3, &[1.0, 0.952, 0.476, 0.0]);
    }
}
