//! What a training step changes.

use burn::module::Module;

use crate::device::TrainBackend;
use crate::model::MrcModel;
use crate::optim::AdamW;

/// A model and its optimizer, on one device.
pub struct TrainState<B: TrainBackend> {
    /// The model.
    pub model: MrcModel<B>,
    /// The optimizer with its state.
    pub optimizer: AdamW<B::InnerBackend>,
}

impl<B: TrainBackend> TrainState<B> {
    /// A copy on another device.
    #[must_use]
    pub fn to_device(&self, device: &B::Device) -> Self {
        Self { model: self.model.clone().fork(device), optimizer: self.optimizer.to_device(device) }
    }
}
