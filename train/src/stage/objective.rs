//! What the stages do differently: the loss, and what happens between epochs.

use anyhow::Result;
use burn::tensor::Tensor;

use super::training::Learner;
use crate::data::{Batch, DataSet};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Reader};

/// A stage's objective.
pub trait Objective<B: TrainBackend> {
    /// Called before an epoch's first step, and when training comes back into the midst of one (`again`): it must then leave
    /// the weights alone.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    fn begin_epoch(&mut self, _epoch: usize, _again: bool, _learner: &mut Learner<B>, _data: &mut DataSet) -> Result<()> {
        Ok(())
    }

    /// A batch's share of its step's loss, as `[1]`: means are taken over all batches of the step.
    fn loss(&self, reader: &Reader<B>, batch: &Batch, step: &[Batch], dropouts: &mut Dropouts) -> Tensor<B, 1>;

    /// Called after an epoch's last step or when training stops within it; it may have been called for that epoch before.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    fn end_epoch(&mut self, _epoch: usize, _reader: &Reader<B::InnerBackend>, _data: &DataSet) -> Result<()> {
        Ok(())
    }
}

/// Pieces of contexts of a whole step.
pub fn context(step: &[Batch]) -> usize {
    step.iter().map(|batch| batch.context).sum()
}

/// Starts and ends of answers: all that stages 1 and 4 learn.
pub struct Answers<'a, B: TrainBackend> {
    /// Where the reader is.
    pub device: &'a B::Device,
}

impl<B: TrainBackend> Objective<B> for Answers<'_, B> {
    fn loss(&self, reader: &Reader<B>, batch: &Batch, step: &[Batch], dropouts: &mut Dropouts) -> Tensor<B, 1> {
        reader.forward(&batch.input(self.device), dropouts).loss(&batch.target(context(step), self.device))
    }
}
