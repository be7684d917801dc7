//! What `prep` and `train` share: the rows, their Arrow schemas, the Parquet shards they are stored in, the manifest beside
//! them, and the query sets.
//!
//! | module | what it holds |
//! |---|---|
//! | [`page`] | a page of a dump: clean text, anchors by char offset |
//! | [`block`] | a page segment by segment, with the sentences and anchors of each |
//! | [`triple`] | a (context, query, answers) triple of the MRC formulation of NER |
//! | [`build`] | triples to columns as they come |
//! | [`row`] | the [`Row`] trait: typed rows to and from a `RecordBatch` |
//! | [`shard`] | one writer and one reader of folders of shards |
//! | [`manifest`] | `_manifest.json`: settings, inputs, shards, counters, completeness |
//! | [`queries`] | query sets: a question for each label |
//!
//! All offsets are half-open and count Unicode scalar values (chars) of the text in the same row. This crate never reads a
//! dump and never touches a tensor.

pub mod block;
pub mod build;
pub mod manifest;
pub mod page;
pub mod queries;
pub mod row;
pub mod shard;
pub mod triple;

pub use block::{Block, Blocks, Sentence};
pub use build::{Marked, Question, TripleBuilder};
pub use manifest::{Manifest, Tally};
pub use page::{Anchor, Page, Segment, SegmentKind};
pub use queries::{Query, QuerySet};
pub use row::Row;
pub use shard::{Folder, FolderError, ShardWriter};
pub use triple::{Origin, Span, Triple};

/// Version of the schemas in this crate, stored in every shard's metadata and in every manifest.
pub const SCHEMA_VERSION: u32 = 1;
