//! A vector for each answer: pooled hidden states, reduced to principal components.

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use crate::cluster::Points;
use crate::cluster::device_pca::{self, DeviceProjection};
use crate::cluster::pca::{Covariance, Pca};
use crate::data::{Dataset, batches_by_length};
use crate::inference::InferenceSettings;
use crate::kernels::{DropoutSeeds, Kernels};
use crate::model::{BertInput, MrcModel, Pooling, pool_spans};

/// Makes the vectors of answers.
pub struct AnswerVectors<'a, B: Backend> {
    /// The model whose hidden states are pooled.
    pub model: &'a MrcModel<B>,
    /// Its device.
    pub device: &'a B::Device,
    /// How sequences become batches.
    pub inference: InferenceSettings,
    /// How the word pieces of an answer become one vector.
    pub pool: Pooling,
    /// Whether principal components are computed on the device.
    pub on_device: bool,
}

/// The vectors of some answers.
pub struct PooledAnswers<B: Backend> {
    /// Numbers of the answers, in the order of the vectors.
    answers: Vec<usize>,
    /// `[answers, hidden]`.
    vectors: Tensor<B, 2>,
}

/// Reduces vectors to principal components.
pub struct Reduction<B: Backend> {
    pca: Pca,
    /// The same on the device, where it is computed there.
    projection: Option<DeviceProjection<B>>,
}

impl<B: Kernels> AnswerVectors<'_, B> {
    /// The pooled vectors of all answers of the dataset, which are numbered from `first_answer` on in the order of its sequences.
    pub fn pool(&self, data: &Dataset, first_answer: usize) -> Vec<PooledAnswers<B>> {
        let offsets = answer_offsets(data, first_answer);
        let with_answers = (0..data.sequences.len()).filter(|&position| !data.sequences[position].answers.is_empty());
        let batches = batches_by_length(&data.sequences, with_answers, self.inference.batch, self.inference.padding);
        let pooled = batches.iter().map(|positions| {
            let batch = self.inference.batch(data, positions);
            let hidden = self.model.bert.forward(&BertInput::from_batch(&batch, self.device), &mut DropoutSeeds::off());
            let answers = positions.iter().flat_map(|&position| offsets[position]..offsets[position + 1]).collect();
            PooledAnswers { answers, vectors: pool_spans(hidden, &batch.answers, self.pool) }
        });
        pooled.collect()
    }

    /// Adds pooled vectors to a covariance, which begins with the first ones.
    pub fn add_to(&self, covariance: &mut Option<Covariance>, pooled: &[PooledAnswers<B>]) {
        for PooledAnswers { vectors, .. } in pooled {
            let covariance = covariance.get_or_insert_with(|| Covariance::new(vectors.dims()[1]));
            if self.on_device {
                device_pca::add_rows(covariance, vectors.clone());
            } else {
                covariance.add(&values(vectors.clone()));
            }
        }
    }

    /// The reduction to the `most` principal components of the vectors of a covariance.
    ///
    /// # Errors
    /// There are fewer than two vectors, or a hidden state is not finite.
    pub fn reduction(&self, covariance: Option<Covariance>, most: usize) -> Result<Reduction<B>> {
        let covariance = covariance.context("there are no answers to cluster")?;
        let pca = covariance.components(most).context("if hidden states are not finite, lower --lr or raise --warmup")?;
        let projection = self.on_device.then(|| DeviceProjection::new(&pca, self.device));
        Ok(Reduction { pca, projection })
    }
}

impl<B: Backend> PooledAnswers<B> {
    /// Size of the vectors in bytes.
    pub fn bytes(&self) -> usize {
        self.vectors.shape().num_elements() * size_of::<f32>()
    }
}

impl<B: Kernels> Reduction<B> {
    /// Number of components.
    pub fn width(&self) -> usize {
        self.pca.width()
    }

    /// The reduced vectors of `count` answers, numbered from 0 on: principal components, whitened, of length 1.
    ///
    /// # Errors
    /// A hidden state is not finite.
    pub fn reduce(&self, pooled: Vec<PooledAnswers<B>>, count: usize) -> Result<Points> {
        let width = self.width();
        let mut points = Points::zeros(count, width);
        for PooledAnswers { answers, vectors } in pooled {
            let reduced = match &self.projection {
                Some(projection) => projection.project(vectors),
                None => self.pca.project(&values(vectors)),
            };
            for (answer, row) in answers.into_iter().zip(reduced.chunks_exact(width)) {
                points.values[answer * width..][..width].copy_from_slice(row);
            }
        }
        let finite = points.values.iter().all(|value| value.is_finite());
        ensure!(finite, "a hidden state is not finite; lower --lr or raise --warmup");
        points.normalise();
        Ok(points)
    }
}

/// The number of the first answer of each sequence, and at the end the number after the last.
fn answer_offsets(data: &Dataset, first_answer: usize) -> Vec<usize> {
    let mut next = first_answer;
    let mut offsets = vec![next];
    for sequence in &data.sequences {
        next += sequence.answers.len();
        offsets.push(next);
    }
    offsets
}

fn values<B: Backend>(rows: Tensor<B, 2>) -> Vec<f32> {
    rows.into_data().convert::<f32>().to_vec().expect("converted to f32")
}
