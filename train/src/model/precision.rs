//! What numbers the encoder's matrix products see.

use serde::{Deserialize, Serialize};

/// Numbers of the encoder's matrix products. Parameters, their gradients, LayerNorm, softmax, the heads and the loss are f32 always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits: 23 of the fraction, on a GPU 10 of them in the products (TF32).
    #[default]
    F32,
    /// bfloat16: the range of f32 with 7 bits of the fraction; sums are f32. The CPU rounds what a product sees and gives to it,
    /// and computes in f32: as exact as a GPU, and slower than f32.
    Bf16,
}
