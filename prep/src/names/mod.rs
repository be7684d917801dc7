//! Names by label, out of the pages of a wiki and out of Wikidata.
//!
//! | module | what it holds |
//! |---|---|
//! | [`type_rules`] | files of rules: which pages and titles have which label |
//! | [`language_rules`] | the rules of one language, ready to be asked |
//! | [`pattern`] | patterns of titles and categories |
//! | [`titles`] | first pass: the titles of pages, redirects and links, each with its label |
//! | [`name_counts`] | second and third pass: what names stand for, in links and outside of them |
//! | [`name_rows`] | the names as rows |
//! | [`page_pass`] | a pass over the pages |
//! | [`wikidata`] | names out of the dump of Wikidata |
//! | `rule_file`, `word_case` | rules as they are written; how words are written |
//!
#![doc = include_str!("../../docs/names.md")]

pub mod language_rules;
pub mod name_counts;
pub mod name_rows;
pub mod page_pass;
pub mod pattern;
mod rule_file;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod rule_tests;
pub mod titles;
pub mod type_rules;
pub mod wikidata;
mod word_case;
