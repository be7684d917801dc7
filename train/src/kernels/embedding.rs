//! Lookups in an embedding table.

use std::sync::Arc;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

use crate::data::TokenIndex;

/// The word pieces of a batch, whose rows of the embedding table are looked up.
#[derive(Debug, Clone)]
pub struct EmbeddingLookup<B: Backend> {
    /// Vocabulary id of each token, `[batch, length]`.
    pub ids: Tensor<B, 2, Int>,
    /// The same tokens, grouped by id.
    pub tokens: Arc<TokenIndex>,
}
