//! The learning rate's course.

/// The learning rate's course: up in a line, then down to nothing in a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// At its highest.
    pub lr: f64,
    /// Steps up.
    pub warmup_steps: usize,
    /// All steps.
    pub total_steps: usize,
}

impl Schedule {
    /// Warm-up over a share of the steps.
    pub fn new(lr: f64, warmup: f64, total_steps: usize) -> Self {
        Self { lr, warmup_steps: (warmup * total_steps as f64) as usize, total_steps }
    }

    /// The rate of a step, counted from 0.
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

    #[test]
    fn the_rate_rises_and_falls_in_lines() {
        let rates = |warmup| {
            let schedule = Schedule::new(1.0, warmup, 10);
            (0..11).map(|step| (schedule.at(step) * 1000.0).round() / 1000.0).collect::<Vec<_>>()
        };
        assert_eq!(rates(0.0), [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]);
        assert_eq!(rates(0.4), [0.25, 0.5, 0.75, 1.0, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167, 0.0]);
        assert_eq!(rates(1.0)[9], 1.0);
    }
}
