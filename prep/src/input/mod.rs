//! Inputs: dumps and folders of pages, opened and read in batches.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`] | which inputs are read, and how |
//! | [`inputs`], [`dump`] | the inputs opened, checked and described |
//! | [`page_batch`], [`batch_reader`] | pages read in batches; whose turn it is where inputs are read side by side |
//! | `dump_batches`, [`folder_batches`] | the batches of one input |
//! | [`read_pass`] | a pass over the inputs, and its steps |
//! | [`position`], [`fingerprint`] | where a run is in its inputs, and what identifies them: stored in checkpoints |
//! | [`redirects`] | where redirect pages lead |
//! | [`plan`], [`plan_maker`] | dumps in parts, for several machines |
//! | [`brat_folder`] | folders of annotated texts |
//!
//! Memory: one batch, and what the in-flight budget of [`ordered_map`](crate::ordered_map) admits; the titles of all redirects if they are
//! resolved.

pub mod batch_reader;
pub mod brat_folder;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod damaged_dump_tests;
pub mod dump;
mod dump_batches;
pub mod fingerprint;
pub mod folder_batches;
pub mod inputs;
pub mod page_batch;
pub mod plan;
pub mod plan_maker;
pub mod position;
pub mod read_pass;
pub mod redirects;
pub mod settings;
