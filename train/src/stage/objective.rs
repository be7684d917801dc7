//! What a stage adds to the training loop: its loss, and its work between epochs.

use anyhow::Result;
use burn::tensor::Tensor;

use super::train_state::TrainState;
use crate::data::{Batch, TrainingSet};
use crate::device::TrainBackend;
use crate::kernels::DropoutSeeds;
use crate::model::{BertInput, BoundaryTargets, MrcModel, SpanLoss, SpanTargets};
use crate::progress::Reporter;

/// A stage's objective.
pub trait Objective<B: TrainBackend> {
    /// Called before the first step of an epoch, and again when training is resumed within it (`resumed`): the weights must then
    /// stay as they are. It may replace the training set.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    fn begin_epoch(
        &mut self,
        _epoch: usize,
        _resumed: bool,
        _state: &mut TrainState<B>,
        _data: &mut TrainingSet<'_>,
        _reporter: &dyn Reporter,
    ) -> Result<()> {
        Ok(())
    }

    /// The part of a step's loss that one of its batches contributes; the parts add up to the loss of the step. `step` holds all
    /// batches of the step, since means are taken over all of them.
    ///
    /// # Shapes
    /// `[1]`.
    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1>;

    /// Called after the last step of an epoch, or when training ends within it. If training was stopped and resumed after the
    /// last checkpoint of an epoch, it is called for that epoch again.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    fn end_epoch(&mut self, _epoch: usize, _model: &MrcModel<B::InnerBackend>, _reporter: &dyn Reporter) -> Result<()> {
        Ok(())
    }
}

/// The loss of starts, ends and (with the span head) pairs: a batch's part of the loss of its step.
///
/// # Shapes
/// `hidden` is `[batch * length, hidden]`, the loss `[1]`.
pub fn span_loss<B: TrainBackend>(
    model: &MrcModel<B>,
    hidden: Tensor<B, 2>,
    batch: &Batch,
    step: &[Batch],
    dropouts: &mut DropoutSeeds,
    loss: SpanLoss,
) -> Tensor<B, 1> {
    let device = hidden.device();
    let pieces = step.iter().map(Batch::context_word_pieces).sum();
    let boundaries = model.boundary_logits(hidden.clone()).loss(&BoundaryTargets::from_batch(batch, pieces, &device), loss);
    if !model.is_nested() {
        return boundaries;
    }
    let target = SpanTargets::from_batch(batch, pieces, &device);
    match model.span_logits(hidden, target.rows, dropouts) {
        Some(pairs) => boundaries + loss.of(pairs, &target.sign, &target.share),
        None => boundaries,
    }
}

/// Spans alone: the objective of stages 1 and 4.
#[derive(Debug, Clone, Copy)]
pub struct SpanObjective {
    /// The loss of starts, ends and pairs.
    pub loss: SpanLoss,
}

impl<B: TrainBackend> Objective<B> for SpanObjective {
    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        let hidden = model.bert.forward(&BertInput::from_batch(batch, &model.device()), dropouts);
        span_loss(model, hidden, batch, step, dropouts, self.loss)
    }
}
