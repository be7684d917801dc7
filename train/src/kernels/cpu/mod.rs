//! Fused loops over `f32` slices, on all threads of the rayon pool. They know nothing of Burn.
//!
//! Work is cut into chunks of a fixed size, and sums run over a fixed number of lanes, so that results depend neither on the number of
//! threads nor on the width of the processor's vectors.

pub mod adamw;
pub mod attention;
pub mod chunks;
pub mod dropout;
pub mod gelu;
pub mod layer_norm;
pub mod linear;
pub mod product;
pub mod reductions;
pub mod simd;
