//! The commands of `train`: each takes its resolved settings from [`config`](crate::config) and uses the domain modules.

pub mod bench_step;
pub mod check_device;
pub mod evaluate;
pub mod export;
pub mod pipeline;
pub mod plot;
pub mod predict;
pub mod progress;
