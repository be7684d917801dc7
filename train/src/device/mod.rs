//! Devices and their backends: the one module that names backends, besides the [`kernels`](crate::kernels) that each backend has.
//!
//! | module | what it holds |
//! |---|---|
//! | [`selection`] | names of devices: `cpu`, `cuda:0` |
//! | [`backend`] | what is required of a backend; jobs that run on any |
//! | [`dispatch`] | from a device to its backend |
//! | `gpu`, `cuda_environment`, `gpu_error`, `kernel_cache` | GPUs: the checks before use, what to do where they fail, where compiled kernels are kept |
//!
#![doc = include_str!("../../docs/gpu.md")]

pub mod backend;
#[cfg(feature = "cuda")]
mod cuda_environment;
pub mod dispatch;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu")]
mod gpu_error;
#[cfg(feature = "gpu")]
mod kernel_cache;
pub mod selection;

pub use backend::{DeviceBackend, DeviceJob, TrainBackend};
pub use selection::Device;

/// Environment variable: the folder of tuned kernels, for a process whose trials others disturb.
pub const TUNED_FOLDER: &str = "TRAIN_TUNED";
