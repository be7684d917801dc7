//! The curves of a run, from its `metrics.jsonl`.

use serde_json::Value;

/// Points of a drawn curve at most: more are not visible.
const MAX_POINTS: usize = 800;

/// Losses, learning rates and scores of a run, by step.
#[derive(Debug, Default)]
pub struct History {
    /// Loss by step.
    pub losses: Vec<(f64, f64)>,
    /// Learning rate by step.
    pub rates: Vec<(f64, f64)>,
    /// Scores on dev by step.
    pub evaluations: Vec<EvaluationPoint>,
    /// F1 on test, if it was scored.
    pub test: Option<f64>,
    /// Last step of each epoch but the last one.
    pub epochs: Vec<f64>,
}

/// Scores on dev at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationPoint {
    /// The step.
    pub step: f64,
    /// Precision, recall and F1.
    pub scores: [f64; 3],
}

impl History {
    /// The history in the lines of `metrics.jsonl`.
    pub fn new(lines: &[Value]) -> Self {
        let mut history = Self::default();
        let (mut epoch, mut last) = (None, 0.0);
        for line in lines {
            if let Some(f1) = line["test"]["f1"].as_f64() {
                history.test = Some(f1);
            }
            let Some(step) = line["step"].as_f64() else { continue };
            let of = line["epoch"].as_u64();
            if epoch.is_some() && epoch != of {
                history.epochs.push(last);
            }
            (epoch, last) = (of, step);
            if line["dev"].is_object() {
                let scores = ["precision", "recall", "f1"].map(|name| line["dev"][name].as_f64().unwrap_or(0.0));
                history.evaluations.push(EvaluationPoint { step, scores });
            } else if let (Some(loss), Some(rate)) = (line["loss"].as_f64(), line["lr"].as_f64()) {
                history.losses.push((step, loss));
                history.rates.push((step, rate));
            }
        }
        history
    }

    /// The evaluation with the best F1, of equal ones the later.
    pub fn best(&self) -> Option<EvaluationPoint> {
        self.evaluations.iter().copied().max_by(|a, b| a.scores[2].total_cmp(&b.scores[2]))
    }
}

/// A curve of at most 800 points: each is the mean of as many neighbouring points as it takes.
pub fn downsampled(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |part: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
    points.chunks(points.len().div_ceil(MAX_POINTS).max(1)).map(|part| (mean(part, |point| point.0), mean(part, |point| point.1))).collect()
}

/// A curve without its noise: the mean of an exponential moving average from the left and one from the right, each over about a
/// twentieth of the curve.
pub fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = 1.0 - (20.0 / points.len().max(40) as f64);
    let mut sums = vec![(0.0, 0.0); points.len()];
    let mut pass = |order: &mut dyn Iterator<Item = usize>| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for at in order {
            (sum, weight) = (keep * sum + points[at].1, keep * weight + 1.0);
            sums[at].0 += sum;
            sums[at].1 += weight;
        }
    };
    pass(&mut (0..points.len()));
    pass(&mut (0..points.len()).rev());
    points.iter().zip(sums).map(|(point, (sum, weight))| (point.0, sum / weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_become_curves() {
        let lines = [
            json!({ "step": 1, "epoch": 1, "loss": 2.0, "lr": 0.1 }),
            json!({ "step": 2, "epoch": 1, "loss": 1.0, "lr": 0.2 }),
            json!({ "step": 2, "epoch": 1, "loss": 1.0, "lr": 0.2, "dev": { "precision": 0.5, "recall": 0.25, "f1": 0.3 } }),
            json!({ "step": 3, "epoch": 2, "loss": 0.5, "lr": 0.1 }),
            json!({ "step": 3, "epoch": 2, "loss": 0.5, "lr": 0.1, "dev": { "precision": 0.5, "recall": 0.5, "f1": 0.3 } }),
            json!({ "test": { "f1": 0.4 } }),
        ];
        let history = History::new(&lines);
        assert_eq!(history.losses, [(1.0, 2.0), (2.0, 1.0), (3.0, 0.5)]);
        assert_eq!((history.epochs.as_slice(), history.test), (&[2.0][..], Some(0.4)));
        assert_eq!(history.best(), Some(EvaluationPoint { step: 3.0, scores: [0.5, 0.5, 0.3] }));
    }

    #[test]
    fn curves_are_downsampled_and_smoothed_to_their_mean() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|at| (f64::from(at), f64::from(at % 2))).collect();
        let thin = downsampled(&points);
        assert!(thin.len() <= MAX_POINTS);
        let smooth = smoothed(&points);
        assert!(smooth.iter().all(|(_, value)| (value - 0.5).abs() < 0.01));
        assert_eq!(smoothed(&[(1.0, 3.0)]), [(1.0, 3.0)]);
        assert!(downsampled(&[]).is_empty() && smoothed(&[]).is_empty());
    }
}
