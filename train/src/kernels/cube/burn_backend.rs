//! Burn's backend that the kernels work on.

use burn_cubecl::CubeBackend;

/// Burn's backend of a CubeCL runtime, without fusion.
pub type Cube<R> = CubeBackend<R, f32, i32, u8>;
