//! Annotated corpora: their formats read and written.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sentence`] | an annotated sentence, whatever the file's format, and the trait of all readers |
//! | [`scheme`], [`broken`] | tagging schemes; tags to entities and back; tags that break their scheme |
//! | [`context`] | tokens to text with offsets; the language of tokens |
//! | [`read`] | CoNLL and JSON files to sentences |
//! | [`write`] | sentences to CoNLL and JSON files |

pub mod broken;
pub mod context;
pub mod read;
pub mod scheme;
pub mod sentence;
pub mod write;
