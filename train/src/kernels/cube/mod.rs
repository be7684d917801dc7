//! Kernels of GPUs, written in CubeCL, as operations of Burn's CubeCL backends.
//!
//! They are used in place of Burn's fusion, which cannot fuse what precedes or follows a matrix product with a reduction: an operation here
//! reads its inputs once and writes its results once. In bf16, hidden states between the products are bf16 too.
//!
//! Each module holds the kernels of an operation and the functions that launch them. In kernels, a *cube* is what CUDA calls a block, a
//! *unit* a thread, a *plane* a warp. Arrays are matrices in row-major order. The type parameter `F` is f32 or the 16-bit type of products;
//! all arithmetic is f32.
//!
//! | module | what it holds |
//! |---|---|
//! | [`burn_backend`], [`backend`] | Burn's backend, and [`Kernels`](super::Kernels) of it |
//! | [`product_routines`], [`product_check`] | which routine of the library computes a matrix product; all of them compared |
//! | [`matmul`], [`embedding`], [`attention`], [`self_attention`], [`flash_attention`](mod@flash_attention), [`gelu`], [`dropout`], [`layer_norm`], [`encoder_layer`] | operations of the model, with their backward passes |
//! | [`reductions`], [`adamw`], [`all_reduce`] | sums, and operations of the optimizer |
//! | [`kmeans`] | the assignment step of k-means |
//! | [`launch`] | sizes of launches, and arguments |

// The code that the macro generates takes what a kernel takes, and clippy reads kernels as if they ran on the host.
#![allow(clippy::too_many_arguments, clippy::reversed_empty_ranges, clippy::manual_div_ceil, unstable_name_collisions)]

pub mod adamw;
pub mod all_reduce;
pub mod attention;
pub mod backend;
pub mod burn_backend;
pub mod dropout;
pub mod embedding;
pub mod encoder_layer;
pub mod flash_attention;
pub mod gelu;
pub mod kmeans;
pub mod label_loss;
pub mod launch;
pub mod layer_norm;
pub mod matmul;
pub mod product_check;
pub mod product_routines;
pub mod reductions;
pub mod self_attention;

pub use burn_backend::Cube;
