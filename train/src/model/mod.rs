//! The reader: what it computes ([`bert`], [`reader`], [`spans`], [`mod@pool`], on [`layers`] and [`kernels`]) and how its weights come from files and
//! go into them ([`weights`], under the [`names`] that other tools use).

pub mod batch_tensors;
pub mod bert;
pub mod kernels;
pub mod layers;
pub mod loss;
pub mod names;
pub mod pool;
pub mod precision;
pub mod reader;
pub mod spans;
pub mod weights;

pub use bert::{BertConfig, Input};
pub use kernels::{Dropouts, Kernels};
pub use loss::{LossFunction, SpanLoss};
pub use pool::{Pool, pool};
pub use precision::Precision;
pub use reader::{Extras, Margins, Pairs, Reader, Target};
