//! A GPU's kernels against the CPU's. Both drop the same elements, so values and gradients must agree under dropout too.

use std::sync::Arc;

use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::FloatTensor;
use burn::tensor::{FloatDType, Int, Tensor, TensorData, TensorPrimitive};
use train::cluster::Points;
use train::cluster::kmeans;
use train::data::TokenIndex;
use train::device::{DeviceBackend, DeviceJob, TrainBackend};
use train::kernels::Precision;
use train::kernels::cube::Cube;
use train::kernels::{
    AdamWState, AdamWStep, AttentionShape, Dropout, EmbeddingLookup, EncoderLayerWeights, Kernels, LabelLoss, LinearMap, NormWeights,
    Padding,
};

use super::{DEVICE, HALF, Runtime};

type Cpu = Autodiff<Flex>;
type Gpu = Autodiff<Cube<Runtime>>;

/// Asserts that the device is there and computes.
fn need_device() {
    struct Nothing;
    impl DeviceJob for Nothing {
        type Output = ();
        fn run<B: TrainBackend>(self, _: &B::Device) -> anyhow::Result<()> {
            Ok(())
        }
    }
    let device = DEVICE.run(Nothing);
    assert!(device.is_ok(), "this test needs a device: {:#}", device.unwrap_err());
}

/// Numbers that look random, each time the same.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..count).map(|_| next() + next() + next() + next()).collect()
}

fn tensor<B: Backend, const D: usize>(seed: u32, shape: [usize; D]) -> Tensor<B, D> {
    Tensor::from_data(TensorData::new(numbers(seed, shape.iter().product()), shape), &Default::default())
}

/// An operation on two matrices and two rows.
trait Operation {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, row2: Tensor<B, 1>) -> Tensor<B, 2>;
}

/// Result and gradients of the four inputs.
fn run<B: AutodiffBackend + Kernels>(operation: &impl Operation, shapes: [[usize; 2]; 2], widths: [usize; 2]) -> Vec<Vec<f32>> {
    let (x, y) = (tensor::<B, 2>(1, shapes[0]).require_grad(), tensor::<B, 2>(2, shapes[1]).require_grad());
    let (row, row2) = (tensor::<B, 1>(3, [widths[0]]).require_grad(), tensor::<B, 1>(4, [widths[1]]).require_grad());
    let out = operation.run(x.clone(), y.clone(), row.clone(), row2.clone()).cast(FloatDType::F32);
    let values = out.to_data().to_vec::<f32>().unwrap();
    let gradients = (out.clone() * tensor::<B, 2>(5, out.dims())).sum().backward();
    let of = |data: Option<TensorData>| data.map_or_else(Vec::new, |data| data.to_vec::<f32>().unwrap());
    vec![
        values,
        of(x.grad(&gradients).map(|x| x.into_data())),
        of(y.grad(&gradients).map(|x| x.into_data())),
        of(row.grad(&gradients).map(|x| x.into_data())),
        of(row2.grad(&gradients).map(|x| x.into_data())),
    ]
}

fn check(what: &str, operation: &impl Operation, shapes: [[usize; 2]; 2], widths: [usize; 2], bound: f32) {
    let (cpu, gpu) = (run::<Cpu>(operation, shapes, widths), run::<Gpu>(operation, shapes, widths));
    for ((cpu, gpu), of) in cpu.iter().zip(&gpu).zip(["result", "gradient 1", "gradient 2", "gradient 3", "gradient 4"]) {
        assert_eq!(cpu.len(), gpu.len(), "{what}: {of}");
        let norm = cpu.iter().map(|x| x * x).sum::<f32>().sqrt();
        let distance = cpu.iter().zip(gpu).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
        assert!(distance <= bound * norm.max(1e-6), "{what}: {of}: distance {distance} of {norm}");
        assert!(cpu.is_empty() || norm > 0.0, "{what}: {of} says nothing");
    }
}

const DROPOUT: Option<Dropout> = Some(Dropout { rate: 0.3, seed: 0x1234_5678_9ABC_DEF0 });

struct Affine(Precision);

impl Operation for Affine {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        B::affine(x, y, row, self.0)
    }
}

struct Gelu;

impl Operation for Gelu {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, _: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        B::erf_gelu(x)
    }
}

struct DropOut;

impl Operation for DropOut {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, _: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        B::dropout(x, DROPOUT)
    }
}

struct AddNorm(Option<Dropout>);

impl Operation for AddNorm {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, row2: Tensor<B, 1>) -> Tensor<B, 2> {
        B::add_norm(x, y, row, row2, 1e-12, self.0)
    }
}

/// Attention of three sequences of 19, 7 and 1 tokens, with two heads; the second input is keys and values.
struct Attend(Option<Dropout>, Precision);

impl Operation for Attend {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        let padding = Padding::new(vec![19, 7, 1].into(), &Default::default());
        B::attend([x, y.clone(), y], AttentionShape { batch: 3, length: 19, heads: 2 }, &padding, self.0, self.1)
    }
}

/// Attention of sequences of this length, of which the first is full and the others are padded to two thirds.
struct AttendFirst(usize, Option<Dropout>, Precision);

impl Operation for AttendFirst {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        let batch = x.dims()[0] / self.0;
        let lengths: Vec<usize> = (0..batch).map(|at| if at == 0 { self.0 } else { self.0.div_ceil(3) }).collect();
        let padding = Padding::new(lengths.into(), &Default::default());
        B::attend([x, y.clone(), y], AttentionShape { batch, length: self.0, heads: 2 }, &padding, self.1, self.2)
    }
}

struct AffineGelu(Precision);

impl Operation for AffineGelu {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        B::affine_gelu(x, LinearMap { weight: y, bias: row }, self.0)
    }
}

/// The residual is `x` itself.
struct AffineAddNorm(Option<Dropout>, Precision);

impl Operation for AffineAddNorm {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, row2: Tensor<B, 1>) -> Tensor<B, 2> {
        let norm = NormWeights { weight: row2.clone(), bias: row2 * 0.5, eps: 1e-12 };
        B::affine_add_norm(x.clone(), LinearMap { weight: y, bias: row }, x, norm, self.0, self.1)
    }
}

/// Self-attention, with two heads, of sequences of this length, of which the first is full and the others are padded.
struct SelfAttention(usize, Option<Dropout>, Precision);

impl Operation for SelfAttention {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, row2: Tensor<B, 1>) -> Tensor<B, 2> {
        let batch = x.dims()[0] / self.0;
        let lengths: Vec<usize> = (0..batch).map(|at| if at == 0 { self.0 } else { self.0.div_ceil(3) }).collect();
        // Scores as large as with 16 columns: rounding of larger ones would be rounding of the softmax, multiplied.
        let width = x.dims()[1] as f32;
        let y = y * (16.0 / width).sqrt();
        let maps = [
            LinearMap { weight: y.clone(), bias: row.clone() },
            LinearMap { weight: y.clone().transpose(), bias: row2.clone() },
            LinearMap { weight: y * 0.3, bias: row - row2 },
        ];
        let shape = AttentionShape { batch, length: self.0, heads: 2 };
        B::self_attention(x, maps, shape, &Padding::new(lengths.into(), &Default::default()), self.1, self.2)
    }
}

/// A layer of the encoder with two heads, whose inner width is twice the width, on sequences as those of [`SelfAttention`].
struct EncoderLayer(usize, Precision);

impl Operation for EncoderLayer {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, row: Tensor<B, 1>, row2: Tensor<B, 1>) -> Tensor<B, 2> {
        let batch = x.dims()[0] / self.0;
        let lengths: Vec<usize> = (0..batch).map(|at| if at == 0 { self.0 } else { self.0.div_ceil(3) }).collect();
        let map = |weight: &Tensor<B, 2>, bias: &Tensor<B, 1>| LinearMap { weight: weight.clone(), bias: bias.clone() };
        let norm = |scale: f32| NormWeights { weight: row2.clone() * scale + 1.0, bias: row.clone(), eps: 1e-12 };
        let transposed = y.clone().transpose();
        let both = |dim| Tensor::cat(vec![y.clone(), transposed.clone() * 0.5], dim);
        let weights = EncoderLayerWeights {
            projections: [map(&y, &row), map(&transposed, &row2), map(&(y.clone() * 0.3), &row)],
            attention_output: map(&(y.clone() * 0.5), &row2),
            attention_norm: norm(0.5),
            intermediate: map(&both(1), &Tensor::cat(vec![row.clone(), row2.clone()], 0)),
            output: map(&both(0), &row),
            output_norm: norm(0.3),
        };
        let dropout = |seed| Some(Dropout { rate: 0.2, seed });
        let shape = AttentionShape { batch, length: self.0, heads: 2 };
        let padding = Padding::new(lengths.into(), &Default::default());
        B::encoder_layer(x, weights, shape, &padding, [dropout(1), None, dropout(3)], self.1)
    }
}

/// The loss of logits that are all elements of `x`, with the signs of the elements of `y`.
struct Labels(LabelLoss);

impl Operation for Labels {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, y: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        let count = x.shape().num_elements();
        let (sign, share) = (y.clone().detach().sign().reshape([count]), y.detach().abs().reshape([count]));
        B::label_loss((x * 4.0).reshape([count]), &sign, &share, self.0).reshape([1, 1])
    }
}

struct Embed;

impl Operation for Embed {
    fn run<B: Kernels>(&self, x: Tensor<B, 2>, _: Tensor<B, 2>, _: Tensor<B, 1>, _: Tensor<B, 1>) -> Tensor<B, 2> {
        let rows = x.dims()[0] as i32;
        let ids: Vec<i32> = (0..300).map(|at: i32| if at % 3 == 0 { 2 } else { at * at % rows }).collect();
        let tokens = Arc::new(TokenIndex::new(&ids, 100, &[100, 100, 100]));
        let ids = Tensor::<B, 2, Int>::from_data(TensorData::new(ids, [3, 100]), &Default::default());
        B::embed(x, &EmbeddingLookup { ids, tokens })
    }
}

#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn each_kernel_computes_what_the_cpu_does() {
    need_device();
    let f32 = Precision::F32;
    check("affine", &Affine(f32), [[37, 48], [48, 20]], [20, 1], 1e-5);
    check("gelu", &Gelu, [[37, 48], [1, 1]], [1, 1], 1e-5);
    check("dropout", &DropOut, [[300, 301], [1, 1]], [1, 1], 1e-6);
    for width in [20, 48, 384, 768, 1030] {
        check("add_norm", &AddNorm(None), [[70, width], [70, width]], [width, width], 1e-5);
        check("add_norm under dropout", &AddNorm(DROPOUT), [[133, width], [133, width]], [width, width], 1e-5);
    }
    check("attend", &Attend(None, f32), [[57, 16], [57, 16]], [1, 1], 1e-5);
    check("attend under dropout", &Attend(DROPOUT, f32), [[57, 16], [57, 16]], [1, 1], 1e-5);
    check("affine and gelu", &AffineGelu(f32), [[137, 48], [48, 20]], [20, 1], 1e-5);
    for width in [20, 384, 1030] {
        check("affine and add_norm", &AffineAddNorm(DROPOUT, f32), [[1100, width], [width, width]], [width, width], 2e-5);
    }
    check("self-attention", &SelfAttention(19, None, f32), [[57, 16], [16, 16]], [16, 16], 1e-5);
    check("self-attention under dropout", &SelfAttention(19, DROPOUT, f32), [[57, 16], [16, 16]], [16, 16], 1e-5);
    check("encoder layer", &EncoderLayer(19, f32), [[57, 16], [16, 16]], [16, 16], 2e-5);
    for (exponent, positive_weight) in [(None, 1.0), (Some(0.7), 3.0)] {
        let loss = LabelLoss { exponent, positive_weight };
        check(&format!("{loss:?}"), &Labels(loss), [[1, 3], [1, 3]], [1, 1], 1e-5);
        // More labels than units of a launch.
        check(&format!("{loss:?}"), &Labels(loss), [[700, 401], [700, 401]], [1, 1], 1e-5);
    }
    check("embed", &Embed, [[50, 70], [1, 1]], [1, 1], 1e-6);
}

/// Widths of rows that are no multiple of what a GPU loads at once, a single row, and lengths up to the longest.
#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn any_width_and_length_is_computed() {
    need_device();
    for (precision, bound) in [(Precision::F32, 2e-5), (Precision::Bf16, 2e-2)] {
        for width in [1, 2, 3, 300, 768] {
            for rows in [1, 65] {
                let what = format!("{rows} rows of {width}, {precision:?}");
                check(&format!("affine, {what}"), &Affine(precision), [[rows, 48], [48, width]], [width, 1], bound);
                check(&format!("affine of {what}"), &Affine(precision), [[rows, width], [width, 20]], [20, 1], bound);
                // A single sum may be close to 0 by chance, as it is here: its error is that of its terms.
                if rows * width > 1 {
                    check(&format!("affine and gelu, {what}"), &AffineGelu(precision), [[rows, 48], [48, width]], [width, 1], bound);
                }
                // The norm of two numbers is 1 and -1 whatever they are, so that there is no gradient.
                if width > 2 {
                    check(&format!("add_norm, {what}"), &AddNorm(DROPOUT), [[rows, width]; 2], [width; 2], 1e-3);
                    let affine = AffineAddNorm(DROPOUT, precision);
                    // The norm of three numbers magnifies rounding, as that of their sums in f32 above.
                    let bound = if width == 3 { bound.max(1e-3) * 3.0 } else { bound.max(1e-3) };
                    check(&format!("affine and add_norm, {what}"), &affine, [[rows, width], [width, width]], [width; 2], bound);
                }
                check(&format!("gelu, {what}"), &Gelu, [[rows, width], [1, 1]], [1, 1], bound);
            }
        }
        for (length, batch) in [(2, 1), (2, 3), (33, 2), (64, 1), (65, 2), (150, 2), (512, 1)] {
            let shape = [batch * length, 16];
            let what = format!("attend, {batch} sequences of {length}, {precision:?}");
            check(&what, &AttendFirst(length, DROPOUT, precision), [shape; 2], [1, 1], bound);
            check(&format!("self-{what}"), &SelfAttention(length, DROPOUT, precision), [shape, [16, 16]], [16, 16], bound);
        }
    }
}

/// What is bf16 on CUDA is f16 on Vulkan, which has no bf16; the CPU rounds to bf16.
#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn products_of_half_precision_are_close() {
    need_device();
    let half = Precision::Bf16;
    check("affine", &Affine(half), [[37, 48], [48, 20]], [20, 1], 1e-2);
    check("attend", &Attend(DROPOUT, half), [[57, 16], [57, 16]], [1, 1], 2e-2);
    check("affine and gelu", &AffineGelu(half), [[137, 48], [48, 20]], [20, 1], 1e-2);
    check("affine and add_norm", &AffineAddNorm(DROPOUT, half), [[137, 48], [48, 48]], [48, 48], 2e-2);
    check("self-attention", &SelfAttention(19, DROPOUT, half), [[57, 16], [16, 16]], [16, 16], 2e-2);
    check("encoder layer", &EncoderLayer(19, half), [[57, 16], [16, 16]], [16, 16], 3e-2);
    check("encoder layer", &EncoderLayer(33, half), [[99, 32], [32, 32]], [32, 32], 3e-2);
    let x = tensor::<Gpu, 2>(1, [8, 8]);
    assert_eq!(Gpu::affine(x.clone(), x, tensor(2, [8]), half).dtype(), HALF, "hidden states stay in half precision");
}

/// Heads of each width that attention in tiles computes, and of two that it does not, with a last tile and a last block that are not full.
#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn self_attention_of_half_precision_is_close() {
    need_device();
    for head_width in [16, 32, 48, 64, 80] {
        for (length, batch, dropout) in [(2, 3, DROPOUT), (16, 2, None), (33, 2, DROPOUT), (150, 3, None), (256, 1, DROPOUT)] {
            let (width, what) = (2 * head_width, format!("{batch} sequences of {length}, heads of {head_width}, {dropout:?}"));
            let attention = SelfAttention(length, dropout, Precision::Bf16);
            // Scores' gradients are differences from a product with the rounded output, and of one or two keys they are near 0.
            let bound = if length == 2 { 3e-2 } else { 2e-2 };
            check(&what, &attention, [[batch * length, width], [width, width]], [width, width], bound);
        }
    }
}

fn primitive<B: Backend, const D: usize>(seed: u32, shape: [usize; D]) -> FloatTensor<B> {
    tensor::<B, D>(seed, shape).into_primitive().tensor()
}

#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn the_optimizer_s_kernels_compute_what_the_cpu_does() {
    need_device();
    fn norm<B: Kernels>() -> f32 {
        let all = vec![primitive::<B, 2>(1, [300, 700]), primitive::<B, 1>(2, [5]), primitive::<B, 3>(3, [3, 50, 99])];
        B::square_sum(all).into_data().to_vec::<f32>().unwrap()[0]
    }
    let (cpu, gpu) = (norm::<Flex>(), norm::<Cube<Runtime>>());
    assert!((cpu - gpu).abs() < 1e-5 * cpu, "{cpu} {gpu}");

    // Tensors of several shapes, more than a launch takes.
    fn update<B: Kernels>(width: usize) -> Vec<Vec<f32>> {
        let shapes: Vec<[usize; 2]> = (0..11).map(|rows| [1 + 7 * (rows * 5 % 11), width]).collect();
        let all = |seed| shapes.iter().zip(seed..).map(|(shape, seed)| primitive::<B, 2>(seed, *shape)).collect::<Vec<_>>();
        let zip = |(param, (mean, square))| AdamWState { param, mean, square: B::float_abs(square) };
        let states = all(1).into_iter().zip(all(101).into_iter().zip(all(201))).map(zip).collect();
        let step = AdamWStep { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01, step: 3 };
        let scale = Tensor::from_floats([0.25], &Default::default());
        let states = B::adamw(states, all(301), &scale, &step);
        // Something else holds the parameters when they are updated for the second time, so that they are copied.
        let kept: Vec<FloatTensor<B>> = states.iter().map(|state| state.param.clone()).collect();
        let states = B::adamw(states, all(401), &scale, &step);
        let tensors = states.into_iter().flat_map(|AdamWState { param, mean, square }| [param, mean, square]).chain(kept);
        let values = |x| Tensor::<B, 2>::from_primitive(TensorPrimitive::Float(x)).into_data().to_vec::<f32>().unwrap();
        tensors.map(values).collect()
    }
    for width in [1, 2, 3, 300, 768] {
        let (cpu, gpu) = (update::<Flex>(width), update::<Cube<Runtime>>(width));
        for (number, (cpu, gpu)) in cpu.iter().zip(&gpu).enumerate() {
            let wrong = cpu.iter().zip(gpu).filter(|(a, b)| (**a - **b).abs() >= 1e-5).count();
            assert_eq!((wrong, cpu.len()), (0, gpu.len()), "tensor {number}, width {width}");
        }
    }
}

/// The tuner may choose any of them for any product, so all of them must be right.
#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn each_routine_computes_matrix_products() {
    need_device();
    let checks = Gpu::check_products(&Default::default()).unwrap();
    assert!(checks.wrong.is_empty(), "{:#?}", checks.wrong);
    // Without tensor cores, the plain routine and two of units are left, at least.
    assert!(checks.right >= 22 * 2 * 3, "{checks:?}");
}

#[test]
#[ignore = "needs a GPU, or Mesa's software driver of Vulkan (lavapipe)"]
fn points_are_clustered_as_on_the_host() {
    need_device();
    let points = Points { width: 24, values: numbers(9, 24 * 10_000) };
    let on_gpu = Gpu::assignment_backend(&points.values, points.width, &Default::default()).unwrap();
    let start = || Points { width: 24, values: points.values[..24 * 7].to_vec() };
    let (host, gpu) = (kmeans::lloyd(&points, start(), 20), kmeans::lloyd(&*on_gpu, start(), 20));
    let alike = host.assignments.iter().zip(&gpu.assignments).filter(|(host, gpu)| host == gpu).count();
    assert!(alike >= 9_995, "{alike} of 10000 points are in the same cluster");
    assert!(host.centroids.values.iter().zip(&gpu.centroids.values).all(|(host, gpu)| (host - gpu).abs() < 1e-3));
    assert!(host.distances.iter().zip(&gpu.distances).filter(|(host, gpu)| (**host - **gpu).abs() > 1e-3).count() <= 5);
    let far = Points { width: 24, values: [start().values, vec![1e3; 24]].concat() };
    let nearest = on_gpu.assign(&far.values)[0];
    assert_eq!((nearest.cluster, nearest.squared_distance), (0, 0.0), "the first point is the first mean");
}
