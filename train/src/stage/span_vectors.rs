//! A vector for each answer of the training set: what stage 3 clusters.

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::pseudo_labels::answer_offsets;
use crate::cluster::Points;
use crate::cluster::device_pca::{self, DeviceProjection};
use crate::cluster::pca::{Covariance, Pca};
use crate::data::{Dataset, batches_by_length};
use crate::inference::InferenceSettings;
use crate::kernels::{DropoutSeeds, Kernels};
use crate::model::{BertInput, MrcModel, Pooling, pool_spans};
use crate::progress::{Reporter, Task};

/// Answers that principal components are computed from at most. An even sample gives the same components as all answers.
const PCA_ANSWERS: usize = 200_000;

/// How span vectors are made.
pub struct SpanVectors<'a, B: Backend> {
    /// How sequences become batches.
    pub inference: InferenceSettings,
    /// Device of the model.
    pub device: &'a B::Device,
    /// How the word pieces of an answer become one vector.
    pub pool: Pooling,
    /// Principal components.
    pub components: usize,
    /// Whether principal components are computed on the device.
    pub on_device: bool,
    /// Receives progress.
    pub reporter: &'a dyn Reporter,
}

impl<B: Kernels> SpanVectors<'_, B> {
    /// The vectors of all answers, in the order of the sequences: pooled hidden states, reduced to their principal components,
    /// whitened, of length 1.
    ///
    /// Memory: the reduced vectors alone. Hidden states are computed twice, once for the components and once to be reduced.
    ///
    /// # Errors
    /// There is no answer; a hidden state is not finite.
    pub fn compute(&self, model: &MrcModel<B>, data: &Dataset) -> Result<Points> {
        let offsets = answer_offsets(data);
        let count = offsets[data.sequences.len()];
        let mut covariance = None;
        self.for_each_batch(model, data, count.div_ceil(PCA_ANSWERS), "computing components", |_, rows| {
            let covariance = covariance.get_or_insert_with(|| Covariance::new(rows.dims()[1]));
            if self.on_device {
                device_pca::add_rows(covariance, rows);
            } else {
                covariance.add(&values(rows));
            }
        })?;
        let covariance = covariance.context("there are no answers to cluster")?;
        let pca: Pca = covariance.components(self.components).context("if hidden states are not finite, lower --lr or raise --warmup")?;
        let projection = self.on_device.then(|| DeviceProjection::<B>::new(&pca, self.device));
        let mut points = Points::zeros(count, pca.width());
        self.for_each_batch(model, data, 1, "reducing", |positions, rows| {
            let reduced = match &projection {
                Some(projection) => projection.project(rows),
                None => pca.project(&values(rows)),
            };
            let mut reduced = reduced.chunks_exact(pca.width());
            for &position in positions {
                for (answer, row) in (offsets[position]..offsets[position + 1]).zip(&mut reduced) {
                    points.values[answer * pca.width()..][..pca.width()].copy_from_slice(row);
                }
            }
        })?;
        let finite = points.values.iter().all(|value| value.is_finite());
        ensure!(finite, "a hidden state is not finite; lower --lr or raise --warmup");
        points.normalise();
        Ok(points)
    }

    /// Calls `work` for each batch with the positions of its sequences and the pooled vectors of its answers, `[answers, hidden]`.
    /// Of the sequences with answers, every `every`th is taken.
    fn for_each_batch(
        &self,
        model: &MrcModel<B>,
        data: &Dataset,
        every: usize,
        task: &'static str,
        mut work: impl FnMut(&[usize], Tensor<B, 2>),
    ) -> Result<()> {
        let with_answers = (0..data.sequences.len()).filter(|&position| !data.sequences[position].answers.is_empty()).step_by(every);
        let batches = batches_by_length(&data.sequences, with_answers, self.inference.batch, self.inference.padding);
        let task = Task::start(self.reporter, task, batches.len());
        for positions in &batches {
            let batch = self.inference.batch(data, positions);
            let hidden = model.bert.forward(&BertInput::from_batch(&batch, self.device), &mut DropoutSeeds::off());
            work(positions, pool_spans(hidden, &batch.answers, self.pool));
            task.step();
        }
        Ok(())
    }
}

fn values<B: Backend>(rows: Tensor<B, 2>) -> Vec<f32> {
    rows.into_data().convert::<f32>().to_vec().expect("converted to f32")
}
