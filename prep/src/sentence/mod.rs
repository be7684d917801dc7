//! Text to sentences.
//!
//! Boundaries are those of the `sentencex` crate, with two changes: closing quotes stay with their sentence, and Chinese and Japanese full
//! stops end a sentence also before digits and Latin letters. [`adjust_to_spans`] then joins sentences around spans and splits long ones.
//!
//! | module | task |
//! |---|---|
//! | `splitter` | the sentences of a page |
//! | `boundary_scanner` | boundaries of ordinary texts, quickly; `byte_class` is its table |
//! | `boundary_finder` | boundaries of any text |
//! | `enclosures`, `quotes`, `list_items` | where a full stop ends no sentence, in linear time |
//! | `language_rules` | what `sentencex` says about a full stop and the words around it |
//! | `span_adjustment` | sentences joined and split around spans |

mod boundary_finder;
mod boundary_scanner;
#[cfg(test)]
mod boundary_tests;
mod byte_class;
mod enclosures;
mod language_rules;
mod list_items;
mod quotes;
mod span_adjustment;
mod splitter;

pub use span_adjustment::adjust_to_spans;
pub use splitter::split_page;
