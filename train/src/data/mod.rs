//! Triples, tokenised and batched, in host memory. Knows no model and no device.
//!
//! The way of the data: a folder of triples is tokenised ([`encode`]) into a [`Dataset`] of [`Sequence`]s, a [`BatchSampler`]
//! decides which sequences form each step, and a [`Batch`] pads them to one length. The model turns a batch into tensors.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tokenizer`] | WordPiece tokenisation with char offsets |
//! | [`vocabulary`] | a WordPiece vocabulary learned from the training set |
//! | [`dataset`] | a tokenised folder of triples: sequences and gold spans |
//! | [`encode`] | triples to a dataset |
//! | [`alignment`] | answers in word pieces, and windows of long contexts |
//! | [`batch`], [`token_index`] | padded batches |
//! | [`sampler`] | which sequences form a batch, and which batches a step |
//! | [`padded_length`] | the lengths that sequences are padded to |

pub mod alignment;
pub mod batch;
pub mod dataset;
pub mod encode;
pub mod padded_length;
pub mod sampler;
pub mod token_index;
pub mod tokenizer;
pub mod vocabulary;

pub use batch::Batch;
pub use dataset::{Dataset, EncodingCounts, GoldSpans, Sequence};
pub use encode::TripleEncoder;
pub use padded_length::PaddingRule;
pub use sampler::{BatchSampler, BatchSize, StepBatches, batches_by_length};
pub use token_index::TokenIndex;
pub use tokenizer::{SpecialTokens, TokenizedText, WordPieceTokenizer};
