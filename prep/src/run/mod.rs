//! Runs: from inputs to an output folder, in units, so that a run that was stopped can be resumed.
//!
//! | module | what it holds |
//! |---|---|
//! | [`job`], [`job_outcome`] | a job over pages: `prep pages`, `prep esi`, `prep nee` |
//! | [`page_settings`], [`extractors`] | what the text of pages is like |
//! | [`batch_worker`] | batches of pages to rows, on several threads |
//! | `unit_writer` | rows to shards, with a checkpoint after each unit |
//! | [`checkpoint`], [`resume`], [`output`] | what is on disk between two units, and how a run starts: of `prep mrc` too |
//! | [`manifest_config`] | the settings in the manifest |
//! | [`program`] | name and version of the program, as manifests record them |
//! | [`wikidata_job`], `dump_units`, [`spill`] | a job over a dump of Wikidata; its units; what they put aside until rows are made |
//! | [`page_report`] | the file of `--report` |
//! | [`observer`] | events of a run, for whoever shows them |
//!
#![doc = include_str!("../../docs/resume-and-plan.md")]

pub mod batch_worker;
pub mod checkpoint;
mod dump_units;
pub mod extractors;
pub mod job;
pub mod job_outcome;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod job_tests;
pub mod manifest_config;
pub mod observer;
pub mod output;
pub mod page_report;
pub mod page_settings;
pub mod program;
pub mod resume;
pub mod spill;
mod unit_writer;
pub mod wikidata_job;
