//! The commands, one module for each, and what they print.
//!
//! | module | what it holds |
//! |---|---|
//! | [`pages`], [`esi`], [`nee`] | pages and triples from dumps; `page_job` is what they share |
//! | [`names`] | names by label |
//! | [`plan`], [`merge`] | the work of several machines |
//! | [`mrc`], [`export`] | annotated corpora |
//! | [`queries`], `inspect`, [`verify`] | query sets, reports and checks |
//! | [`terminal`], [`interrupt`] | progress, log, Ctrl-C |

pub mod esi;
pub mod export;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod interrupt;
pub mod merge;
pub mod mrc;
pub mod names;
pub mod nee;
mod page_job;
pub mod pages;
pub mod plan;
pub mod queries;
pub mod terminal;
pub mod verify;
