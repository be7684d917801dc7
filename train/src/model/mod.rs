//! The model: a BERT encoder with heads for answers, its loss, and its weights in files.
//!
//! | module | what it holds |
//! |---|---|
//! | [`batch_tensors`] | batches in host memory to tensors on a device |
//! | [`bert`], [`bert_config`], [`encoder_family`] | the encoder, its configuration, and those that differ from BERT in names and embeddings |
//! | [`mrc`] | encoder and heads together |
//! | [`span_head`] | the head for nested answers |
//! | [`linear`], [`layer_norm`] | layers |
//! | [`loss`] | targets, and losses of logits against them |
//! | [`pooling`] | one vector for a span |
//! | [`weights`] | weights from files and into files |
//!
//! Tensor operations that cost time are in [`kernels`](crate::kernels).

pub mod batch_tensors;
pub mod bert;
pub mod bert_config;
pub mod encoder_family;
pub mod layer_norm;
pub mod linear;
pub mod loss;
pub mod mrc;
pub mod pooling;
pub mod span_head;
pub mod weights;

pub use bert::BertInput;
pub use bert_config::BertConfig;
pub use encoder_family::EncoderFamily;
pub use loss::{BoundaryLogits, BoundaryTargets, LossFunction, SpanLoss, SpanTargets};
pub use mrc::{MrcModel, OptionalHeads};
pub use pooling::{Pooling, pool_spans};
