//! The loss of binary labels.

/// The loss of a label from the probability `p` that a model gives it, and the weight of positive labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelLoss {
    /// `None` for cross-entropy, `-ln p`; the `q` of generalized cross-entropy, `(1 - p^q) / q`, in (0, 1].
    pub exponent: Option<f32>,
    /// Weight of positive labels; negative ones weigh 1.
    pub positive_weight: f32,
}
