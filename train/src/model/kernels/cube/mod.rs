//! Kernels of a GPU, written in CubeCL, as operations of Burn's CubeCL backends.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kernels`] | the kernels themselves |
//! | [`launch`] | how each is started, on tensors |
//! | [`autodiff`] | the differentiable operations |
//! | [`cluster`] | k-means |
//!
//! They stand in for Burn's fusion, which cannot fuse a product's neighbours with a reduction: an operation here reads its inputs
//! once and writes its results once. In bf16, hidden states between the products are bf16 too.

pub mod autodiff;
pub mod cluster;
// What the macro makes of the kernels has no documentation, and clippy reads as Rust what is run elsewhere.
#[allow(missing_docs, unstable_name_collisions)]
#[allow(clippy::too_many_arguments, clippy::reversed_empty_ranges, clippy::manual_div_ceil)]
pub mod kernels;
pub mod launch;

use burn::tensor::{Tensor, TensorPrimitive};
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeRuntime};

use super::{AdamWStep, Dropout, Heads, Kernels, Moments, Padding};
use crate::cluster::Points;
use crate::cluster::kmeans::Neighbours;
use crate::model::Precision;

/// Burn's backend of a CubeCL runtime, without fusion.
pub type Cube<R> = CubeBackend<R, f32, i32, u8>;

impl<R: CubeRuntime> Kernels for Cube<R> {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        wrap(launch::product(launch::at(raw(a), precision), launch::at(raw(b), precision)))
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        wrap(launch::affine(launch::at(raw(x), precision), launch::at(raw(weight), precision), raw(bias)))
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        wrap(launch::gelu(raw(x)))
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        wrap(launch::dropout(raw(x), dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        wrap(launch::add_norm(raw(x), raw(residual), raw(weight), raw(bias), eps, dropout).out)
    }

    fn attend(
        [query, key, value]: [Tensor<Self, 2>; 3],
        heads: Heads,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let (query, key, value) = (heads.split(query), heads.split(key), heads.split(value));
        let scale = (query.dims()[3] as f32).sqrt().recip();
        let scores = raw(Self::product(query, key.swap_dims(2, 3), precision));
        let weights = launch::attention_weights(scores, padding.real.clone().into_primitive(), scale, dropout).1;
        heads.join(Self::product(wrap(weights), value, precision))
    }

    fn square_sum(tensors: Vec<CubeTensor<R>>) -> Tensor<Self, 1> {
        wrap(launch::square_sum(tensors))
    }

    const CLUSTERS: bool = true;

    fn neighbours(points: &Points, device: &R::Device) -> Option<Box<dyn Neighbours>> {
        cluster::CubePoints::<R>::new(points, device).map(|points| Box::new(points) as Box<dyn Neighbours>)
    }

    fn all_reduce(of_devices: Vec<CubeTensor<R>>) -> Vec<CubeTensor<R>> {
        launch::all_reduce(of_devices)
    }

    fn adamw<const D: usize>(
        state: Moments<Tensor<Self, D>>,
        gradient: Tensor<Self, D>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Moments<Tensor<Self, D>> {
        let state = Moments { param: raw(state.param), mean: raw(state.mean), square: raw(state.square) };
        let Moments { param, mean, square } = launch::adamw(state, raw(gradient), raw(scale.clone()), step);
        Moments { param: wrap(param), mean: wrap(mean), square: wrap(square) }
    }
}

fn raw<R: CubeRuntime, const D: usize>(x: Tensor<Cube<R>, D>) -> CubeTensor<R> {
    x.into_primitive().tensor()
}

fn wrap<R: CubeRuntime, const D: usize>(x: CubeTensor<R>) -> Tensor<Cube<R>, D> {
    Tensor::from_primitive(TensorPrimitive::Float(x))
}
