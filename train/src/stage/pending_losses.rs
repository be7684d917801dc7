//! Losses of steps: computed on the device, read from it a few steps later.

use anyhow::{Result, bail};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use crate::data::Batch;

/// Triples that an error names at most.
const NAMED_TRIPLES: usize = 8;

/// Losses that are still on the device.
pub struct PendingLosses<B: Backend>(Vec<PendingLoss<B>>);

struct PendingLoss<B: Backend> {
    step: usize,
    loss: Tensor<B, 1>,
    batches: Vec<Batch>,
}

impl<B: Backend> Default for PendingLosses<B> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<B: Backend> PendingLosses<B> {
    /// Adds the loss of a step, `[1]`, and the batches that it is of.
    pub fn push(&mut self, step: usize, loss: Tensor<B, 1>, batches: Vec<Batch>) {
        self.0.push(PendingLoss { step, loss, batches });
    }

    /// Reads the losses of all steps since the last call, in their order. Waits for the device once.
    ///
    /// # Errors
    /// A loss that is not finite, by its step and the triples of its batches.
    ///
    /// # Panics
    /// If no loss was added since the last call.
    pub fn read(&mut self) -> Result<Vec<f32>> {
        let pending = std::mem::take(&mut self.0);
        let losses = Tensor::cat(pending.iter().map(|pending| pending.loss.clone()).collect(), 0);
        let losses = losses.into_data().convert::<f32>().to_vec::<f32>().expect("converted to f32");
        let wrong = losses.iter().zip(&pending).find(|(loss, _)| !loss.is_finite());
        let Some((loss, PendingLoss { step, batches, .. })) = wrong else { return Ok(losses) };
        let triples: Vec<usize> = batches.iter().flat_map(|batch| &batch.triples).copied().collect();
        let named: Vec<String> = triples.iter().take(NAMED_TRIPLES).map(ToString::to_string).collect();
        let more = if triples.len() > NAMED_TRIPLES { format!(" and {} more", triples.len() - NAMED_TRIPLES) } else { String::new() };
        bail!(
            "the loss is {loss} at step {step}, whose batch holds the triples {}{more} of the training set, counted from 0; lower --lr or \
             raise --warmup (the weights saved so far are kept)",
            named.join(", ")
        )
    }
}

/// The last loss, and an exponential moving average of all.
#[derive(Debug, Clone, Copy)]
pub struct LossAverage {
    /// The last loss; NaN before the first.
    pub last: f32,
    /// The average, in which a loss weighs 0.95 times as much as the next one; NaN before the first.
    pub smooth: f32,
}

impl Default for LossAverage {
    fn default() -> Self {
        Self { last: f32::NAN, smooth: f32::NAN }
    }
}

impl LossAverage {
    /// Adds losses in the order of their steps.
    pub fn add(&mut self, losses: &[f32]) {
        for &loss in losses {
            self.last = loss;
            self.smooth = if self.smooth.is_nan() { loss } else { 0.95 * self.smooth + 0.05 * loss };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn losses_are_read_in_order_and_a_wrong_one_is_named_by_its_step() {
        let loss = |value: f32| Tensor::<Flex, 1>::from_floats([value], &Default::default());
        let mut pending = PendingLosses::default();
        for (step, value) in [(1, 3.0), (2, 2.0)] {
            pending.push(step, loss(value), Vec::new());
        }
        assert_eq!(pending.read().unwrap(), [3.0, 2.0]);
        pending.push(3, loss(1.0), Vec::new());
        pending.push(4, loss(f32::INFINITY), Vec::new());
        assert!(pending.read().unwrap_err().to_string().starts_with("the loss is inf at step 4, "));
    }

    #[test]
    fn the_average_follows_the_losses() {
        let mut average = LossAverage::default();
        average.add(&[]);
        assert!(average.smooth.is_nan());
        average.add(&[2.0, 1.0]);
        assert_eq!((average.last, average.smooth), (1.0, 0.95 * 2.0 + 0.05));
    }
}
