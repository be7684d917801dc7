//! Annotated files to sentences.
//!
//! | module | what it holds |
//! |---|---|
//! | [`corpus_reader`] | the trait of all readers, and their errors |
//! | [`detect`] | detects the format of a file |
//! | [`open`], [`options`] | opens the reader of a format |
//! | [`conll`], [`conll_columns`] | CoNLL files |
//! | [`lines`] | the lines of a text file |
//! | [`json`] | JSON files: nested, of annotation tools, MRC JSON |
//! | [`hf_parquet`], [`hf_labels`] | Parquet files of Hugging Face data sets, and the names of their tags |
//! | [`tagged_tokens`] | tokens and tags of a row |
//! | [`survey`] | the first pass over all files |

pub mod conll;
pub mod conll_columns;
pub mod corpus_reader;
pub mod detect;
pub mod hf_labels;
pub mod hf_parquet;
pub mod json;
pub mod lines;
pub mod open;
pub mod options;
pub mod survey;
pub mod tagged_tokens;
