//! Sentences to files of annotated corpora.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tokens`] | text to tokens, spans by token |
//! | [`conll`], [`json`] | a sentence in each format |
//! | [`output`] | the output file, which is replaced when it is complete |

pub mod conll;
pub mod json;
pub mod output;
pub mod tokens;
