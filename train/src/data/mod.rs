//! Triples, tokenised and batched, in host memory. Knows no model and no device.
//!
//! The way of the data: a [`TripleFolder`] is read in slices and tokenised ([`encode`]) into [`Sequence`]s. A [`TrainingSet`] draws
//! the slices of an epoch and shuffles them in blocks, a [`BatchSampler`] decides which sequences of a block form each step, and a
//! [`Batch`] pads them to one length. The model turns a batch into tensors.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tokenizer`], [`tokenized_text`] | tokenisation with char offsets |
//! | [`tokenizer_files`] | tokenizers in the files that they come in |
//! | [`piece_offsets`] | the chars of pieces that hold bytes or white space |
//! | [`tokenizer_settings`] | `tokenizer_config.json` |
//! | [`covered_chars`] | chars that normalisation removes, given to word pieces |
//! | [`word_cache`] | word pieces of words that were met before |
//! | [`word_piece_cache`] | word pieces of contexts that were tokenised before, on disk |
//! | [`vocabulary`], [`word_counts`] | a WordPiece vocabulary learned from the training set |
//! | [`triple_folder`] | a folder of triples, tokenised as it is read |
//! | [`training_set`] | a folder of triples in a random order, block by block |
//! | [`evaluation_set`] | a folder of triples that is read again and again in its order |
//! | [`in_order`](mod@in_order) | work on several threads, results in order |
//! | [`dataset`] | tokenised triples: sequences and gold spans |
//! | [`encode`] | triples to a dataset |
//! | [`alignment`] | answers in word pieces, and windows of long contexts |
//! | [`batch`], [`token_index`] | padded batches |
//! | [`sampler`] | which sequences form a batch, and which batches a step |
//! | [`padded_length`] | the lengths that sequences are padded to |
//! | [`set_statistics`], [`distinct_sample`] | what a folder holds, counted in bounded memory |

pub mod alignment;
pub mod batch;
pub mod covered_chars;
pub mod dataset;
pub mod distinct_sample;
pub mod encode;
pub mod evaluation_set;
pub mod in_order;
pub mod padded_length;
pub mod piece_offsets;
pub mod sampler;
pub mod set_statistics;
pub mod token_index;
pub mod tokenized_text;
pub mod tokenizer;
pub mod tokenizer_files;
pub mod tokenizer_settings;
pub mod training_set;
pub mod triple_folder;
pub mod vocabulary;
pub mod word_cache;
pub mod word_counts;
pub mod word_piece_cache;

pub use batch::Batch;
pub use dataset::{Dataset, EncodingCounts, GoldSpans, Sequence};
pub use distinct_sample::DistinctSample;
pub use encode::TripleEncoder;
pub use evaluation_set::EvaluationSet;
pub use in_order::in_order;
pub use padded_length::PaddingRule;
pub use sampler::{BatchSampler, BatchSize, StepBatches, batches_by_length};
pub use set_statistics::{LabelCounts, SetStatistics};
pub use token_index::TokenIndex;
pub use tokenized_text::{EncodedContext, TokenizedText};
pub use tokenizer::{SpecialTokens, WordPieceTokenizer};
pub use training_set::{Block, TrainingSet};
pub use triple_folder::TripleFolder;
pub use word_counts::WordCounts;
pub use word_piece_cache::WordPieceCache;
