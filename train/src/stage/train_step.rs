//! One optimizer step, of one or several batches (gradient accumulation) on one or several devices (data parallelism).

use burn::tensor::Tensor;
use rand::RngCore;

use super::objective::Objective;
use super::train_state::TrainState;
use crate::data::Batch;
use crate::device::TrainBackend;
use crate::kernels::DropoutSeeds;
use crate::optim::Gradients;

/// Makes one step, with gradient accumulation: adds up the gradients of all batches, over all devices, and updates each replica with the sum.
///
/// `replicas` has one state for each device, all with equal weights. Batch `i` is computed by replica `i` modulo their number.
/// Each batch draws one dropout seed, in the order of the batches.
///
/// Returns the loss of the step, `[1]`, on the first device. It is not read from the device, so nothing waits for it.
///
/// # Panics
/// If there is no batch or no replica.
pub fn train_step<B: TrainBackend>(
    replicas: &mut Vec<TrainState<B>>,
    objective: &impl Objective<B>,
    batches: &[Batch],
    dropout: f32,
    dropout_seeds: &mut impl RngCore,
    lr: f64,
) -> Tensor<B::InnerBackend, 1> {
    let mut gradients: Vec<Option<Gradients<B::InnerBackend>>> = replicas.iter().map(|_| None).collect();
    let mut total: Option<Tensor<B::InnerBackend, 1>> = None;
    for (number, batch) in batches.iter().enumerate() {
        let replica = number % replicas.len();
        let model = &replicas[replica].model;
        let loss = objective.loss(model, batch, batches, &mut DropoutSeeds::seeded(dropout, dropout_seeds.next_u64()));
        let value = loss.clone().inner();
        total = Some(match total {
            Some(total) => total.clone() + value.to_device(&total.device()),
            None => value,
        });
        let of_batch = Gradients::of(model, loss.backward());
        match &mut gradients[replica] {
            Some(sum) => sum.add(of_batch),
            none => *none = Some(of_batch),
        }
    }
    let mut gradients: Vec<Gradients<B::InnerBackend>> = gradients.into_iter().map(Option::unwrap_or_default).collect();
    if replicas.len() > 1 {
        let devices: Vec<B::Device> = replicas.iter().map(|replica| replica.model.device()).collect();
        gradients = Gradients::all_reduce(gradients, &devices);
    }
    let updated = replicas.drain(..).zip(gradients).map(|(TrainState { model, mut optimizer }, gradients)| {
        let model = optimizer.step(model, gradients, lr);
        TrainState { model, optimizer }
    });
    *replicas = updated.collect();
    total.expect("a step has a batch")
}
