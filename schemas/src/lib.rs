//! What `prep` and `train` share: row types and their Arrow schemas, the folders of Parquet shards that hold the rows, the
//! manifests of these folders, and the query sets.
//!
//! | module | what it holds |
//! |---|---|
//! | [`page`] | [`Page`]: a page of a dump as clean text |
//! | [`anchor`], [`segment`] | the links and the paragraphs, headings and so on of a page |
//! | [`segment_view`] | a page read segment by segment |
//! | [`triple`] | [`Triple`]: a (context, query, spans) row of the MRC formulation of NER |
//! | [`span`] | the spans of a triple, and where they come from |
//! | [`triple_header`], [`triple_builder`] | batches of triples built from borrowed texts |
//! | [`triple_view`] | triples read as borrowed rows, with some columns or all |
//! | [`name`] | [`Name`]: a name with its label, and how sure that is |
//! | [`row`] | the [`Row`] trait: schema, column policy, conversion to and from a `RecordBatch`, checks |
//! | [`offsets`] | slices of texts by char offsets |
//! | [`shard`] | one writer and one reader of folders of shards |
//! | [`manifest`], [`counter`] | `_manifest.json`: settings, inputs, shards, counters, completeness |
//! | [`query_set`] | query sets: a query for each label |
//! | [`hf_rows`] | rows of Hugging Face data sets: tokens and tags, as Parquet |
//! | [`file_format`] | guide: the files column by column, read from Rust, polars, DuckDB, pandas, pyarrow and `datasets` |
//! | [`tokens`] | tokens joined to a text; ranges that do not overlap |
//! | [`atomic_file`] | files that appear complete or not at all |
//!
//! # Invariants
//! - All offsets in rows are half-open and count chars (Unicode scalar values) of the text in the same row.
//! - A span's slice of the text equals the text that the span carries. No shard holds a row that was not checked.
//! - The shard writer knows no column: how a column is stored is said by its [`Row`].
//! - No file has its final name before it is complete.
//! - This crate reads no dump, runs no model and prints nothing.

pub mod anchor;
pub mod atomic_file;
mod columns;
pub mod counter;
pub mod file_format;
pub mod hf_rows;
pub mod manifest;
pub mod name;
pub mod offsets;
pub mod page;
pub mod query_set;
pub mod row;
pub mod segment;
pub mod segment_view;
pub mod shard;
pub mod span;
pub mod tokens;
pub mod triple;
pub mod triple_builder;
mod triple_columns;
pub mod triple_header;
pub mod triple_view;

pub use anchor::Anchor;
pub use atomic_file::AtomicFile;
pub use counter::Counter;
pub use manifest::Manifest;
pub use name::{Name, NameOrigin};
pub use offsets::{CharSlicer, char_slice};
pub use page::Page;
pub use query_set::{Query, QuerySet};
pub use row::{Row, RowError, SCHEMA_VERSION};
pub use segment::{Segment, SegmentKind};
pub use segment_view::{SegmentView, SegmentViews, SentenceRange};
pub use shard::{FolderError, ReadOptions, RowSlice, ShardFolder, ShardWriter};
pub use span::{Origin, Span};
pub use triple::Triple;
pub use triple_builder::TripleBuilder;
pub use triple_header::{SpanInput, TripleHeader};
pub use triple_view::{SpanView, TripleView, TripleViews};
