//! A run from its inputs to an output folder, unit by unit, so that it can be resumed.

pub(crate) mod checkpoint;
pub(crate) mod job;
pub(crate) mod progress;
pub mod settings;
pub(crate) mod work;
