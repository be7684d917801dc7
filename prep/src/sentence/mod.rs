//! Text to sentences.
//!
//! Terminators, quotes, brackets and list items give the places where a sentence may end. Whether it does is decided by rules and word lists
//! of the language (`data/languages.toml`), and where these do not tell, by the `sentencex` crate. [`adjust_to_spans`] then joins sentences
//! around spans and splits long ones.
//!
//! | module | task |
//! |---|---|
//! | `splitter` | the sentences of a page |
//! | `boundary_scanner` | boundaries of ordinary texts, quickly; `byte_class` is its table |
//! | `boundary_finder` | boundaries of any text |
//! | `enclosures`, `quotes`, `list_items` | where a full stop ends no sentence, in linear time |
//! | `language_rules` | the verdict on a terminator: of `verdict`, or else of `sentencex` |
//! | `verdict`, `following_text`, `language_data` | our rules about a terminator and the words around it, by language |
//! | `names` | sentences joined at links that end in a mark |
//! | `span_adjustment` | sentences joined and split around spans |

mod boundary_finder;
mod boundary_scanner;
#[cfg(test)]
mod boundary_tests;
mod byte_class;
mod enclosures;
mod following_text;
#[cfg(test)]
mod gold_tests;
mod language_data;
mod language_rules;
mod list_items;
mod names;
mod quotes;
mod span_adjustment;
mod splitter;
mod verdict;
#[cfg(test)]
mod verdict_tests;

pub use span_adjustment::adjust_to_spans;
pub use splitter::split_page;
