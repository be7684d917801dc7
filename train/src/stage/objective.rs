//! What the stages do differently: the loss, and what happens between epochs.

use anyhow::Result;
use burn::tensor::Tensor;

use super::training_loop::Learner;
use crate::data::{Batch, DataSet};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Reader, Weighting};

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

/// Loss of starts and ends as a batch's share of its step's, and of pairs where the reader scores them: `[1]`.
///
/// # Shapes
/// `hidden` `[batch * length, hidden]`.
pub fn answer_loss<B: TrainBackend>(
    reader: &Reader<B>,
    hidden: Tensor<B, 2>,
    batch: &Batch,
    step: &[Batch],
    dropouts: &mut Dropouts,
    weighting: Weighting,
) -> Tensor<B, 1> {
    let device = hidden.device();
    let pieces = step.iter().map(Batch::context_pieces).sum();
    let loss = reader.margins(hidden.clone()).loss(&batch.target(pieces, &device), weighting);
    if !reader.is_nested() {
        return loss;
    }
    let target = batch.pairs(pieces, &device);
    match reader.pairs(hidden, target.rows, dropouts) {
        Some(pairs) => loss + weighting.loss(pairs, &target.sign, &target.share),
        None => loss,
    }
}

/// Answers alone: what stages 1 and 4 learn.
pub struct Answers<'a, B: TrainBackend> {
    /// Where the reader is.
    pub device: &'a B::Device,
    /// How much each label's loss weighs.
    pub weighting: Weighting,
}

impl<B: TrainBackend> Objective<B> for Answers<'_, B> {
    fn loss(&self, reader: &Reader<B>, batch: &Batch, step: &[Batch], dropouts: &mut Dropouts) -> Tensor<B, 1> {
        let hidden = reader.bert.forward(&batch.input(&reader.device()), dropouts);
        answer_loss(reader, hidden, batch, step, dropouts, self.weighting)
    }
}
