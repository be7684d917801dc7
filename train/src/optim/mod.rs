//! The optimizer ([`AdamW`]), its state in files, gradients ([`Gradients`]) and the learning-rate schedule ([`Schedule`]).

mod adamw;
mod gradients;
mod schedule;
mod state_file;

pub use adamw::{AdamW, AdamWConfig};
pub use gradients::Gradients;
pub use schedule::Schedule;
