//! Run folders: what training writes, and how it is read again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`layout`] | names of files and folders |
//! | [`RunLock`] | one process a run |
//! | [`RunWriter`], [`checkpoint`] | settings, metrics, weights and checkpoints, written while a run trains |
//! | [`reader`] | settings, metrics and result, read |
//! | [`ModelFolder`] | a model with its tokenizer, from a run folder or one in the Hugging Face layout |
//!
//! A run folder belongs to any stage: settings and training state are opaque here, and the stage decides what they hold.
#![doc = ""]
#![doc = include_str!("../../docs/run-folder.md")]

pub mod checkpoint;
pub mod layout;
mod lock;
mod model_folder;
pub mod reader;
mod tensorboard;
mod writer;

pub use lock::RunLock;
pub use model_folder::{ModelFolder, MrcDescription, write_exported_description, write_model_description};
pub use writer::{CreateOptions, RunWriter};
