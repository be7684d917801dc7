//! Options of the training stages, on the command line and in the file of `train pipeline`.
//!
//! Each struct is read by clap and by serde, so that an option means the same in both. An option is optional here, without a clap
//! default, where clap rules out combinations with others: the file's options are checked after both are read.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Deserializer};

use super::common_args::CommonArgs;
use crate::cluster::kmeans;
use crate::decode::Decoding;
use crate::device::Device;
use crate::model::Pooling;
use crate::stage::Recipe;
use crate::stage::settings::{ClusterHeadUpdate, ClusterMethod, DEFAULT_CONFIDENCE, RelabelMode};

/// Sequences of a batch, if neither `--batch` nor `--max-tokens` is given.
pub const DEFAULT_BATCH: usize = 16;

/// Options of every stage.
#[derive(Debug, Clone, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StageArgs {
    /// Folder of triples to train on, or a run of `train nee`: its last round of relabelled triples
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for the run, which is created
    #[arg(long, value_name = "RUN")]
    #[serde(skip)]
    pub out: PathBuf,
    /// Folder of triples whose F1 selects the best weights; without it the last weights are kept
    #[arg(long, value_name = "DIR")]
    pub dev: Option<PathBuf>,
    /// Folder of triples on which the best weights are scored, once, at the end
    #[arg(long, value_name = "DIR")]
    pub test: Option<PathBuf>,
    /// Start from a BERT or one of its family in the Hugging Face layout, a folder or the name of one in the hub's cache; or from `tiny`: a small
    /// one of random weights
    #[arg(long, value_name = "DIR|tiny", required_unless_present = "init", conflicts_with = "init")]
    pub encoder: Option<PathBuf>,
    /// Start from the weights of an earlier run
    #[arg(long, value_name = "RUN")]
    #[serde(skip)]
    pub init: Option<PathBuf>,
    /// With --encoder tiny: its vocab.txt; without it, 4,000 word pieces are learned from --data
    #[arg(long, value_name = "FILE")]
    pub vocab: Option<PathBuf>,
    /// With --encoder tiny: ignore case and accents
    #[arg(long)]
    pub lowercase: bool,
    /// Find nested and overlapping answers: a span head scores every pair of a first and a last word piece
    #[arg(long)]
    pub nested: bool,
    /// Which end of an answer a start takes, of those before the next start; `evaluate` and `predict` do as the run did
    #[arg(long, value_enum, value_name = "END")]
    pub decoding: Option<Decoding>,
    /// Defaults of --lr, --epochs, --warmup, --decoding and of stage 2's self-training; options that are given count before it
    #[arg(long, value_enum, default_value_t = Recipe::Reference, value_name = "NAME")]
    pub recipe: Recipe,
    /// Peak learning rate
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Passes over the training set
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Warm-up: fraction of the steps in which the learning rate rises
    #[arg(long, value_name = "FRACTION")]
    pub warmup: Option<f64>,
    /// Steps between two evaluations on --dev, beside the one at the end of each epoch; 0 for those alone
    #[arg(long, value_name = "STEPS")]
    pub eval_every: Option<usize>,
    /// Steps between two checkpoints, beside those at the end of each epoch and at each best evaluation; without it, each
    /// evaluation writes one
    #[arg(long, value_name = "STEPS")]
    pub save_every: Option<usize>,
    /// Stop after this many steps, whatever --epochs says
    #[arg(long, value_name = "N")]
    pub max_steps: Option<usize>,
    /// Early stopping: end training after this many evaluations in a row without a better F1 on --dev
    #[arg(long, value_name = "N", requires = "dev")]
    pub patience: Option<usize>,
    /// Sequences of a batch [default: 16]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Word pieces of a batch, padding included, in place of --batch: batches of short sequences then hold more of them
    #[arg(long, value_name = "N", conflicts_with = "batch")]
    pub max_tokens: Option<usize>,
    /// Devices that share a step, a batch each, in place of --device: cuda:0,cuda:1. A step is then so many times larger
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "device")]
    #[serde(deserialize_with = "comma_separated")]
    pub devices: Vec<Device>,
    /// Batches of a step on each device (gradient accumulation): the step is that of one batch so many times larger, in the
    /// memory of one
    #[arg(long, default_value_t = Self::default().accumulate, value_name = "N")]
    pub accumulate: usize,
    /// Triples that are shuffled together, and the most that are in memory at once, twice: training sets of any size are read in
    /// blocks of so many, each from random places of the set
    #[arg(long, default_value_t = Self::default().shuffle_buffer, value_name = "N")]
    pub shuffle_buffer: usize,
    /// Word pieces of a sequence, query included; longer contexts are read in overlapping windows
    #[arg(long, default_value_t = Self::default().max_length, value_name = "N")]
    pub max_length: usize,
    /// Dropout rate
    #[arg(long, default_value_t = Self::default().dropout, value_name = "RATE")]
    pub dropout: f64,
    /// Weight in the loss of word pieces where an answer starts or ends, relative to all others, which are many more: above 1 for
    /// more recall, below 1 for more precision
    #[arg(long, default_value_t = Self::default().positive_weight, value_name = "WEIGHT")]
    pub positive_weight: f32,
    /// Weight decay of all parameters but biases and LayerNorm
    #[arg(long, default_value_t = Self::default().weight_decay, value_name = "RATE")]
    pub weight_decay: f64,
    /// Global norm at which gradients are clipped
    #[arg(long, default_value_t = Self::default().clip, value_name = "NORM")]
    pub clip: f64,
    /// Write the metrics as TensorBoard events too, to RUN/tensorboard
    #[arg(long)]
    pub tensorboard: bool,
    /// Seed of shuffling, dropout, clustering and random weights
    #[arg(long, default_value_t = Self::default().seed, value_name = "N")]
    pub seed: u64,
    /// Replace an existing run
    #[arg(long)]
    #[serde(skip)]
    pub overwrite: bool,
    /// Options of every command.
    #[command(flatten)]
    #[serde(skip)]
    pub common: CommonArgs,
}

impl Default for StageArgs {
    fn default() -> Self {
        Self {
            data: PathBuf::new(),
            out: PathBuf::new(),
            dev: None,
            test: None,
            encoder: None,
            init: None,
            vocab: None,
            lowercase: false,
            nested: false,
            decoding: None,
            recipe: Recipe::Reference,
            lr: None,
            epochs: None,
            warmup: None,
            eval_every: None,
            save_every: None,
            max_steps: None,
            patience: None,
            batch: None,
            max_tokens: None,
            devices: Vec::new(),
            accumulate: 1,
            shuffle_buffer: 131_072,
            max_length: 150,
            dropout: 0.1,
            positive_weight: 1.0,
            weight_decay: 0.01,
            clip: 1.0,
            tensorboard: false,
            seed: 3006,
            overwrite: false,
            common: CommonArgs::default(),
        }
    }
}

/// Options of stage 2.
#[derive(Debug, Clone, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NeeArgs {
    /// Options of every stage.
    #[command(flatten)]
    #[serde(skip)]
    pub stage: StageArgs,
    /// Probability above which a word piece starts or ends a new answer
    #[arg(long, default_value_t = Self::default().relabel_threshold, value_name = "P")]
    pub relabel_threshold: f64,
    /// Multiply the threshold by the round, up to 0.99
    #[arg(long)]
    pub relabel_growth: bool,
    /// What happens to the answers in --data [default: replace; with --recipe tuned: keep]
    #[arg(long, value_enum, value_name = "HOW")]
    pub relabel: Option<RelabelMode>,
    /// Folder of triples whose answers are not known, whatever it says: each round adds those that the model is sure of
    #[arg(long, value_name = "DIR")]
    pub unlabelled: Option<PathBuf>,
    /// Score below which an answer keeps its triple of --unlabelled out of the round
    #[arg(long, default_value_t = Self::default().unlabelled_confidence, value_name = "P")]
    pub unlabelled_confidence: f64,
    /// Train each round from the weights that training began with, with a warm-up of its own; --recipe tuned does
    #[arg(long)]
    pub restart: bool,
    /// Generalized cross-entropy against noisy labels: a label that the model gives the probability p counts p^0.7 times as much
    #[arg(long)]
    pub noise_weighting: bool,
}

impl Default for NeeArgs {
    fn default() -> Self {
        Self {
            stage: StageArgs::default(),
            relabel_threshold: 0.1,
            relabel_growth: false,
            relabel: None,
            unlabelled: None,
            unlabelled_confidence: DEFAULT_CONFIDENCE,
            restart: false,
            noise_weighting: false,
        }
    }
}

/// Options of stage 3.
#[derive(Debug, Clone, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct FetArgs {
    /// Options of every stage.
    #[command(flatten)]
    #[serde(skip)]
    pub stage: StageArgs,
    /// Number of clusters
    #[arg(long, default_value_t = Self::default().clusters, value_name = "K")]
    pub clusters: usize,
    /// Weight of the clusters' loss
    #[arg(long, default_value_t = Self::default().gamma, value_name = "WEIGHT")]
    pub gamma: f64,
    /// Clustering algorithm
    #[arg(long, value_enum, default_value_t = Self::default().clustering, value_name = "HOW")]
    pub clustering: ClusterMethod,
    /// Iterations of the clustering at most
    #[arg(long, default_value_t = Self::default().cluster_iterations, value_name = "N")]
    pub cluster_iterations: usize,
    /// First centroids of k-means
    #[arg(long, value_enum, default_value_t = Self::default().cluster_start, value_name = "HOW")]
    pub cluster_start: kmeans::Seeding,
    /// Principal components that the answers' vectors are reduced to
    #[arg(long, default_value_t = Self::default().pca, value_name = "N")]
    pub pca: usize,
    /// How the word pieces of an answer become one vector
    #[arg(long, value_enum, default_value_t = Self::default().pool, value_name = "HOW")]
    pub pool: Pooling,
    /// What happens to the clusters' head when an epoch's clusters replace the former ones
    #[arg(long, value_enum, default_value_t = Self::default().cluster_head, value_name = "HOW")]
    pub cluster_head: ClusterHeadUpdate,
    /// Generalized cross-entropy against noisy labels: see `train nee`
    #[arg(long)]
    pub noise_weighting: bool,
}

impl Default for FetArgs {
    fn default() -> Self {
        Self {
            stage: StageArgs::default(),
            clusters: 23,
            gamma: 0.001,
            clustering: ClusterMethod::Kmeans,
            cluster_iterations: 60,
            cluster_start: kmeans::Seeding::PlusPlus,
            pca: 128,
            pool: Pooling::Sum,
            cluster_head: ClusterHeadUpdate::Align,
            noise_weighting: false,
        }
    }
}

/// Devices as a list, or in one string as on the command line.
fn comma_separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Device>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "devices in a list or separated by commas, such as \"cuda:0,cuda:1\"")]
    enum Devices {
        List(Vec<Device>),
        Text(String),
    }
    match Devices::deserialize(deserializer)? {
        Devices::List(devices) => Ok(devices),
        Devices::Text(text) => text.split(',').map(|name| name.parse().map_err(serde::de::Error::custom)).collect(),
    }
}
