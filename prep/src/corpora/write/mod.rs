//! Triples to annotated files.
//!
//! | module | what it holds |
//! |---|---|
//! | [`formatter`] | sentences of any format, on any thread |
//! | [`writer`] | writes them to a file |
//! | [`conll`], [`json`] | a sentence in each format |
//! | [`flat`] | overlapping spans reduced to the surest |
//! | [`sentence_rows`] | consecutive rows divided into sentences |
//! | [`token_spans`](mod@token_spans) | spans by token |
//! | [`token_tags`] | tags of tokens |

pub mod conll;
pub mod flat;
pub mod formatter;
pub mod json;
pub mod sentence_rows;
pub mod token_spans;
pub mod token_tags;
pub mod writer;
