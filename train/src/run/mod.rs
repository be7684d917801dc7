//! Run folders: what a training stage leaves behind, and how it is read again.
//!
//! ```text
//! run.toml               resolved settings, written first
//! config.json            shape of the encoder
//! model.safetensors      the weights that were best on dev
//! vocab.txt tokenizer.json tokenizer_config.json
//! metrics.jsonl          a line for each reading of the loss and each evaluation
//! checkpoints/step-N/    the newest checkpoint: weights, the optimizer's memory, and where training stood
//! relabelled/round-K/    of stage 2: the training set as the reader labelled it after epoch K
//! clusters/epoch-K.parquet   of stage 3: which answer was in which cluster in epoch K
//! tensorboard/           with --tensorboard: the metrics as TensorBoard's events
//! plots/                 pictures that `train plot` drew
//! result.json            how it ended: the mark of a finished run
//! ```
//! Each file but `metrics.jsonl` is written under a temporary name and renamed.

pub mod checkpoint;
mod model_folder;
mod tensorboard;
pub mod writer;

pub use model_folder::ModelFolder;
pub use writer::{RunWriter, is_finished, is_run, metrics, result, settings, write_description};
