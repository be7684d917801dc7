//! From folders of triples to batches of word pieces.
//!
//! | module | what it does |
//! |---|---|
//! | [`tokenizer`] | word pieces with char offsets |
//! | [`vocabulary`] | learns word pieces from the training set |
//! | [`encode`] | triples to sequences with labels, in windows where a context is long |
//! | [`batch`] | sequences to shuffled batches of similar length, and those to tensors |

pub mod batch;
pub mod encode;
pub mod tokenizer;
pub mod vocabulary;

pub use batch::{Batch, BatchSize, Steps, batches_by_length};
pub use encode::{Counters, DataSet, Encoder, Sequence};
pub use tokenizer::WordPieces;
