//! Which tokens of a padded batch are real.

use std::sync::Arc;

use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor, TensorData};

/// Lengths of the sequences of a padded batch: the first `lengths[i]` tokens of sequence `i` are real, the others are padding.
#[derive(Debug, Clone)]
pub struct Padding<B: Backend> {
    /// Real tokens of each sequence.
    pub lengths: Arc<[usize]>,
    on_device: Tensor<B, 1, Int>,
}

impl<B: Backend> Padding<B> {
    /// Padding of sequences of these lengths.
    pub fn new(lengths: Arc<[usize]>, device: &B::Device) -> Self {
        let values: Vec<i32> = lengths.iter().map(|&length| length as i32).collect();
        let values = TensorData::new(values, [lengths.len()]);
        Self { lengths, on_device: Tensor::from_data(values, device) }
    }

    /// The lengths on the device.
    ///
    /// # Shapes
    /// `[batch]`.
    pub fn lengths_on_device(&self) -> Tensor<B, 1, Int> {
        self.on_device.clone()
    }

    /// True at padding.
    ///
    /// # Shapes
    /// `[batch, 1, 1, length]`, to be broadcast over heads and queries.
    pub fn mask(&self, length: usize) -> Tensor<B, 4, Bool> {
        let batch = self.lengths.len();
        let position = Tensor::<B, 1, Int>::arange(0..length as i64, &self.on_device.device()).reshape([1, 1, 1, length]);
        position.expand([batch, 1, 1, length]).greater_equal(self.on_device.clone().reshape([batch, 1, 1, 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn the_mask_covers_what_lies_past_each_length() {
        let padding = Padding::<Flex>::new(vec![3, 1].into(), &Default::default());
        let mask = padding.mask(3).into_data().iter::<bool>().collect::<Vec<_>>();
        assert_eq!(mask, [false, false, false, false, true, true]);
    }
}
