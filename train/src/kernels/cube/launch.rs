//! Sizes of launches, and tensors as arguments of kernels.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Units of a cube where each unit computes one element.
pub const UNITS: u32 = 256;

/// Bytes that a unit loads at once, at most.
const VECTOR_BYTES: usize = 16;

/// A tensor as an argument of a kernel, which reads it as rows without gaps and counts its elements in 32 bits.
///
/// # Panics
/// There are gaps between its rows (CUDA may pad those of a copy), or it has more elements: the results would be wrong.
pub fn array<R: CubeRuntime>(x: &CubeTensor<R>) -> ArrayArg<R> {
    let shape = x.shape();
    assert!(x.is_contiguous(), "a kernel needs a tensor in row-major order, but that of shape {shape:?} has other strides");
    assert!(
        u32::try_from(shape.num_elements()).is_ok(),
        "a tensor of shape {shape:?} has more than {} elements, which a GPU's kernels cannot number: lower --batch, --max-tokens or --max-length",
        u32::MAX
    );
    x.clone().into_array_arg()
}

/// An uninitialised tensor on the device of another.
pub fn empty<R: CubeRuntime>(like: &CubeTensor<R>, shape: Shape, dtype: DType) -> CubeTensor<R> {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// A tensor in row-major order whose buffer nothing else refers to, so that a kernel may write to it.
pub fn exclusive<R: CubeRuntime>(x: CubeTensor<R>) -> CubeTensor<R> {
    let x = into_contiguous(x);
    // A copy has the layout that the runtime likes: CUDA's has a gap after each row.
    if x.can_mut() { x } else { into_contiguous(x.copy()) }
}

/// Rows and columns of a tensor: the last dimension is the columns, all others are rows.
pub fn rows_and_columns<R: CubeRuntime>(x: &CubeTensor<R>) -> [usize; 2] {
    let shape = x.shape();
    let width = shape[shape.num_dims() - 1];
    [shape.num_elements() / width.max(1), width]
}

/// A launch with a unit for each element.
pub fn unit_per_element<R: CubeRuntime>(x: &CubeTensor<R>) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(UNITS);
    (calculate_cube_count_elemwise(&x.client, x.shape().num_elements(), dim), dim)
}

/// Elements that a unit loads at once: those in 16 bytes of the type of `x`, or fewer where they do not divide rows of `columns` elements.
pub fn vector_size<R: CubeRuntime>(x: &CubeTensor<R>, columns: usize) -> usize {
    1 << columns.trailing_zeros().min((VECTOR_BYTES / x.dtype.size()).ilog2())
}

/// A launch with a unit for each vector of so many elements.
pub fn unit_per_vector<R: CubeRuntime>(x: &CubeTensor<R>, vector: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(UNITS);
    (calculate_cube_count_elemwise(&x.client, x.shape().num_elements() / vector, dim), dim)
}

/// A launch with a cube for each of `rows` rows, or some more, and the number of elements that each unit computes of a row of this width.
pub fn cube_per_row<R: CubeRuntime>(x: &CubeTensor<R>, rows: usize, width: usize) -> (CubeCount, CubeDim, usize) {
    let units = match width {
        0..=32 => 32,
        33..=64 => 64,
        // 768 numbers of 16 bits.
        65..=96 => 96,
        97..=1024 => 128,
        _ => 256,
    };
    let count = calculate_cube_count_elemwise(&x.client, rows, CubeDim::new_1d(1));
    (count, CubeDim::new_1d(units as u32), width.div_ceil(units))
}
