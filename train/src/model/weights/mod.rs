//! Weights from files and into files.
//!
//! Files are `model.safetensors` or `pytorch_model.bin`, whole or in shards, with the names of an [encoder's
//! family](crate::model::encoder_family); this program's own have [those](crate::parameter_names) of BERT. The matrix of a linear layer is
//! `[out, in]` in files and `[in, out]` in the model.
//!
//! | module | what it holds |
//! |---|---|
//! | [`state_dict`] | tensors by name, read from files |
//! | `stored_names` | which parameter a stored tensor is |
//! | [`heads`] | which heads a file must hold |
//! | [`build`] | a model from tensors, from random weights or both |
//! | `initialization` | random weights |
//! | [`parameters`] | parameters of a model, read and replaced by name; the safetensors format |

pub mod build;
pub mod heads;
mod initialization;
pub mod parameters;
pub mod state_dict;
mod stored_names;

pub use build::{build_model, random_model, reinitialize_cluster_head};
pub use heads::{CLUSTER_HEAD_PREFIX, RequiredHeads};
pub use parameters::{to_safetensors, to_safetensors_of};
pub use state_dict::{FILE_NAME, StateDict};
