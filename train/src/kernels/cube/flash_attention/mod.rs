//! Self-attention of one kernel that keeps no scores (FlashAttention: Dao et al. 2022), in 16 bits on tensor cores.
//!
//! Each cube computes a tile of rows, and the scores of a block after the other in shared memory. The backward pass computes them again (Dao 2023),
//! in two kernels: each adds up its own rows in a fixed order, and none needs atomic operations.

use burn::tensor::{DType, Shape, TensorMetadata};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::{cast, into_contiguous};
use burn_cubecl::tensor::CubeTensor;
use cubecl::features::MmaConfig;
use cubecl::prelude::*;

use super::dropout::mask_argument;
use super::launch::{array, empty, rows_and_columns};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::dropout::Dropout;
use backward::{key_value_gradient_kernel, query_gradient_kernel};
use forward::flash_attention_kernel;
use tiles::{SIDE, VECTOR};

mod backward;
mod forward;
mod tiles;

/// Most planes of a cube, of [`SIDE`] rows each.
const MOST_PLANES: usize = 4;

/// Widest head whose sums fit the registers.
const WIDEST_HEAD: usize = 64;

/// Units of a plane, as NVIDIA's GPUs have.
const PLANE_UNITS: usize = 32;

/// Whether [`flash_attention`] computes heads of this width on the device, from a product in its type.
pub fn computes<R: CubeRuntime>(product: &CubeTensor<R>, shape: AttentionShape) -> bool {
    let (dtype, properties) = (product.dtype, product.client.properties());
    let head_width = rows_and_columns(product)[1] / 3 / shape.heads;
    let side = SIDE as u32;
    let fragments = MmaConfig { a_type: dtype.into(), b_type: dtype.into(), cd_type: DType::F32.into(), m: side, n: side, k: side };
    let planes = [properties.hardware.plane_size_min, properties.hardware.plane_size_max];
    matches!(dtype, DType::BF16 | DType::F16)
        && head_width.is_multiple_of(SIDE)
        && head_width <= WIDEST_HEAD
        && planes == [PLANE_UNITS as u32; 2]
        && properties.features.matmul.cmma.contains(&fragments)
}

/// What the backward pass of [`flash_attention`] needs.
pub struct FlashAttention<R: CubeRuntime> {
    product: CubeTensor<R>,
    biases: [CubeTensor<R>; 3],
    lengths: CubeTensor<R>,
    output: CubeTensor<R>,
    /// The logarithm of the sum of the exponentials of each row of scores.
    log_sums: CubeTensor<R>,
    shape: AttentionShape,
    dropout: Option<Dropout>,
}

/// Attention of queries, keys and values that a product has side by side, each plus its bias, and its output.
///
/// # Shapes
/// `product` `[batch * length, 3 * width]`, biases `[width]`, `lengths` `[batch]`; the output `[batch * length, width]`.
pub fn flash_attention<R: CubeRuntime>(
    product: CubeTensor<R>,
    biases: [CubeTensor<R>; 3],
    shape: AttentionShape,
    lengths: CubeTensor<R>,
    dropout: Option<Dropout>,
) -> (CubeTensor<R>, FlashAttention<R>) {
    let (biases, lengths) = (biases.map(into_contiguous), into_contiguous(lengths));
    let [rows, columns] = rows_and_columns(&product);
    let output = empty(&product, Shape::new([rows, columns / 3]), product.dtype);
    let log_sums = empty(&product, Shape::new([rows * shape.heads]), DType::F32);
    let launch = Launch::of(columns / 3, shape);
    flash_attention_kernel::launch(
        &product.client,
        launch.cubes(),
        launch.units(),
        VECTOR,
        array(&product),
        array(&biases[0]),
        array(&biases[1]),
        array(&biases[2]),
        array(&lengths),
        array(&output),
        array(&log_sums),
        shape.length,
        launch.score_scale,
        mask_argument(dropout),
        launch.planes,
        launch.vectors,
        dropout.is_some(),
        product.dtype.into(),
    );
    (output.clone(), FlashAttention { product, biases, lengths, output, log_sums, shape, dropout })
}

impl<R: CubeRuntime> FlashAttention<R> {
    /// The gradient of the product from that of the output, and its column sums by tiles, which are the gradients of the biases.
    ///
    /// # Shapes
    /// `[batch * length, width]` to `[batch * length, 3 * width]` and `[tiles, 3, width]`.
    pub fn backward(self, gradient: CubeTensor<R>) -> [CubeTensor<R>; 2] {
        let Self { product, biases, lengths, output, log_sums, shape, dropout } = self;
        let gradient = into_contiguous(cast(gradient, product.dtype));
        let width = rows_and_columns(&output)[1];
        let launch = Launch::of(width, shape);
        let of_product = empty(&product, product.shape(), product.dtype);
        let deltas = empty(&log_sums, log_sums.shape(), DType::F32);
        let partial = empty(&product, Shape::new([shape.batch * launch.tiles, 3, width]), DType::F32);
        query_gradient_kernel::launch(
            &product.client,
            launch.cubes(),
            launch.units(),
            VECTOR,
            array(&product),
            array(&biases[0]),
            array(&biases[1]),
            array(&biases[2]),
            array(&lengths),
            array(&output),
            array(&gradient),
            array(&log_sums),
            array(&deltas),
            array(&of_product),
            array(&partial),
            shape.length,
            launch.score_scale,
            mask_argument(dropout),
            launch.planes,
            launch.vectors,
            product.dtype.into(),
        );
        key_value_gradient_kernel::launch(
            &product.client,
            launch.cubes(),
            launch.units(),
            VECTOR,
            array(&product),
            array(&biases[0]),
            array(&biases[1]),
            array(&biases[2]),
            array(&lengths),
            array(&gradient),
            array(&log_sums),
            array(&deltas),
            array(&of_product),
            array(&partial),
            shape.length,
            launch.score_scale,
            mask_argument(dropout),
            launch.planes,
            launch.vectors,
            product.dtype.into(),
        );
        [of_product, partial]
    }
}

/// How the rows of all heads are divided.
#[derive(Debug, Clone, Copy)]
struct Launch {
    /// Heads of all sequences.
    heads: usize,
    /// Tiles of a sequence.
    tiles: usize,
    /// Planes of a cube.
    planes: usize,
    /// Vectors of a row of a head.
    vectors: usize,
    score_scale: f32,
}

impl Launch {
    fn of(width: usize, shape: AttentionShape) -> Self {
        let head_width = width / shape.heads;
        let planes = shape.length.div_ceil(SIDE).min(MOST_PLANES);
        Self {
            heads: shape.batch * shape.heads,
            tiles: shape.length.div_ceil(planes * SIDE),
            planes,
            vectors: head_width / VECTOR,
            score_scale: (head_width as f32).sqrt().recip(),
        }
    }

    fn cubes(self) -> CubeCount {
        CubeCount::Static(self.heads as u32, self.tiles as u32, 1)
    }

    fn units(self) -> CubeDim {
        CubeDim::new_1d((self.planes * PLANE_UNITS) as u32)
    }
}
