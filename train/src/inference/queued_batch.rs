//! A batch that the model reads.

use burn::tensor::Tensor;

use crate::data::Batch;
use crate::decode::{Decoding, WordPieceSpan, decode_flat, decode_nested};
use crate::kernels::{DropoutSeeds, Kernels};
use crate::model::batch_tensors::context_rows;
use crate::model::{BertInput, BoundaryLogits, MrcModel};

/// A batch whose logits are computed or, on a GPU, queued.
pub struct QueuedBatch<B: Kernels> {
    batch: Batch,
    logits: Logits<B>,
}

/// What a model gives for a batch.
enum Logits<B: Kernels> {
    /// Starts and ends, of a flat model.
    Boundaries(BoundaryLogits<B>),
    /// Pairs of a first and a last word piece, of a nested model: those of each sequence.
    Pairs(Vec<Vec<f32>>),
}

impl<B: Kernels> QueuedBatch<B> {
    /// Runs the model on a batch. Waits for the logits if the model is nested.
    pub fn new(model: &MrcModel<B>, batch: Batch, device: &B::Device) -> Self {
        let hidden = model.bert.forward(&BertInput::from_batch(&batch, device), &mut DropoutSeeds::off());
        let logits = if model.is_nested() {
            // One context at a time: its pairs take much memory.
            let pairs = |row| model.span_logits(hidden.clone(), context_rows(&batch, row, device), &mut DropoutSeeds::off());
            Logits::Pairs((0..batch.size).map(|row| pairs(row).map_or_else(Vec::new, to_vec)).collect())
        } else {
            Logits::Boundaries(model.boundary_logits(hidden))
        };
        Self { batch, logits }
    }

    /// The batch, and the spans of each of its sequences, in word pieces of the sequence's window. Waits for the logits.
    pub fn decode(self, threshold: f32, decoding: Decoding) -> (Batch, Vec<Vec<WordPieceSpan>>) {
        let contexts = self.batch.contexts.iter();
        let spans = match self.logits {
            Logits::Boundaries(logits) => {
                let (starts, ends) = (to_vec(logits.start), to_vec(logits.end));
                contexts.map(|rows| decode_flat(&starts[rows.clone()], &ends[rows.clone()], threshold, decoding)).collect()
            }
            Logits::Pairs(pairs) => pairs.iter().zip(contexts).map(|(logits, rows)| decode_nested(logits, rows.len(), threshold)).collect(),
        };
        (self.batch, spans)
    }
}

fn to_vec<B: Kernels>(logits: Tensor<B, 1>) -> Vec<f32> {
    logits.into_data().convert::<f32>().to_vec().expect("converted to f32")
}
