//! Annotated files to sentences.
//!
//! | module | what it holds |
//! |---|---|
//! | [`corpus_reader`] | the trait of all readers, and their errors |
//! | [`detect`] | detects the format of a file |
//! | [`open`] | opens the reader of a format |
//! | [`conll`], [`conll_columns`] | CoNLL files |
//! | [`lines`] | the lines of a text file |
//! | [`json`] | JSON files: nested, of annotation tools, MRC JSON |
//! | [`survey`] | the first pass over all files |

pub mod conll;
pub mod conll_columns;
pub mod corpus_reader;
pub mod detect;
pub mod json;
pub mod lines;
pub mod open;
pub mod survey;
