//! Files of annotated corpora to sentences.
//!
//! | module | what it holds |
//! |---|---|
//! | [`format`](mod@format) | which format a file has, and its reader |
//! | [`conll`], [`columns`] | lines to sentences of tokens and tags |
//! | [`json`] | elements to sentences: nested, from annotation tools, MRC JSON |
//! | [`survey`] | the first pass over all files |

pub mod columns;
pub mod conll;
pub mod format;
pub mod json;
pub mod survey;
