//! Triples to annotated files.
//!
//! | module | what it holds |
//! |---|---|
//! | [`writer`] | writes a file of any format |
//! | [`conll`], [`json`] | a sentence in each format |
//! | [`token_spans`](mod@token_spans) | spans by token |

pub mod conll;
pub mod json;
pub mod token_spans;
pub mod writer;
