//! The optimizer ([`AdamW`]), its state (moments) in files, gradients ([`Gradients`]) and the learning-rate schedule ([`Schedule`]).

mod adamw;
mod gradients;
mod moments_file;
mod schedule;

pub use adamw::{AdamW, AdamWConfig};
pub use gradients::Gradients;
pub use schedule::Schedule;
