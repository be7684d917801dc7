//! `train bench-step`: how long a training step takes, and what it is spent on.
//!
//! It is for developers, and `train --help` does not list it. `train/benches/gpu.sh` runs it beside PyTorch.
//!
//! | module | what it does |
//! |---|---|
//! | `command` | picks what to measure, or writes the inputs of a measurement |
//! | `step` | times training steps |
//! | `kernel_times` | times the operations of a step, each alone |
//! | `clustering` | times the clustering of stage 3 |
//! | `workload` | the batches that are timed |
//! | `encoder_size` | the encoders that are timed |

mod clustering;
mod command;
mod encoder_size;
mod kernel_times;
mod step;
mod workload;

pub use command::run;
