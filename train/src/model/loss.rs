//! Targets of a batch, and the loss of logits against them.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::kernels::{Kernels, LabelLoss};

/// Binary logits (log-odds) of each token: the logit of yes minus that of no. The probability is its sigmoid, above one half where the
/// logit is positive.
///
/// # Shapes
/// `[batch * length]` each.
#[derive(Debug, Clone)]
pub struct BoundaryLogits<B: Backend> {
    /// An answer starts at the token.
    pub start: Tensor<B, 1>,
    /// An answer ends with the token.
    pub end: Tensor<B, 1>,
}

/// Targets of [`BoundaryLogits`].
///
/// # Shapes
/// `[batch * length]` each.
#[derive(Debug, Clone)]
pub struct BoundaryTargets<B: Backend> {
    /// 1 where an answer starts, -1 elsewhere.
    pub start: Tensor<B, 1>,
    /// 1 where an answer ends, -1 elsewhere.
    pub end: Tensor<B, 1>,
    /// Weight of each token in the loss: 1 over the number of context tokens for these, 0 for all others.
    pub share: Tensor<B, 1>,
}

/// Targets of the logits of the span head. `width` is the length of the longest context of the batch.
#[derive(Debug, Clone)]
pub struct SpanTargets<B: Backend> {
    /// Rows of the contexts among all tokens of the batch, `[batch, width]`. A shorter context is followed by any other rows.
    pub rows: Tensor<B, 2, Int>,
    /// 1 where a pair is an answer, -1 elsewhere, `[batch * width * width]`.
    pub sign: Tensor<B, 1>,
    /// Weight of each pair in the loss, 0 where it ends before it starts or lies outside the context, `[batch * width * width]`.
    pub share: Tensor<B, 1>,
}

/// The loss of binary logits, and the weight of positive labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpanLoss {
    /// The loss of one label.
    #[serde(rename = "noise")]
    pub function: LossFunction,
    /// Weight of positive labels (where an answer starts or ends, pairs that are answers) relative to negative ones, which are many more.
    #[serde(rename = "positive")]
    pub positive_weight: f32,
}

/// The loss of one label, from the probability `p` that the model gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LossFunction {
    /// Cross-entropy, `-ln p`.
    #[serde(rename = "even")]
    CrossEntropy,
    /// Generalized cross-entropy (Zhang and Sabuncu 2018; for distantly supervised NER in RoSTER, Meng et al. 2021), `(1 - p^q) / q` with
    /// `q` 0.7. Its gradient is that of cross-entropy times `p^q`, so that a label that the model finds unlikely, which is more often
    /// wrong, has less influence.
    #[serde(rename = "confidence")]
    GeneralizedCrossEntropy,
}

/// The `q` of [`LossFunction::GeneralizedCrossEntropy`].
const Q: f32 = 0.7;

impl SpanLoss {
    /// Cross-entropy without weights.
    pub const CROSS_ENTROPY: Self = Self { function: LossFunction::CrossEntropy, positive_weight: 1.0 };

    /// The sum over `n` labels of `share` times the loss, `[1]`. `sign` is 1 for positive labels, -1 for negative ones.
    ///
    /// # Shapes
    /// All inputs `[n]`.
    pub fn of<B: Kernels>(self, logits: Tensor<B, 1>, sign: &Tensor<B, 1>, share: &Tensor<B, 1>) -> Tensor<B, 1> {
        let exponent = match self.function {
            LossFunction::CrossEntropy => None,
            LossFunction::GeneralizedCrossEntropy => Some(Q),
        };
        B::label_loss(logits, sign, share, LabelLoss { exponent, positive_weight: self.positive_weight })
    }
}

impl<B: Kernels> BoundaryLogits<B> {
    /// The loss of starts plus that of ends, each the mean over the context's tokens: `[1]`.
    pub fn loss(self, target: &BoundaryTargets<B>, loss: SpanLoss) -> Tensor<B, 1> {
        loss.of(self.start, &target.start, &target.share) + loss.of(self.end, &target.end, &target.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::{Autodiff, Flex};

    #[test]
    fn gradients_of_unlikely_labels_shrink_and_of_positive_ones_grow() {
        type B = Autodiff<Flex>;
        let vector = |values: [f32; 4]| Tensor::<B, 1>::from_floats(values, &Default::default());
        let (logits, sign, share) = ([2.0, -3.0, 0.0, 1.0], vector([1.0, 1.0, -1.0, -1.0]), vector([0.25, 0.25, 0.25, 0.0]));
        let gradient = |function, positive_weight| {
            let config = SpanLoss { function, positive_weight };
            let logits = vector(logits).require_grad();
            let gradients = config.of(logits.clone(), &sign, &share).backward();
            logits.grad(&gradients).unwrap().into_data().to_vec::<f32>().unwrap()
        };
        let probability = [2.0f32, -3.0, 0.0, -1.0].map(|logit| 1.0 / (1.0 + (-logit).exp()));
        let plain = gradient(LossFunction::CrossEntropy, 1.0);
        for ((plain, generalized), p) in plain.iter().zip(gradient(LossFunction::GeneralizedCrossEntropy, 1.0)).zip(probability) {
            assert!((generalized - plain * p.powf(0.7)).abs() < 1e-6, "{generalized} for {plain} at {p}");
        }
        for ((plain, weighted), factor) in plain.iter().zip(gradient(LossFunction::CrossEntropy, 5.0)).zip([5.0, 5.0, 1.0, 1.0]) {
            assert!((weighted - plain * factor).abs() < 1e-6, "{weighted} for {plain}");
        }
    }

    #[test]
    fn settings_keep_their_keys_in_files() {
        let config = SpanLoss { function: LossFunction::GeneralizedCrossEntropy, positive_weight: 2.0 };
        assert_eq!(toml::to_string(&config).unwrap(), "noise = \"confidence\"\npositive = 2.0\n");
    }
}
