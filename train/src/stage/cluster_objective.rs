//! Stage 3: the clusters of the answers' vectors are pseudo-labels of a second task. They are computed anew before each epoch.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::module::AutodiffModule;
use burn::tensor::{Tensor, TensorData, activation};

use super::answer_clusters::{AnswerClusters, KEPT, SAMPLE, read_labels};
use super::answer_vectors::AnswerVectors;
use super::answered_triples::count_answers;
use super::objective::{Objective, span_loss};
use super::pseudo_labels::PseudoLabels;
use super::settings::{ClusterHeadUpdate, ClusterSettings};
use super::train_state::TrainState;
use crate::data::{Batch, TrainingSet};
use crate::device::TrainBackend;
use crate::inference::InferenceSettings;
use crate::kernels::DropoutSeeds;
use crate::model::{BertInput, MrcModel, SpanLoss, pool_spans, weights};
use crate::progress::Reporter;
use crate::run_folder::layout;

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
        data: &mut TrainingSet<'_>,
        reporter: &dyn Reporter,
    ) -> Result<()> {
        let file = layout::cluster_epoch(self.run, epoch);
        // Those of the epoch before need not stay beside the new ones.
        self.labels = PseudoLabels::default();
        if resumed {
            self.labels = read_labels(&file, self.settings.clusters)?;
            return Ok(());
        }
        let seed = self.seed.wrapping_add(epoch as u64);
        if epoch == 1 || self.settings.head == ClusterHeadUpdate::Reset {
            state.model = weights::reinitialize_cluster_head(state.model.clone(), self.deviation, seed);
            state.optimizer.reset(weights::CLUSTER_HEAD_PREFIX);
        }
        let vectors = AnswerVectors {
            model: &state.model.valid(),
            device: self.device,
            inference: self.inference,
            pool: self.settings.pool,
            on_device: B::CLUSTERS_ON_DEVICE,
        };
        let folder = data.folder();
        let answers = count_answers(folder)?;
        let settings = self.settings;
        let clusters = AnswerClusters::<B> { settings, vectors, folder, answers, sample: SAMPLE, kept: KEPT, seed, reporter };
        let aligned = epoch > 1 && self.settings.head == ClusterHeadUpdate::Align;
        let before: Option<PathBuf> = aligned.then(|| layout::cluster_epoch(self.run, epoch - 1));
        let found = clusters.find(before.as_deref())?;
        self.labels = clusters.assign(found.as_ref(), &file)?;
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
