//! Text to sentences.
//!
//! Boundaries are those of the `sentencex` crate, with two changes: closing quotes stay with their sentence, and Chinese and Japanese full
//! stops end a sentence also before digits and Latin letters. [`adjust_to_spans`] then joins sentences around spans and splits long ones.

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
