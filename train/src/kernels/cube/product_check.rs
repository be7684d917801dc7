//! Every routine that may compute a matrix product, on products of the shapes that this program computes.

use std::panic::{self, AssertUnwindSafe};

use burn::tensor::backend::Backend;
use burn::tensor::{DType, FloatDType, Tensor, TensorData};
use burn_cubecl::CubeRuntime;

use super::burn_backend::Cube;
use super::launch::empty;
use super::product_routines::Routine;
use crate::kernels::ProductChecks;
use crate::kernels::autodiff::{primitive, tensor};

/// Largest distance from the product, relative to its norm, with a result of 16 bits. Operands are multiples of an eighth below 2, which
/// every number format here holds exactly, and so do sums in f32: other results must be exact.
const ROUNDED_RESULT: f64 = 1e-2;

/// A product of a training step, of clustering or of prediction, in its smallest form that has all that matters: the divisors of the inner
/// dimension and the layout. Rows are word pieces or pairs of them.
struct Product {
    what: &'static str,
    /// Matrices of a stack.
    stack: usize,
    /// Rows, columns, inner dimension.
    size: [usize; 3],
    /// Whether the left and the right matrix lie in memory as their transpose.
    transposed: [bool; 2],
}

const fn product(what: &'static str, stack: usize, size: [usize; 3], transposed: [bool; 2]) -> Product {
    Product { what, stack, size, transposed }
}

/// Inner dimensions are odd and even multiples of 8, 16, 32 and 64, and a few that are none.
const PRODUCTS: [Product; 22] = [
    product("linear layer", 1, [96, 384, 384], [false, false]),
    product("linear layer, odd width", 1, [96, 300, 300], [false, false]),
    product("gradient of its input", 1, [96, 384, 384], [false, true]),
    product("gradient of its input, width 96", 1, [96, 96, 96], [false, true]),
    product("gradient of its weight, 160 word pieces", 1, [384, 96, 160], [true, false]),
    product("gradient of its weight, 136 word pieces", 1, [96, 96, 136], [true, false]),
    product("gradient of its weight, 37 word pieces", 1, [96, 96, 37], [true, false]),
    product("scores of attention, heads of 64", 4, [48, 48, 64], [false, true]),
    product("scores of attention, heads of 32", 4, [48, 48, 32], [false, true]),
    product("attention, 48 word pieces", 4, [48, 64, 48], [false, false]),
    product("attention, 96 word pieces", 4, [96, 32, 96], [false, false]),
    product("gradient of keys, 80 word pieces", 4, [80, 64, 80], [true, false]),
    product("gradient of weights of attention", 4, [80, 80, 64], [false, true]),
    product("heads of starts and ends", 1, [96, 2, 384], [false, false]),
    product("gradient of their input", 1, [96, 384, 2], [false, true]),
    product("gradient of their weight", 1, [384, 2, 96], [true, false]),
    product("span head, one column", 1, [288, 1, 96], [false, false]),
    product("gradient of its input", 1, [288, 96, 1], [false, true]),
    product("gradient of its weight", 1, [96, 1, 288], [true, false]),
    product("segments", 1, [96, 384, 1], [false, false]),
    product("head of 96 clusters, gradient of its input", 1, [40, 384, 96], [false, true]),
    product("covariance of 160 vectors", 1, [96, 96, 160], [true, false]),
];

/// Computes each product by each routine that may be chosen for it, in f32 and in the 16 bits of the device, and compares it with a plain
/// product.
pub fn check_products<R: CubeRuntime>(device: &R::Device) -> ProductChecks {
    let mut checks = ProductChecks::default();
    for (product, dtype) in PRODUCTS.iter().flat_map(|product| [(product, DType::F32), (product, half_type::<R>(device))]) {
        let problem = Problem::new(product);
        for routine in Routine::all() {
            // A routine that this device lacks may panic, and where it must be compiled first, the result cannot be read.
            let distance = panic::catch_unwind(AssertUnwindSafe(|| problem.distance::<R>(&routine, dtype, device)));
            match distance.unwrap_or(Distance::Refused) {
                Distance::NotChosen => {}
                Distance::Refused => checks.refused += 1,
                Distance::Relative(distance) if distance <= if dtype == DType::F32 { 0.0 } else { ROUNDED_RESULT } => checks.right += 1,
                Distance::Relative(distance) => {
                    let [rows, columns, inner] = product.size;
                    let (name, what) = (routine.name(), product.what);
                    checks.wrong.push(format!("{name}: {what} ({rows} x {columns} x {inner}, {dtype:?}): {distance:.1e} of its norm"));
                }
            }
        }
    }
    checks
}

/// The 16-bit type in which a device computes products.
fn half_type<R: CubeRuntime>(device: &R::Device) -> DType {
    if Cube::<R>::supports_dtype(device, DType::BF16) { DType::BF16 } else { DType::F16 }
}

/// The operands of a product as they lie in memory, and the result.
struct Problem<'a> {
    product: &'a Product,
    left: Vec<f32>,
    right: Vec<f32>,
    expected: Vec<f64>,
}

/// How far a result is from the product.
enum Distance {
    NotChosen,
    Refused,
    /// Norm of the difference, relative to that of the product; infinite where a result is not a number.
    Relative(f64),
}

impl<'a> Problem<'a> {
    fn new(product: &'a Product) -> Self {
        let &Product { stack, size: [rows, columns, inner], transposed: [left_transposed, right_transposed], .. } = product;
        let (left, right) = (eighths(1, stack * rows * inner), eighths(2, stack * inner * columns));
        let mut expected = Vec::with_capacity(stack * rows * columns);
        for matrix in 0..stack {
            let left =
                |row: usize, at: usize| left[matrix * rows * inner + if left_transposed { at * rows + row } else { row * inner + at }];
            let right = |at: usize, column: usize| {
                right[matrix * inner * columns + if right_transposed { column * inner + at } else { at * columns + column }]
            };
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                expected.push((0..inner).map(|at| f64::from(left(row, at)) * f64::from(right(at, column))).sum());
            }
        }
        Self { product, left, right, expected }
    }

    /// How far a routine's result is from the product. Single matrices are a stack of one, as linear layers have them.
    fn distance<R: CubeRuntime>(&self, routine: &Routine, dtype: DType, device: &R::Device) -> Distance {
        let &Product { stack, size: [rows, columns, inner], transposed, .. } = self.product;
        let operand = |values: &[f32], [rows, columns]: [usize; 2], is_transposed: bool| {
            let shape = if is_transposed { [stack, columns, rows] } else { [stack, rows, columns] };
            let format = match dtype {
                DType::BF16 => FloatDType::BF16,
                DType::F16 => FloatDType::F16,
                _ => FloatDType::F32,
            };
            let matrices = Tensor::<Cube<R>, 3>::from_data(TensorData::new(values.to_vec(), shape), device).cast(format);
            primitive(if is_transposed { matrices.swap_dims(1, 2) } else { matrices })
        };
        let (left, right) = (operand(&self.left, [rows, inner], transposed[0]), operand(&self.right, [inner, columns], transposed[1]));
        let out = empty(&left, [stack, rows, columns].into(), dtype);
        let operands = (left, right, out.clone());
        if !routine.may_be_chosen(&operands, true) {
            return Distance::NotChosen;
        }
        if routine.launch(operands).is_err() {
            return Distance::Refused;
        }
        let Ok(data) = tensor::<Cube<R>, 3>(out).cast(FloatDType::F32).try_into_data() else { return Distance::Refused };
        let result: Vec<f32> = data.to_vec().expect("cast to f32");
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
        let apart = squares(&mut result.iter().zip(&self.expected).map(|(&got, expected)| f64::from(got) - expected));
        let relative = apart / squares(&mut self.expected.iter().copied());
        Distance::Relative(if relative.is_nan() { f64::INFINITY } else { relative })
    }
}

/// Multiples of an eighth from -1 to 1 that look random.
fn eighths(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) % 17
    };
    (0..count).map(|_| next() as f32 / 8.0 - 1.0).collect()
}
