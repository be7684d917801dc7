//! Dumps and folders of pages: opened, and read in batches in the order of the input.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod damage_tests;
pub mod plan;
pub(crate) mod read;
pub(crate) mod redirects;
pub(crate) mod sources;
