//! The learning-rate schedule.

/// A learning rate that rises linearly from 0 to its peak (warm-up) and falls linearly to 0.
///
/// ```
/// use train::optim::Schedule;
/// let schedule = Schedule::new(1e-3, 0.2, 10);
/// assert_eq!(schedule.warmup_steps, 2);
/// assert_eq!([0, 1, 2, 6].map(|step| schedule.at(step)), [5e-4, 1e-3, 1e-3, 5e-4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Peak learning rate.
    pub lr: f64,
    /// Steps of the warm-up.
    pub warmup_steps: usize,
    /// Steps of the whole run.
    pub total_steps: usize,
}

impl Schedule {
    /// A schedule whose warm-up is the fraction `warmup` of `total_steps`, rounded down.
    pub fn new(lr: f64, warmup: f64, total_steps: usize) -> Self {
        Self { lr, warmup_steps: (warmup * total_steps as f64) as usize, total_steps }
    }

    /// The learning rate of a step, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return self.lr * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let left = self.total_steps.saturating_sub(step) as f64;
        self.lr * (left / (self.total_steps - self.warmup_steps).max(1) as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(warmup: f64, total: usize, expected: &[f64]) {
        let schedule = Schedule::new(1.0, warmup, total);
        let rates: Vec<f64> = (0..expected.len()).map(|step| (schedule.at(step) * 1000.0).round() / 1000.0).collect();
        assert_eq!(rates, expected, "warm-up {warmup} of {total} steps");
    }

    #[test]
    fn the_rate_rises_and_falls_linearly() {
        check(0.0, 10, &[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]);
        check(0.4, 10, &[0.25, 0.5, 0.75, 1.0, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167, 0.0]);
    }

    #[test]
    fn edge_cases_have_finite_rates() {
        check(1.0, 4, &[0.25, 0.5, 0.75, 1.0, 0.0]);
        check(0.3, 3, &[1.0, 0.667, 0.333, 0.0]);
        check(0.0, 1, &[1.0, 0.0, 0.0]);
        check(0.5, 0, &[0.0]);
    }
}
