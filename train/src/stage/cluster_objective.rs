//! Stage 3: the clusters of the answers' vectors are pseudo-labels of a second task. They are computed anew before each epoch.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use burn::module::AutodiffModule;
use burn::tensor::{Tensor, TensorData, activation};
use rand::seq::index;
use schemas::{ShardFolder, Triple, char_slice};

use super::objective::{Objective, span_loss};
use super::pseudo_labels::{PseudoLabels, answer_offsets};
use super::rng::{self, RngStream};
use super::settings::{ClusterHeadUpdate, ClusterMethod, ClusterSettings};
use super::span_vectors::SpanVectors;
use super::train_state::TrainState;
use crate::cluster::cluster_file::{self, ClusterRow};
use crate::cluster::{Clusters, Points, kmeans, matching, power_iteration};
use crate::data::{Batch, Dataset};
use crate::device::TrainBackend;
use crate::inference::InferenceSettings;
use crate::kernels::DropoutSeeds;
use crate::model::{BertInput, MrcModel, SpanLoss, pool_spans, weights};
use crate::progress::Reporter;
use crate::run_folder::layout;

/// Answers whose vectors are stored in the epoch's file, for pictures.
const STORED_VECTORS: usize = 2_000;

/// The objective of stage 3: spans, and the clusters of the answers.
pub struct ClusterObjective<'a, B: TrainBackend> {
    /// Device of the model that the answers are clustered by.
    pub device: &'a B::Device,
    /// Its settings.
    pub settings: ClusterSettings,
    /// The loss of starts, ends and pairs.
    pub loss: SpanLoss,
    /// How sequences become batches where answers are clustered.
    pub inference: InferenceSettings,
    /// The training set.
    pub source: &'a Path,
    /// The run folder.
    pub run: &'a Path,
    /// The run's seed.
    pub seed: u64,
    /// Standard deviation of fresh weights.
    pub deviation: f64,
    /// The current epoch's labels.
    pub labels: PseudoLabels,
}

impl<B: TrainBackend> Objective<B> for ClusterObjective<'_, B> {
    fn begin_epoch(
        &mut self,
        epoch: usize,
        resumed: bool,
        state: &mut TrainState<B>,
        data: &mut Dataset,
        reporter: &dyn Reporter,
    ) -> Result<()> {
        let (clusters, distances) = if resumed {
            cluster_file::read_assignments(&self.file(epoch))?
        } else {
            if epoch == 1 || self.settings.head == ClusterHeadUpdate::Reset {
                let seed = self.seed.wrapping_add(epoch as u64);
                state.model = weights::reinitialize_cluster_head(state.model.clone(), self.deviation, seed);
                state.optimizer.reset(weights::CLUSTER_HEAD_PREFIX);
            }
            self.cluster(epoch, &state.model.valid(), data, reporter)?
        };
        let answers = answer_offsets(data)[data.sequences.len()];
        let file = self.file(epoch);
        ensure!(clusters.len() == answers, "{} holds {} spans, but the training set {answers}", file.display(), clusters.len());
        self.labels = PseudoLabels::new(data, clusters, &distances, self.settings.clusters);
        Ok(())
    }

    /// Half the loss of spans, plus γ times the cross-entropy of clusters, a mean over the answers of the step weighted by cluster.
    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        let hidden = model.bert.forward(&BertInput::from_batch(batch, &model.device()), dropouts);
        let loss = span_loss(model, hidden.clone(), batch, step, dropouts, self.loss) * 0.5;
        if batch.answers.is_empty() {
            return loss;
        }
        let Some(logits) = model.cluster_logits(pool_spans(hidden, &batch.answers, self.settings.pool), dropouts) else { return loss };
        let total: f32 = step.iter().flat_map(|batch| self.labels.of_batch(batch)).map(|cluster| self.labels.weight(cluster)).sum();
        let clusters = self.settings.clusters;
        let mut shares = vec![0.0; batch.answers.len() * clusters];
        for (answer, cluster) in self.labels.of_batch(batch).enumerate() {
            shares[answer * clusters + cluster as usize] = self.labels.weight(cluster) / total.max(f32::MIN_POSITIVE);
        }
        let shares = Tensor::<B, 2>::from_data(TensorData::new(shares, [batch.answers.len(), clusters]), &logits.device());
        let cross_entropy = (activation::log_softmax(logits, 1) * shares).sum().neg();
        loss + cross_entropy * self.settings.gamma
    }
}

impl<B: TrainBackend> ClusterObjective<'_, B> {
    fn file(&self, epoch: usize) -> PathBuf {
        layout::cluster_epoch(self.run, epoch)
    }

    /// Clusters all answers and writes the epoch's file. Returns the answers' clusters and distances from their centroids.
    fn cluster(
        &self,
        epoch: usize,
        model: &MrcModel<B::InnerBackend>,
        data: &Dataset,
        reporter: &dyn Reporter,
    ) -> Result<(Vec<u32>, Vec<f32>)> {
        let ClusterSettings { clusters, method, iterations, init, head, pool, pca: components, .. } = self.settings;
        let answers = answer_offsets(data)[data.sequences.len()];
        let mut rng = rng::generator(self.seed.wrapping_add(epoch as u64), RngStream::Cluster, 0);
        let (points, mut found) = if answers > 1 {
            let vectors = SpanVectors::<B::InnerBackend> {
                inference: self.inference,
                device: self.device,
                pool,
                components,
                on_device: B::CLUSTERS_ON_DEVICE,
                reporter,
            };
            let points = vectors.compute(model, data)?;
            let found = match method {
                ClusterMethod::Kmeans => {
                    let on_device = B::assignment_backend(&points.values, points.width, self.device);
                    let backend = on_device.as_deref().unwrap_or(&points);
                    kmeans::kmeans_with(&points, backend, clusters, iterations, init, &mut rng)
                }
                ClusterMethod::Pic => power_iteration::power_iteration_clustering(&points, clusters, iterations, &mut rng),
            };
            (points, found)
        } else {
            // One answer is a cluster of its own; its vector has no principal components.
            let found = Clusters { centroids: Points::zeros(1, 1), assignments: vec![0; answers], distances: vec![0.0; answers] };
            (Points::default(), found)
        };
        if epoch > 1 && head == ClusterHeadUpdate::Align {
            let (before, _) = cluster_file::read_assignments(&self.file(epoch - 1))?;
            matching::renumber_by_overlap(&before, &mut found.assignments, clusters);
        }
        let sample = index::sample(&mut rng, points.len(), STORED_VECTORS.min(points.len())).into_iter().collect();
        self.write(epoch, data, &found, &points, &sample)?;
        Ok((found.assignments, found.distances))
    }

    /// Writes the epoch's file, with the vectors of the answers in `sample`. Contexts are read from the training set again, as they
    /// are not kept in memory.
    fn write(&self, epoch: usize, data: &Dataset, found: &Clusters, points: &Points, sample: &HashSet<usize>) -> Result<()> {
        let path = self.file(epoch);
        let mut writer = cluster_file::ClusterFileWriter::create(&path)?;
        let folder = ShardFolder::open::<Triple>(self.source)?;
        let mut sequences = data.sequences.iter().peekable();
        let mut assigned = found.assignments.iter().zip(&found.distances).enumerate();
        let mut triple_number = 0;
        for rows in folder.rows::<Triple>() {
            for triple in rows? {
                while let Some(sequence) = sequences.next_if(|sequence| sequence.triple == triple_number) {
                    let offsets = &sequence.context.offsets;
                    for (&(first, last), (answer, (&cluster, &distance))) in sequence.answers.iter().zip(&mut assigned) {
                        let (start, end) = (offsets[first as usize].0, offsets[last as usize].1);
                        writer.write(ClusterRow {
                            id: triple.id.clone(),
                            label: triple.label.clone(),
                            text: char_slice(&triple.context, start, end).unwrap_or_default().to_owned(),
                            context: triple.context.clone(),
                            start,
                            end,
                            cluster,
                            distance,
                            vector: sample.contains(&answer).then(|| points.row(answer).to_vec()),
                        })?;
                    }
                }
                triple_number += 1;
            }
        }
        writer.finish()
    }
}
