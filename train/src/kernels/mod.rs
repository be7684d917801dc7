//! Tensor operations of the model and the optimizer that are worth a fused implementation, by backend.
//!
//! [`Kernels`] defines each as a composition of Burn's own operations ([`reference`](mod@reference)) or of other operations
//! ([`operations`]: `affine`, `attend`, `attention_weights`), which any backend runs. The CPU
//! backend overrides them with fused, threaded loops: composed, they take two thirds of a training step there. GPUs have kernels of
//! their own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`operations`], [`reference`](mod@reference) | the operations, and their definition in Burn's own |
//! | [`precision`], [`dropout`], [`padding`], [`embedding`], [`attention_shape`], [`layer_weights`], [`label_loss`], [`adamw`] | arguments of operations |
//! | [`kmeans`] | the assignment step of k-means, which a device may take over |
//! | [`product_checks`] | what a check of matrix products found |
//! | [`autodiff`] | the bridge from a fused operation with its backward pass to automatic differentiation |
//! | [`cpu`] | loops over slices; they know nothing of Burn |
//! | [`flex`] | those loops as operations of burn-flex |
//! | `cube` | kernels of GPUs, behind the features `cuda` and `vulkan` |

pub mod adamw;
pub mod attention_shape;
pub mod autodiff;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod cube;
pub mod dropout;
pub mod embedding;
pub mod flex;
pub mod kmeans;
pub mod label_loss;
pub mod layer_weights;
pub mod operations;
pub mod padding;
pub mod precision;
pub mod product_checks;
pub mod reference;

pub use adamw::{AdamWState, AdamWStep};
pub use attention_shape::AttentionShape;
pub use dropout::{Dropout, DropoutMask, DropoutSeeds};
pub use embedding::EmbeddingLookup;
pub use kmeans::{Assignment, AssignmentBackend};
pub use label_loss::LabelLoss;
pub use layer_weights::{EncoderLayerWeights, LinearMap, NormWeights};
pub use operations::Kernels;
pub use padding::Padding;
pub use precision::Precision;
pub use product_checks::ProductChecks;
