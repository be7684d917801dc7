//! How hidden states are split into attention heads.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Sizes of a batch in attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Sequences.
    pub batch: usize,
    /// Tokens of each sequence, padding included.
    pub length: usize,
    /// Attention heads.
    pub heads: usize,
}

impl AttentionShape {
    /// # Shapes
    /// `[batch * length, width]` to `[batch, heads, length, width / heads]`.
    pub fn split_heads<B: Backend>(self, x: Tensor<B, 2>) -> Tensor<B, 4> {
        let width = x.dims()[1];
        x.reshape([self.batch, self.length, self.heads, width / self.heads]).swap_dims(1, 2)
    }

    /// The inverse of [`split_heads`](Self::split_heads).
    ///
    /// # Shapes
    /// `[batch, heads, length, width / heads]` to `[batch * length, width]`.
    pub fn join_heads<B: Backend>(self, x: Tensor<B, 4>) -> Tensor<B, 2> {
        let head_width = x.dims()[3];
        x.swap_dims(1, 2).reshape([self.batch * self.length, self.heads * head_width])
    }
}
