//! The loss of starts, ends and pairs: each is a question with two answers, yes or no.

use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// The loss of a yes-or-no decision, and the weight of yes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpanLoss {
    /// The loss function.
    #[serde(rename = "noise")]
    pub function: LossFunction,
    /// Weight of the decisions whose right answer is yes, relative to the others: starts and ends of answers are few.
    #[serde(rename = "positive")]
    pub positive_weight: f32,
}

/// A loss function of two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LossFunction {
    /// Cross-entropy, `-log p`.
    #[serde(rename = "even")]
    CrossEntropy,
    /// Generalized cross-entropy (Zhang and Sabuncu, NeurIPS 2018; for distantly supervised NER: RoSTER, Meng et al., EMNLP 2021),
    /// `(1 - p^q) / q` with q = 0.7, where p is the probability that the model gives the label. Its gradient is that of
    /// cross-entropy times `p^q`: labels that the model doubts count less.
    #[serde(rename = "confidence")]
    GeneralizedCrossEntropy,
}

/// The exponent q of [`LossFunction::GeneralizedCrossEntropy`].
const GENERALIZED_EXPONENT: f32 = 0.7;

impl SpanLoss {
    /// Plain cross-entropy.
    pub const CROSS_ENTROPY: Self = Self { function: LossFunction::CrossEntropy, positive_weight: 1.0 };

    /// The loss of decisions, weighted by `share` and summed: `[1]`. `margin` is the logit of yes minus that of no; `sign` is 1
    /// where yes is right, -1 where no is.
    ///
    /// # Shapes
    /// All `[n]`.
    pub fn of<B: Backend>(self, margin: Tensor<B, 1>, sign: &Tensor<B, 1>, share: &Tensor<B, 1>) -> Tensor<B, 1> {
        // Of two classes, log p is the log-sigmoid of the right class's margin.
        let log = activation::log_sigmoid(margin * sign.clone());
        let right = match self.function {
            LossFunction::CrossEntropy => log,
            LossFunction::GeneralizedCrossEntropy => ((log * GENERALIZED_EXPONENT).exp() - 1.0) / GENERALIZED_EXPONENT,
        };
        let mut share = share.clone();
        if self.positive_weight != 1.0 {
            // 1 where the sign is -1, `positive_weight` where it is 1.
            share = share * (sign.clone() * ((self.positive_weight - 1.0) / 2.0) + (self.positive_weight + 1.0) / 2.0);
        }
        (right * share).sum().neg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::{Autodiff, Flex};

    #[test]
    fn doubted_labels_count_less_and_positives_by_their_weight() {
        type B = Autodiff<Flex>;
        let vector = |values: [f32; 4]| Tensor::<B, 1>::from_floats(values, &Default::default());
        let (margins, sign, share) = ([2.0, -3.0, 0.0, 1.0], vector([1.0, 1.0, -1.0, -1.0]), vector([0.25, 0.25, 0.25, 0.0]));
        let gradient = |function, positive_weight| {
            let margin = vector(margins).require_grad();
            let gradients = SpanLoss { function, positive_weight }.of(margin.clone(), &sign, &share).backward();
            margin.grad(&gradients).unwrap().into_data().to_vec::<f32>().unwrap()
        };
        let right = [2.0f32, -3.0, 0.0, -1.0].map(|margin| 1.0 / (1.0 + (-margin).exp()));
        let plain = gradient(LossFunction::CrossEntropy, 1.0);
        for ((plain, robust), p) in plain.iter().zip(gradient(LossFunction::GeneralizedCrossEntropy, 1.0)).zip(right) {
            assert!((robust - plain * p.powf(0.7)).abs() < 1e-6, "{robust} of {plain} at {p}");
        }
        for ((plain, weighted), factor) in plain.iter().zip(gradient(LossFunction::CrossEntropy, 5.0)).zip([5.0, 5.0, 1.0, 1.0]) {
            assert!((weighted - plain * factor).abs() < 1e-6, "{weighted} of {plain}");
        }
    }

    #[test]
    fn settings_keep_their_keys() {
        let settings = SpanLoss { function: LossFunction::GeneralizedCrossEntropy, positive_weight: 2.0 };
        assert_eq!(toml::to_string(&settings).unwrap(), "noise = \"confidence\"\npositive = 2.0\n");
    }
}
