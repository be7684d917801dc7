//! AdamW as BERT is trained with it ([`adamw`]), its state in files ([`state_file`]), and the learning-rate schedule ([`schedule`]).

pub mod adamw;
pub mod schedule;
pub mod state_file;

pub use adamw::{AdamW, AdamWConfig, List};
pub use schedule::Schedule;
