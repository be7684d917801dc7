//! Settings and state of one AdamW update (Loshchilov and Hutter 2019, on Adam by Kingma and Ba 2015).

/// Settings of one AdamW update of one tensor.
#[derive(Debug, Clone, Copy)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay; 0 for biases and LayerNorm.
    pub decay: f32,
    /// Number of this update, from 1.
    pub step: i32,
}

/// A parameter with its optimizer state.
pub struct AdamWState<T> {
    /// The parameter itself.
    pub param: T,
    /// First moment: the running mean of the gradient.
    pub mean: T,
    /// Second moment: the running mean of the gradient's square.
    pub square: T,
}

impl AdamWStep {
    /// Divisors of the first and the second moment that correct their bias towards zero, where both start.
    pub(crate) fn bias_corrections(&self) -> (f32, f32) {
        let correction = |beta: f32| (1.0 - f64::from(beta).powi(self.step)) as f32;
        (correction(self.beta1), correction(self.beta2))
    }
}
