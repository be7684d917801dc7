//! The stages of training: the modules, then the guide to the stages.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`], [`recipe`] | settings of a stage, as `run.toml` keeps them, and their defaults |
//! | [`initial_state`] | weights that a stage starts from, or a checkpoint |
//! | [`training_loop`], [`train_step`], [`cadence`] | the loop that all stages share |
//! | [`epoch_steps`], [`prefetch`](mod@prefetch) | the steps of an epoch, made ahead of the loop |
//! | [`objective`] | what a stage adds to the loop; stages 1 and 4 |
//! | [`relabel`] | stage 2: self-training |
//! | [`cluster_objective`], [`answer_clusters`], [`answer_vectors`], [`answered_triples`], [`pseudo_labels`] | stage 3: clusters as pseudo-labels |
//! | [`train_state`], [`checkpoint_state`], [`rng`] | what changes from step to step |
//! | [`pending_losses`], [`throughput`] | what the loop reports |
#![doc = ""]
#![doc = include_str!("../../docs/stages.md")]

pub mod answer_clusters;
pub mod answer_vectors;
pub mod answered_triples;
pub mod cadence;
pub mod checkpoint_state;
pub mod cluster_objective;
pub mod epoch_steps;
pub mod initial_state;
pub mod objective;
pub mod pending_losses;
pub mod prefetch;
pub mod pseudo_labels;
pub mod recipe;
pub mod relabel;
pub mod rng;
pub mod settings;
pub mod throughput;
pub mod train_state;
pub mod train_step;
pub mod training_loop;

pub use checkpoint_state::{CheckpointState, DataHashes};
pub use cluster_objective::ClusterObjective;
pub use initial_state::InitialState;
pub use objective::{Objective, SpanObjective};
pub use pseudo_labels::PseudoLabels;
pub use recipe::Recipe;
pub use relabel::{SelfTrainingObjective, last_round};
pub use settings::{InitialWeights, Stage, StageSettings};
pub use train_state::TrainState;
pub use training_loop::TrainingLoop;
