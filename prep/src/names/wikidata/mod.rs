//! Names out of the JSON dump of Wikidata.
//!
//! | module | what it holds |
//! |---|---|
//! | [`entity`], [`statement`] | a line of the dump: what names need of an entity |
//! | [`json_cursor`] | JSON whose values are skipped fast |
//! | [`lines`] | lines to records of names and statements of classes, on any thread |
//! | [`record`] | a name of an item in a few dozen bytes, as it is spilled to disk |
//! | [`class_graph`] | which classes lead to which label |
//! | [`name_rows`] | the records of names to rows |
//!
#![doc = include_str!("../../../docs/wikidata.md")]

pub mod class_graph;
pub mod entity;
pub mod json_cursor;
pub mod lines;
pub mod name_rows;
pub mod record;
pub mod statement;
