//! Annotated corpora: their formats read and written.
//!
//! | module | what it holds |
//! |---|---|
//! | [`format`](mod@format) | the formats |
//! | [`sentence`] | an annotated sentence of any format |
//! | [`tagging`] | tagging schemes: BIO, IOB1, IO, BMES, BIEOS |
//! | [`tokenization`] | tokens to text and back, with char offsets |
//! | [`language`] | the language of a corpus |
//! | [`read`] | files to sentences |
//! | [`gold_triples`] | sentences to triples |
//! | [`write`](mod@write) | triples to files |
//!
#![doc = include_str!("../../docs/corpora.md")]

pub mod format;
pub mod gold_triples;
pub mod language;
pub mod read;
pub mod sentence;
pub mod tagging;
pub mod tokenization;
pub mod write;
