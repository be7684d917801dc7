//! `prep`: dumps and annotated corpora to Parquet shards of MRC triples.

pub mod cli;
pub mod inspect;
pub mod mrc;
pub mod queries;
pub mod source;
pub mod verify;
pub mod wikitext;
