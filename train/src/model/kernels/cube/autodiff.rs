//! The differentiable operations.

use std::sync::Arc;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::tensor::ops::{FloatTensor, FloatTensorOps};
use burn::tensor::{DType, Tensor, TensorMetadata, TensorPrimitive};
use burn_cubecl::CubeRuntime;
use burn_cubecl::kernel::cast;
use burn_cubecl::tensor::CubeTensor;

use super::super::{Dropout, Heads, Kernels, Lookup, Padding};
use super::{Cube, launch};
use crate::data::TokenIndex;
use crate::model::Precision;

type Differentiable<R> = Autodiff<Cube<R>>;

impl<R: CubeRuntime> Kernels for Differentiable<R> {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        let (a, b) = (inner(a), inner(b));
        let types = [a.primitive.dtype, b.primitive.dtype];
        let (left, right) = (launch::at(a.primitive, precision), launch::at(b.primitive, precision));
        let out = launch::product(left.clone(), right.clone());
        match Product.prepare::<NoCheckpointing>([a.node, b.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish((left, right, types), out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        let (x, weight, bias) = (inner(x), inner(weight), inner(bias));
        let types = [x.primitive.dtype, weight.primitive.dtype];
        let (left, right) = (launch::at(x.primitive, precision), launch::at(weight.primitive, precision));
        let out = launch::affine(left.clone(), right.clone(), bias.primitive);
        match Affine.prepare::<NoCheckpointing>([x.node, weight.node, bias.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish((left, right, types), out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn embed(table: Tensor<Self, 2>, lookup: &Lookup<Self>) -> Tensor<Self, 2> {
        let table = inner(table);
        let [batch, length] = lookup.ids.dims();
        let ids = lookup.ids.clone().reshape([batch * length]).into_primitive();
        let state = (table.primitive.shape()[0], lookup.tokens.clone());
        let out = Cube::<R>::float_select(table.primitive, 0, ids);
        match Embed.prepare::<NoCheckpointing>([table.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(state, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let x = inner(x);
        let out = launch::gelu(x.primitive.clone());
        match Gelu.prepare::<NoCheckpointing>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(x.primitive, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        let x = inner(x);
        let out = launch::dropout(x.primitive, dropout);
        match DropOut.prepare::<NoCheckpointing>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(dropout, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        let (x, residual, weight, bias) = (inner(x), inner(residual), inner(weight), inner(bias));
        let of_x = x.primitive.dtype;
        let normed = launch::add_norm(x.primitive, residual.primitive, weight.primitive.clone(), bias.primitive, eps, dropout);
        let state = NormState { normal: normed.normal, rstd: normed.rstd, weight: weight.primitive, of_x, dropout };
        match AddNorm.prepare::<NoCheckpointing>([x.node, residual.node, weight.node, bias.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(state, normed.out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(normed.out)),
        }
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
        let scores = inner(Self::product(query, key.swap_dims(2, 3), precision));
        let lengths = padding.real.clone().into_primitive();
        let (softmax, dropped) = launch::attention_weights(scores.primitive, lengths, scale, dropout);
        let weights = match AttentionWeights.prepare::<NoCheckpointing>([scores.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish((softmax, scale, dropout), dropped)),
            OpsKind::UnTracked(prep) => outer(prep.finish(dropped)),
        };
        heads.join(Self::product(weights, value, precision))
    }
}

/// Both factors as the product saw them, and the types that they came in.
type Factors<R> = (CubeTensor<R>, CubeTensor<R>, [DType; 2]);

/// Gradients of both factors of a product from that of its result.
fn of_factors<R: CubeRuntime>((left, right, types): Factors<R>, gradient: CubeTensor<R>, wanted: [bool; 2]) -> [Option<CubeTensor<R>>; 2] {
    let gradient = cast(gradient, left.dtype);
    let flip = |x: CubeTensor<R>| {
        let rank = x.rank();
        Cube::<R>::float_swap_dims(x, rank - 2, rank - 1)
    };
    let of_left = wanted[0].then(|| cast(launch::product(gradient.clone(), flip(right)), types[0]));
    let of_right = wanted[1].then(|| cast(launch::product(flip(left), gradient), types[1]));
    [of_left, of_right]
}

#[derive(Debug)]
struct Product;

impl<R: CubeRuntime> Backward<Cube<R>, 2> for Product {
    type State = Factors<R>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube<R>>(&ops.node);
        let wanted = [ops.parents[0].is_some(), ops.parents[1].is_some()];
        for (node, gradient) in ops.parents.into_iter().zip(of_factors(ops.state, gradient, wanted)) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<Cube<R>>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Affine;

impl<R: CubeRuntime> Backward<Cube<R>, 3> for Affine {
    type State = Factors<R>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube<R>>(&ops.node);
        let [x, weight, bias] = ops.parents;
        if let Some(node) = bias {
            grads.register::<Cube<R>>(node.id, launch::column_sums(gradient.clone(), None).1);
        }
        let wanted = [x.is_some(), weight.is_some()];
        for (node, gradient) in [x, weight].into_iter().zip(of_factors(ops.state, gradient, wanted)) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<Cube<R>>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Embed;

impl<R: CubeRuntime> Backward<Cube<R>, 1> for Embed {
    type State = (usize, Arc<TokenIndex>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (rows, tokens) = ops.state;
        unary::<Cube<R>, _>(ops.parents, ops.node, grads, |gradient| launch::embed_backward(gradient, rows, &tokens));
    }
}

#[derive(Debug)]
struct Gelu;

impl<R: CubeRuntime> Backward<Cube<R>, 1> for Gelu {
    type State = CubeTensor<R>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Cube<R>, _>(ops.parents, ops.node, grads, |gradient| launch::gelu_backward(ops.state, gradient));
    }
}

#[derive(Debug)]
struct DropOut;

impl<R: CubeRuntime> Backward<Cube<R>, 1> for DropOut {
    type State = Option<Dropout>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Cube<R>, _>(ops.parents, ops.node, grads, |gradient| launch::dropout(gradient, ops.state));
    }
}

#[derive(Debug)]
struct AddNorm;

#[derive(Debug, Clone)]
struct NormState<R: CubeRuntime> {
    normal: CubeTensor<R>,
    rstd: CubeTensor<R>,
    weight: CubeTensor<R>,
    of_x: DType,
    dropout: Option<Dropout>,
}

impl<R: CubeRuntime> Backward<Cube<R>, 4> for AddNorm {
    type State = NormState<R>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube<R>>(&ops.node);
        let NormState { normal, rstd, weight, of_x, dropout } = ops.state;
        let gradients = launch::add_norm_backward(gradient, normal, rstd, weight, of_x, dropout);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Cube<R>>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct AttentionWeights;

impl<R: CubeRuntime> Backward<Cube<R>, 1> for AttentionWeights {
    type State = (CubeTensor<R>, f32, Option<Dropout>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (softmax, scale, dropout) = ops.state;
        unary::<Cube<R>, _>(ops.parents, ops.node, grads, |gradient| launch::attention_weights_backward(softmax, gradient, scale, dropout));
    }
}

type Node<R> = FloatTensor<Differentiable<R>>;

fn inner<R: CubeRuntime, const D: usize>(x: Tensor<Differentiable<R>, D>) -> Node<R> {
    x.into_primitive().tensor()
}

fn outer<R: CubeRuntime, const D: usize>(x: Node<R>) -> Tensor<Differentiable<R>, D> {
    Tensor::from_primitive(TensorPrimitive::Float(x))
}
