//! Pages to triples: which spans are labelled, and which sentences are kept.
//!
//! | module | what it holds |
//! |---|---|
//! | [`esi`] | `prep esi`: links are spans of one label |
//! | [`nee`] | `prep nee`: links and mentions are spans of the labels that gazetteers give them |
//! | [`repeats`] | later mentions of what a page links or is named by |
//! | [`span_candidate`] | spans before their sentence is kept or skipped |
//! | [`sentences`] | sentences with their candidates to triples |
//! | [`buckets`] | partitions by the number of spans in a sentence |
//! | [`triple_sink`] | triples by partition, with what was counted |
//! | [`overlap`] | spans that share chars |
//!
//! Nothing here opens a file.

pub mod buckets;
pub mod esi;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod labelling_tests;
pub mod nee;
pub mod overlap;
pub mod repeats;
pub mod sentences;
pub mod span_candidate;
pub mod triple_sink;
