//! The stages of training. A stage is data, an objective and a schedule handed to the one loop in [`training_loop`].

pub mod checkpoint_state;
pub mod objective;
pub mod prefetch;
pub mod pseudo_labels;
pub mod relabel;
pub mod start;
pub mod throughput;
pub mod training_loop;

pub use start::{Stage, Training};
