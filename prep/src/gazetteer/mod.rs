//! Gazetteers: lists of names with a label each, and how they are found in text.
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`] | which files, how names are compared, what becomes of ambiguous ones |
//! | [`name_file`] | reads names from text, CSV and Parquet |
//! | [`names_folder`] | reads names from folders that `prep names` made |
//! | [`normalizer`] | makes names and text comparable, and maps offsets back |
//! | [`name_table`] | distinct names, each with its files |
//! | [`word_boundaries`](mod@word_boundaries) | where a name may begin and end |
//! | [`matcher`] | finds many names in a text at once |
//! | [`family_name`](mod@family_name) | the family name in a full name |
//! | `korean_particles` | where a noun may end inside a word of Korean |
//! | [`load`](mod@load) | reads the files into a [`Gazetteer`] |
//! | [`lookup`] | the [`Gazetteer`]: names looked up, and found in running text |
//! | [`coverage`] | which names, files and labels the matches came from |
//!
//! Only [`name_file`] and [`names_folder`] read from disk. No module knows pages or triples.
//!
#![doc = include_str!("../../docs/gazetteers.md")]

pub mod coverage;
pub mod family_name;
mod korean_particles;
pub mod load;
pub mod lookup;
pub mod matcher;
pub mod name_file;
pub mod name_table;
pub mod names_folder;
pub mod normalizer;
pub mod options;
pub mod word_boundaries;
mod word_hash;

pub use lookup::{Gazetteer, LabelledName};
pub use options::{AmbiguousNames, GazetteerOptions};
