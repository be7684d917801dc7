//! The commands of `train`. Each takes its resolved settings from [`config`](crate::config) and works with the domain's modules.
//!
//! A command knows no other command. What several of them share is in [`terminal`] and [`run_stage`].

pub mod bench_data;
pub mod bench_step;
pub mod check;
pub mod check_device;
pub mod evaluate;
pub mod export;
pub mod pipeline;
pub mod plot;
pub mod predict;
pub mod resume;
pub mod run_stage;
pub mod terminal;
pub mod train;
pub mod warm_up;
