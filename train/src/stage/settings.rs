//! Settings of a stage, as `run.toml` keeps them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cluster::kmeans;
use crate::data::BatchSize;
use crate::decode::Decoding;
use crate::device::Device;
use crate::kernels::Precision;
use crate::model::{Pooling, SpanLoss};
use crate::optim::AdamWConfig;

/// A stage of the method, with the settings that only it has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Stage 1, entity span identification: where entities are.
    Esi,
    /// Stage 2, named entity extraction: labels from gazetteers, and self-training.
    Nee(RelabelSettings),
    /// Stage 3, fine-grained entity typing: clusters of span vectors as pseudo-labels of a second task.
    Fet(ClusterSettings),
    /// Stage 4, fine-tuning on gold triples.
    Finetune,
}

impl Stage {
    /// The name of its command: `esi`, `nee`, `fet` or `finetune`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Esi => "esi",
            Self::Nee(_) => "nee",
            Self::Fet(_) => "fet",
            Self::Finetune => "finetune",
        }
    }

    /// Whether each epoch trains the weights that training began with.
    pub fn restarts(&self) -> bool {
        matches!(self, Self::Nee(relabel) if relabel.restart)
    }

    /// Clusters that the model's head for pseudo-labels tells apart; only stage 3 has that head.
    pub fn clusters(&self) -> Option<usize> {
        if let Self::Fet(settings) = self { Some(settings.clusters) } else { None }
    }
}

/// All settings of a training run.
///
/// They are written to `run.toml` before work starts and read from there by `train resume`. The keys are part of the format of
/// run folders: see `train/docs/run-folder.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSettings {
    /// The stage.
    pub stage: Stage,
    /// Folder of triples to train on.
    pub data: PathBuf,
    /// Stage 2: folder of triples without answers, of which each round adds those that the model is sure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<PathBuf>,
    /// Folder of triples whose F1 selects the best weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<PathBuf>,
    /// Folder of triples on which the best weights are scored at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Device that computes.
    pub device: Device,
    /// Number format of the encoder's matrix products.
    #[serde(default)]
    pub precision: Precision,
    /// Seed of shuffling, dropout, clustering and fresh weights.
    pub seed: u64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Step after which training stops at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Size of a batch.
    pub batch: BatchSize,
    /// Batches of a step, over all devices.
    pub accumulate: usize,
    /// Devices that share a step; empty if `device` computes alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Triples that are shuffled together.
    #[serde(default = "whole_training_set")]
    pub shuffle_buffer: usize,
    /// Word pieces of a sequence, query and special tokens included.
    pub max_length: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Fraction of the steps in which the learning rate rises to its peak.
    pub warmup: f64,
    /// Dropout rate.
    pub dropout: f64,
    /// Steps between two evaluations on dev, beside the one at the end of each epoch; 0 for those alone.
    pub eval_every: usize,
    /// Steps between two checkpoints, beside those at the end of each epoch; without it, each evaluation writes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_every: Option<usize>,
    /// Early stopping: evaluations in a row without a better F1 on dev after which training stops; without it, training does not stop
    /// early. [`BestTracker`](super::checkpoint_state::BestTracker) counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Whether the model has the span head for nested and overlapping answers.
    pub nested: bool,
    /// Which end a start takes.
    #[serde(default)]
    pub decoding: Decoding,
    /// The loss of starts, ends and pairs.
    #[serde(rename = "weighting")]
    pub loss: SpanLoss,
    /// Whether the metrics are written as TensorBoard events too.
    #[serde(default)]
    pub tensorboard: bool,
    /// Weights to start from.
    #[serde(rename = "start")]
    pub initial: InitialWeights,
    /// The optimizer.
    pub optimizer: AdamWConfig,
}

/// [`StageSettings::shuffle_buffer`] of runs that were started by a program without it: they shuffle the whole training set. TOML
/// has no larger number.
fn whole_training_set() -> usize {
    i64::MAX as usize
}

/// Settings of stage 2's self-training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RelabelSettings {
    /// Probability above which a word piece starts or ends an answer.
    pub threshold: f64,
    /// Whether the threshold is multiplied by the round.
    pub growth: bool,
    /// What happens to the answers of the training set.
    pub mode: RelabelMode,
    /// Lowest score of an answer with which a triple of [`StageSettings::unlabelled`] joins a round.
    #[serde(default = "default_confidence")]
    pub confidence: f64,
    /// Whether each round trains the weights that training began with, by a learning rate of its own.
    #[serde(default)]
    pub restart: bool,
}

/// [`RelabelSettings::confidence`] where the user gives none: on sentences of WikiGold, answers with a lower score were right in a third of
/// the cases, those above in 60 to 100 %.
pub const DEFAULT_CONFIDENCE: f64 = 0.7;

fn default_confidence() -> f64 {
    DEFAULT_CONFIDENCE
}

/// What self-training does with the answers of the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelabelMode {
    /// The model's answers replace them.
    Replace,
    /// They stay, and the model's answers that overlap none of them are added.
    Union,
    /// They stay as they are.
    Keep,
}

/// Highest threshold that [`RelabelSettings::growth`] leads to.
const HIGHEST_THRESHOLD: f64 = 0.99;

impl RelabelSettings {
    /// The threshold of a round, counted from 1. A growing one stops at 0.99, or at the given threshold if that is higher.
    pub fn threshold(&self, round: usize) -> f32 {
        let factor = if self.growth { round as f64 } else { 1.0 };
        (self.threshold * factor).min(HIGHEST_THRESHOLD.max(self.threshold)) as f32
    }
}

/// Settings of stage 3's pseudo-labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterSettings {
    /// Number of clusters.
    pub clusters: usize,
    /// Weight of the clusters' loss, γ in the paper.
    pub gamma: f64,
    /// The algorithm.
    pub method: ClusterMethod,
    /// Iterations of the algorithm at most.
    pub iterations: usize,
    /// How k-means chooses its first centroids.
    #[serde(rename = "start")]
    pub init: kmeans::Seeding,
    /// Principal components that span vectors are reduced to.
    pub pca: usize,
    /// How the word pieces of an answer become one vector.
    pub pool: Pooling,
    /// What happens to the head of pseudo-labels when clusters change.
    pub head: ClusterHeadUpdate,
}

/// A clustering algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterMethod {
    /// k-means by Lloyd's iterations.
    Kmeans,
    /// Power iteration clustering (Lin and Cohen, ICML 2010) on a graph of nearest neighbours.
    Pic,
}

/// What happens to the head of pseudo-labels when an epoch's clusters replace those of the epoch before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterHeadUpdate {
    /// It stays; each cluster gets the number of the former cluster that it overlaps most.
    Align,
    /// It gets new random weights.
    Reset,
}

/// Weights that training starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialWeights {
    /// A BERT in the Hugging Face layout; heads that its files lack get random weights.
    Encoder(PathBuf),
    /// The weights of an earlier run.
    #[serde(rename = "init")]
    Run(PathBuf),
    /// A small encoder of random weights.
    Tiny {
        /// Its vocabulary; without one it is learned from the training set.
        #[serde(skip_serializing_if = "Option::is_none")]
        vocab: Option<PathBuf>,
        /// Whether case and accents are ignored.
        lowercase: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_threshold_stays_below_one() {
        let settings = |threshold, growth| RelabelSettings {
            threshold,
            growth,
            mode: RelabelMode::Replace,
            confidence: DEFAULT_CONFIDENCE,
            restart: false,
        };
        let rounds = |settings: RelabelSettings| [1, 2, 3, 6].map(|round| settings.threshold(round));
        assert_eq!(rounds(settings(0.1, false)), [0.1; 4]);
        assert_eq!(rounds(settings(0.2, true)), [0.2, 0.4, 0.6, 0.99]);
        assert_eq!(rounds(settings(0.995, true)), [0.995; 4]);
    }
}
