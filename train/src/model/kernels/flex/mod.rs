//! The loops of `cpu`, `linear` and `attention` as operations of burn-flex, plain and differentiable.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::{Autodiff, Flex};

use burn::tensor::{Shape, Tensor, TensorData, TensorMetadata, TensorPrimitive};
use burn_flex::FlexTensor;

use super::attention::{Attention, RowSums, States};
use super::{AdamWStep, Dropout, Heads, Kernels, Moments, Padding, cpu, linear, stock};
use crate::model::Precision;

type Differentiable = Autodiff<Flex>;

impl Kernels for Flex {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        stock::rounded_product(a, b, precision)
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        if precision == Precision::Bf16 {
            return stock::affine(x, weight, bias, precision);
        }
        wrap(affine(&contiguous(raw(x)), &contiguous(raw(weight)), raw(bias)))
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        wrap(gelu(&contiguous(raw(x))))
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        wrap(drop_out(raw(x), dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        wrap(add_norm(raw(x), raw(residual), &contiguous(raw(weight)), raw(bias), eps, dropout).0)
    }

    fn attend(
        states: [Tensor<Self, 2>; 3],
        heads: Heads,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        if precision == Precision::Bf16 {
            return stock::attend(states, heads, padding, dropout, precision);
        }
        let states = states.map(|state| contiguous(raw(state)));
        wrap(attend(&states, heads, &padding.lengths, dropout).0)
    }

    fn square_sum(tensors: Vec<FlexTensor>) -> Tensor<Self, 1> {
        let sums = tensors.into_iter().map(|x| f64::from(cpu::square_sum(contiguous(x).storage())));
        wrap(new(vec![sums.sum::<f64>() as f32], Shape::new([1])))
    }

    fn adamw<const D: usize>(
        state: Moments<Tensor<Self, D>>,
        gradient: Tensor<Self, D>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Moments<Tensor<Self, D>> {
        let (mut param, mut mean, mut square) = (contiguous(raw(state.param)), contiguous(raw(state.mean)), contiguous(raw(state.square)));
        let (gradient, scale) = (contiguous(raw(gradient)), contiguous(raw(scale.clone())));
        cpu::adamw(param.storage_mut(), mean.storage_mut(), square.storage_mut(), gradient.storage(), scale.storage::<f32>()[0], step);
        Moments { param: wrap(param), mean: wrap(mean), square: wrap(square) }
    }
}

impl Kernels for Differentiable {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        stock::rounded_product(a, b, precision)
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        if precision == Precision::Bf16 {
            return stock::affine(x, weight, bias, precision);
        }
        let (x, weight, bias) = (inner(x), inner(weight), inner(bias));
        let state = (contiguous(x.primitive), contiguous(weight.primitive));
        let out = affine(&state.0, &state.1, bias.primitive);
        match Linear.prepare::<NoCheckpointing>([x.node, weight.node, bias.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(state, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let x = inner(x);
        let input = contiguous(x.primitive);
        let out = gelu(&input);
        match Gelu.prepare::<NoCheckpointing>([x.node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(input, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        let x = inner(x);
        let out = drop_out(x.primitive, dropout);
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
        let scale = contiguous(weight.primitive);
        let (out, normal, rstd) = add_norm(x.primitive, residual.primitive, &scale, bias.primitive, eps, dropout);
        let nodes = [x.node, residual.node, weight.node, bias.node];
        match AddNorm.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => outer(prep.finish(NormState { normal, rstd, weight: scale, dropout }, out)),
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }

    fn attend(
        states: [Tensor<Self, 2>; 3],
        heads: Heads,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        if precision == Precision::Bf16 {
            return stock::attend(states, heads, padding, dropout, precision);
        }
        let states = states.map(inner);
        let nodes = states.each_ref().map(|state| state.node.clone());
        let states = states.map(|state| contiguous(state.primitive));
        let (out, sums) = attend(&states, heads, &padding.lengths, dropout);
        match Attend.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                outer(prep.finish(AttendState { states, sums, heads, lengths: padding.lengths.clone(), dropout }, out))
            }
            OpsKind::UnTracked(prep) => outer(prep.finish(out)),
        }
    }
}

#[derive(Debug)]
struct Linear;

impl Backward<Flex, 3> for Linear {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let (x, weight) = ops.state;
        let [x_node, weight_node, bias_node] = ops.parents;
        let [inputs, outputs] = [weight.shape()[0], weight.shape()[1]];
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, new(linear::input_gradient(gradient.storage(), weight.storage(), outputs), x.shape()));
        }
        if let Some(node) = weight_node {
            let values = linear::weight_gradient(x.storage(), gradient.storage(), inputs, outputs);
            grads.register::<Flex>(node.id, new(values, weight.shape()));
        }
        if let Some(node) = bias_node {
            grads.register::<Flex>(node.id, new(cpu::column_sums(gradient.storage(), outputs), Shape::new([outputs])));
        }
    }
}

#[derive(Debug)]
struct Gelu;

impl Backward<Flex, 1> for Gelu {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let x = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            let mut gradient = contiguous(gradient);
            cpu::gelu_backward(x.storage(), gradient.storage_mut());
            gradient
        });
    }
}

#[derive(Debug)]
struct DropOut;

impl Backward<Flex, 1> for DropOut {
    type State = Option<Dropout>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| drop_out(gradient, ops.state));
    }
}

#[derive(Debug)]
struct AddNorm;

#[derive(Debug, Clone)]
struct NormState {
    normal: FlexTensor,
    rstd: FlexTensor,
    weight: FlexTensor,
    dropout: Option<Dropout>,
}

impl Backward<Flex, 4> for AddNorm {
    type State = NormState;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let NormState { normal, rstd, weight, dropout } = ops.state;
        let all = cpu::add_norm_backward(gradient.storage(), normal.storage(), rstd.storage(), weight.storage(), dropout);
        let (rows, row) = (gradient.shape(), weight.shape());
        let residual = new(all.residual, rows.clone());
        let x = all.x.map_or_else(|| residual.clone(), |x| new(x, rows));
        let gradients = [x, residual, new(all.weight, row.clone()), new(all.bias, row)];
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Attend;

#[derive(Debug, Clone)]
struct AttendState {
    states: [FlexTensor; 3],
    sums: RowSums,
    heads: Heads,
    lengths: Arc<[usize]>,
    dropout: Option<Dropout>,
}

impl Backward<Flex, 3> for Attend {
    type State = AttendState;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let AttendState { states, sums, heads, lengths, dropout } = ops.state;
        let attention = Attention { heads, lengths: &lengths, dropout };
        let gradients = attention.backward(slices(&states), &sums, gradient.storage());
        for (node, values) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, new(values, gradient.shape()));
            }
        }
    }
}

fn attend(states: &[FlexTensor; 3], heads: Heads, lengths: &[usize], dropout: Option<Dropout>) -> (FlexTensor, RowSums) {
    let (out, sums) = Attention { heads, lengths, dropout }.forward(slices(states));
    (new(out, states[0].shape()), sums)
}

fn slices([query, key, value]: &[FlexTensor; 3]) -> States<'_> {
    States { query: query.storage(), key: key.storage(), value: value.storage() }
}

fn affine(x: &FlexTensor, weight: &FlexTensor, bias: FlexTensor) -> FlexTensor {
    let bias = contiguous(bias);
    let out = linear::affine(x.storage(), weight.storage(), bias.storage());
    new(out, Shape::new([x.shape()[0], bias.shape()[0]]))
}

fn gelu(x: &FlexTensor) -> FlexTensor {
    new(cpu::gelu(x.storage()), x.shape())
}

fn drop_out(x: FlexTensor, dropout: Option<Dropout>) -> FlexTensor {
    let Some(dropout) = dropout else { return x };
    let mut x = contiguous(x);
    cpu::dropout(x.storage_mut(), dropout);
    x
}

/// Result, normalised rows, and one over their deviations.
fn add_norm(
    x: FlexTensor,
    residual: FlexTensor,
    weight: &FlexTensor,
    bias: FlexTensor,
    eps: f32,
    dropout: Option<Dropout>,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (x, residual, bias) = (contiguous(x), contiguous(residual), contiguous(bias));
    let normed = cpu::add_norm(x.storage(), residual.storage(), weight.storage(), bias.storage(), eps, dropout);
    let rows = Shape::new([normed.rstd.len()]);
    (new(normed.out, x.shape()), new(normed.normal, x.shape()), new(normed.rstd, rows))
}

fn new(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The same values in row-major order, sharing the buffer where they lie so already.
fn contiguous(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

fn raw<const D: usize>(x: Tensor<Flex, D>) -> FlexTensor {
    x.into_primitive().tensor()
}

fn wrap<const D: usize>(x: FlexTensor) -> Tensor<Flex, D> {
    Tensor::from_primitive(TensorPrimitive::Float(x))
}

type Node = burn::tensor::ops::FloatTensor<Differentiable>;

fn inner<const D: usize>(x: Tensor<Differentiable, D>) -> Node {
    x.into_primitive().tensor()
}

fn outer<const D: usize>(x: Node) -> Tensor<Differentiable, D> {
    Tensor::from_primitive(TensorPrimitive::Float(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<Differentiable, D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.5), &Default::default()).require_grad()
    }

    /// Compares value and gradients of two forms of an operation under a random weighting of its result. Each form is computed
    /// only once the other's graph is gone: a backward pass takes all that hangs together.
    fn check<const D: usize, const R: usize>(
        inputs: &[&Tensor<Differentiable, D>],
        got: impl FnOnce() -> Tensor<Differentiable, R>,
        expected: impl FnOnce() -> Tensor<Differentiable, R>,
    ) {
        let got = got();
        let weighting = random(got.dims()).detach();
        let values = got.to_data();
        let gradients = (got * weighting.clone()).sum().backward();
        let gradients: Vec<_> = inputs.iter().map(|input| input.grad(&gradients).unwrap().into_data()).collect();
        let expected = expected();
        values.assert_approx_eq::<f32>(&expected.to_data(), Tolerance::absolute(2e-5));
        let expected = (expected * weighting).sum().backward();
        for (input, gradient) in inputs.iter().zip(gradients) {
            gradient.assert_approx_eq::<f32>(&input.grad(&expected).unwrap().into_data(), Tolerance::absolute(1e-4));
        }
    }

    #[test]
    fn fused_operations_equal_stock_ones() {
        let (x, residual) = (random([37, 48]), random([37, 48]));
        check(&[&x], || Differentiable::erf_gelu(x.clone()), || stock::erf_gelu(x.clone()));

        let (weight, bias) = (random([48]), random([48]));
        let args = || (x.clone(), residual.clone(), weight.clone(), bias.clone());
        let fused = || {
            let (x, residual, weight, bias) = args();
            Differentiable::add_norm(x, residual, weight, bias, 1e-12, None)
        };
        let plain = || {
            let (x, residual, weight, bias) = args();
            stock::add_norm(x, residual, weight, bias, 1e-12, None)
        };
        check(&[&x, &residual], fused, plain);
        check(&[&weight, &bias], fused, plain);

        let (weight, bias) = (random([48, 20]), random([20]));
        let fused = || Differentiable::affine(x.clone(), weight.clone(), bias.clone(), Precision::F32);
        let plain = || stock::affine(x.clone(), weight.clone(), bias.clone(), Precision::F32);
        check(&[&x, &weight], fused, plain);
        check(&[&bias], fused, plain);

        let states = [(); 3].map(|()| random([3 * 19, 24]));
        let heads = Heads { batch: 3, length: 19, heads: 4 };
        let padding = Padding::new(vec![19, 7, 1].into(), &Default::default());
        for precision in [Precision::F32, Precision::Bf16] {
            let fused = || Differentiable::attend(states.clone(), heads, &padding, None, precision);
            check(&states.each_ref(), fused, || stock::attend(states.clone(), heads, &padding, None, precision));
        }
    }

    /// Rounded, the product of numbers that bf16 holds is the nearest bf16 to their exact product, and gradients are rounded alike.
    #[test]
    fn products_in_bf16_are_rounded() {
        let tensor = |values: [[f32; 2]; 2]| Tensor::<Differentiable, 2>::from_floats(values, &Default::default()).require_grad();
        // 1.003 lies between 1 and 1.0078125, 257 between 256 and 258: the even fraction wins.
        let (a, b) = (tensor([[1.003, 257.0], [3.0, 0.0]]), tensor([[1.0, 0.0], [0.0, 1.0]]));
        let out = Differentiable::product(a.clone(), b.clone(), Precision::Bf16);
        assert_eq!(out.to_data().to_vec::<f32>().unwrap(), [1.0, 256.0, 3.0, 0.0]);
        let gradients = (out * tensor([[1.003, 1.0], [1.0, 1.0]]).detach()).sum().backward();
        assert_eq!(a.grad(&gradients).unwrap().to_data().to_vec::<f32>().unwrap(), [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(b.grad(&gradients).unwrap().to_data().to_vec::<f32>().unwrap(), [4.0, 4.0, 256.0, 256.0]);
    }

    /// An operation under dropout must equal its stock form with the mask multiplied in, in value and gradient.
    #[test]
    fn gradients_see_the_same_dropout() {
        let dropout = Some(Dropout { rate: 0.4, seed: 99 });
        let (x, residual) = (random([37, 48]), random([37, 48]));
        let (weight, bias) = (random([48]).detach(), random([48]).detach());
        let mask = Differentiable::dropout(Tensor::ones([37, 48], &Default::default()), dropout);
        assert!(mask.clone().min().into_scalar() == 0.0, "the test wants some to fall out");
        check(&[&x], || Differentiable::dropout(x.clone(), dropout), || x.clone() * mask.clone());
        check(
            &[&x, &residual],
            || Differentiable::add_norm(x.clone(), residual.clone(), weight.clone(), bias.clone(), 1e-12, dropout),
            || stock::add_norm(x.clone() * mask.clone(), residual.clone(), weight.clone(), bias.clone(), 1e-12, None),
        );
        let states = [(); 3].map(|()| random([16, 12]));
        let heads = Heads { batch: 2, length: 8, heads: 3 };
        let padding = Padding::new(vec![8, 5].into(), &Default::default());
        let mask = Differentiable::dropout(Tensor::ones([48, 8], &Default::default()), dropout).reshape([2, 3, 8, 8]);
        check(
            &states.each_ref(),
            || Differentiable::attend(states.clone(), heads, &padding, dropout, Precision::F32),
            || {
                let [query, key, value] = states.clone().map(|state| heads.split(state));
                let scores = query.matmul(key.swap_dims(2, 3)) * 0.5;
                let masked = scores.mask_fill(padding.mask(8).expand([2, 3, 8, 8]), f32::MIN);
                heads.join((burn::tensor::activation::softmax(masked, 3) * mask.clone()).matmul(value))
            },
        );
    }
}
