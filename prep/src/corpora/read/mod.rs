//! Annotated files to sentences.
//!
//! | module | what it holds |
//! |---|---|
//! | [`corpus_reader`] | the trait of all readers, and their errors |
//! | [`detect`] | detects the format of a file |
//! | [`open`], [`options`] | opens the reader of a format |
//! | [`conll`], [`conll_columns`] | CoNLL files |
//! | [`conllu`], `conllu_sentence` | CoNLL-U files |
//! | [`conll2012`] | CoNLL-2012 files |
//! | [`table`], `table_columns`, `table_cells` | CSV and TSV files |
//! | [`spacy`] | spaCy's DocBin |
//! | [`brat`] | standoff of brat |
//! | [`lines`], `sentence_lines` | the lines of a text file; those of a sentence |
//! | [`json`] | JSON files: nested, of annotation tools, MRC JSON |
//! | [`hf_parquet`], [`hf_labels`] | Parquet files of Hugging Face data sets, and the names of their tags |
//! | [`tagged_tokens`] | tokens and tags of a row |
//! | [`survey`] | the first pass over all files |

pub mod brat;
pub mod conll;
pub mod conll2012;
pub mod conll_columns;
pub mod conllu;
mod conllu_sentence;
pub mod corpus_reader;
pub mod detect;
pub mod hf_labels;
pub mod hf_parquet;
pub mod json;
pub mod lines;
pub mod open;
pub mod options;
mod sentence_lines;
pub mod spacy;
pub mod survey;
pub mod table;
mod table_cells;
mod table_columns;
pub mod tagged_tokens;
