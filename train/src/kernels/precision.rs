//! Number format of the encoder's matrix products.

use serde::{Deserialize, Serialize};

/// Number format of the encoder's matrix products. Parameters, gradients of parameters, the arithmetic of LayerNorm and softmax, the heads and
/// the loss are always f32, without rounding to TF32. In bf16, a GPU stores the hidden states between them in bf16 too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits with a fraction of 23, without tensor cores.
    #[default]
    F32,
    /// f32 of which the tensor cores of a GPU see 10 bits of the fraction. Sums are f32. Without such tensor cores, f32.
    Tf32,
    /// bfloat16: the range of f32 with 7 bits of the fraction. Sums are f32. On the CPU inputs and results of the linear maps are rounded to
    /// it, those of attention's products are f32. A processor with AVX512-BF16 computes them twice as fast as in f32, others as fast.
    Bf16,
}

impl Precision {
    /// Whether tensor cores, which see less than all bits of an f32, may compute a product.
    pub fn allows_tensor_cores(self) -> bool {
        self != Self::F32
    }
}
