//! [`Kernels`] of burn-flex, plain and differentiable.
//!
//! In bf16, linear maps have inputs and products in it; attention between them is f32. Other [products](Kernels::product) are computed in f32
//! on rounded inputs.

use burn::backend::{Autodiff, Flex};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;

use super::operations::{self, from_values, row_major};
use crate::kernels::adamw::{AdamWState, AdamWStep};
use crate::kernels::attention_shape::AttentionShape;
use crate::kernels::autodiff::{differentiable, plain, primitive, tensor};
use crate::kernels::cpu::product::bf16;
use crate::kernels::cpu::{adamw, reductions};
use crate::kernels::dropout::Dropout;
use crate::kernels::layer_weights::{LinearMap, primitives_with_maps};
use crate::kernels::operations::Kernels;
use crate::kernels::padding::Padding;
use crate::kernels::precision::Precision;
use crate::kernels::reference;

impl Kernels for Flex {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        reference::rounded_product(a, b, precision)
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(weight), primitive(bias)];
        match precision {
            Precision::Bf16 => plain(operations::affine::<bf16>(inputs)),
            Precision::F32 | Precision::Tf32 => plain(operations::affine::<f32>(inputs)),
        }
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        plain(operations::gelu([primitive(x)]))
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        plain(operations::dropout([primitive(x)], dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        plain(operations::add_norm([primitive(x), primitive(residual), primitive(weight), primitive(bias)], eps, dropout))
    }

    fn affine_gelu(x: Tensor<Self, 2>, map: LinearMap<Self>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias)];
        tensor(match precision {
            Precision::Bf16 => operations::affine_gelu_output::<bf16>(inputs),
            Precision::F32 | Precision::Tf32 => operations::affine_gelu_output::<f32>(inputs),
        })
    }

    fn self_attention(
        x: Tensor<Self, 2>,
        maps: [LinearMap<Self>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let (inputs, lengths) = (primitives_with_maps(x, maps), padding.lengths.clone());
        match precision {
            Precision::Bf16 => plain(operations::self_attention::<bf16>(inputs, shape, lengths, dropout)),
            Precision::F32 | Precision::Tf32 => plain(operations::self_attention::<f32>(inputs, shape, lengths, dropout)),
        }
    }

    fn square_sum(tensors: Vec<FlexTensor>) -> Tensor<Self, 1> {
        let sums = tensors.into_iter().map(|x| f64::from(reductions::square_sum(row_major(x).storage())));
        tensor(from_values(vec![sums.sum::<f64>() as f32], Shape::new([1])))
    }

    fn adamw(
        states: Vec<AdamWState<FlexTensor>>,
        gradients: Vec<FlexTensor>,
        scale: &Tensor<Self, 1>,
        step: &AdamWStep,
    ) -> Vec<AdamWState<FlexTensor>> {
        let scale = row_major(primitive(scale.clone())).storage::<f32>()[0];
        let update = |(AdamWState { param, mean, square }, gradient): (AdamWState<FlexTensor>, FlexTensor)| {
            let [mut param, mut mean, mut square, gradient] = [param, mean, square, gradient].map(row_major);
            adamw::adamw(param.storage_mut(), mean.storage_mut(), square.storage_mut(), gradient.storage(), scale, step);
            AdamWState { param, mean, square }
        };
        states.into_iter().zip(gradients).map(update).collect()
    }
}

impl Kernels for Autodiff<Flex> {
    fn product<const D: usize>(a: Tensor<Self, D>, b: Tensor<Self, D>, precision: Precision) -> Tensor<Self, D> {
        reference::rounded_product(a, b, precision)
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(weight), primitive(bias)];
        match precision {
            Precision::Bf16 => differentiable(inputs, operations::affine::<bf16>),
            Precision::F32 | Precision::Tf32 => differentiable(inputs, operations::affine::<f32>),
        }
    }

    fn erf_gelu(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        differentiable([primitive(x)], operations::gelu)
    }

    fn dropout(x: Tensor<Self, 2>, dropout: Option<Dropout>) -> Tensor<Self, 2> {
        differentiable([primitive(x)], |x| operations::dropout(x, dropout))
    }

    fn add_norm(
        x: Tensor<Self, 2>,
        residual: Tensor<Self, 2>,
        weight: Tensor<Self, 1>,
        bias: Tensor<Self, 1>,
        eps: f32,
        dropout: Option<Dropout>,
    ) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(residual), primitive(weight), primitive(bias)];
        differentiable(inputs, |inputs| operations::add_norm(inputs, eps, dropout))
    }

    fn affine_gelu(x: Tensor<Self, 2>, map: LinearMap<Self>, precision: Precision) -> Tensor<Self, 2> {
        let inputs = [primitive(x), primitive(map.weight), primitive(map.bias)];
        match precision {
            Precision::Bf16 => differentiable(inputs, operations::affine_gelu::<bf16>),
            Precision::F32 | Precision::Tf32 => differentiable(inputs, operations::affine_gelu::<f32>),
        }
    }

    fn self_attention(
        x: Tensor<Self, 2>,
        maps: [LinearMap<Self>; 3],
        shape: AttentionShape,
        padding: &Padding<Self>,
        dropout: Option<Dropout>,
        precision: Precision,
    ) -> Tensor<Self, 2> {
        let (inputs, lengths) = (primitives_with_maps(x, maps), padding.lengths.clone());
        match precision {
            Precision::Bf16 => differentiable(inputs, |inputs| operations::self_attention::<bf16>(inputs, shape, lengths, dropout)),
            Precision::F32 | Precision::Tf32 => {
                differentiable(inputs, |inputs| operations::self_attention::<f32>(inputs, shape, lengths, dropout))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::operations::affine_by_product;
    use burn::tensor::backend::Backend;
    use burn::tensor::{Distribution, TensorData};

    type Differentiable = Autodiff<Flex>;

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<Differentiable, D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.5), &Default::default()).require_grad()
    }

    /// Compares values and gradients of two forms of an operation, under a random weighting of the result. A form is computed only after
    /// the graph of the other is gone, for a backward pass consumes every graph that shares its leaves.
    fn check<const D: usize, const R: usize>(
        inputs: &[&Tensor<Differentiable, D>],
        got: impl FnOnce() -> Tensor<Differentiable, R>,
        expected: impl FnOnce() -> Tensor<Differentiable, R>,
    ) {
        check_within(4e-6, inputs, got, expected);
    }

    /// [`check`] with a tolerance, relative to the norm of all elements.
    fn check_within<const D: usize, const R: usize>(
        tolerance: f64,
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
        assert_close(&values, &expected.to_data(), tolerance);
        let expected = (expected * weighting).sum().backward();
        for (input, gradient) in inputs.iter().zip(gradients) {
            assert_close(&gradient, &input.grad(&expected).unwrap().into_data(), tolerance);
        }
    }

    /// Elements are sums of many terms, whose rounding is relative to the terms and not to a sum that may be small: so the distance counts
    /// beside the norm of all.
    fn assert_close(got: &TensorData, expected: &TensorData, tolerance: f64) {
        let values = |data: &TensorData| data.to_vec::<f32>().unwrap();
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let (got, expected) = (values(got), values(expected));
        let distance = norm(&mut got.iter().zip(&expected).map(|(a, b)| a - b));
        let size = norm(&mut expected.iter().copied());
        assert!(got.len() == expected.len() && distance <= tolerance * size, "distance {distance:e} of {size}");
    }

    #[test]
    fn fused_operations_equal_their_reference() {
        let (x, residual) = (random([37, 48]), random([37, 48]));
        check(&[&x], || Differentiable::erf_gelu(x.clone()), || reference::erf_gelu(x.clone()));

        let (weight, bias) = (random([48]), random([48]));
        let args = || (x.clone(), residual.clone(), weight.clone(), bias.clone());
        let fused = || {
            let (x, residual, weight, bias) = args();
            Differentiable::add_norm(x, residual, weight, bias, 1e-12, None)
        };
        let composed = || {
            let (x, residual, weight, bias) = args();
            reference::add_norm(x, residual, weight, bias, 1e-12, None)
        };
        check(&[&x, &residual], fused, composed);
        check(&[&weight, &bias], fused, composed);

        let (weight, bias) = (random([48, 20]), random([20]));
        // In bf16 the composed forms round the same numbers, but a sum in another order may be rounded to the other neighbour.
        for (precision, tolerance) in [(Precision::F32, 4e-6), (Precision::Bf16, 2e-3)] {
            let fused = || Differentiable::affine(x.clone(), weight.clone(), bias.clone(), precision);
            let composed = || affine_by_product(x.clone(), weight.clone(), bias.clone(), precision);
            check_within(tolerance, &[&x, &weight], fused, composed);
            check_within(tolerance, &[&bias], fused, composed);

            let fused = || Differentiable::affine_gelu(x.clone(), map(&weight, &bias), precision);
            let composed = || reference::erf_gelu(affine_by_product(x.clone(), weight.clone(), bias.clone(), precision));
            check_within(tolerance, &[&x, &weight], fused, composed);
            check_within(tolerance, &[&bias], fused, composed);
            let output = <Flex as Kernels>::affine_gelu(x.clone().inner(), map(&weight.clone().inner(), &bias.clone().inner()), precision);
            assert_close(&output.to_data(), &composed().to_data(), tolerance);
        }

        let x = random([3 * 19, 20]);
        let (weights, biases) = ([(); 3].map(|()| random([20, 24]) * 0.3), [(); 3].map(|()| random([24])));
        let (weights, biases) = (weights.map(|weight| weight.detach().require_grad()), biases);
        let maps = || [0, 1, 2].map(|at| map(&weights[at], &biases[at]));
        let shape = AttentionShape { batch: 3, length: 19, heads: 4 };
        let padding = Padding::new(vec![19, 7, 1].into(), &Default::default());
        // Attention between the maps is f32 in both; it makes more of a state that was rounded to the other neighbour.
        for (precision, tolerance) in [(Precision::F32, 4e-6), (Precision::Bf16, 3e-2)] {
            let fused = || Differentiable::self_attention(x.clone(), maps(), shape, &padding, None, precision);
            let composed = || {
                let states = maps().map(|map| affine_by_product(x.clone(), map.weight, map.bias, precision));
                Differentiable::attend(states, shape, &padding, None, Precision::F32)
            };
            check_within(tolerance, &[&x, &weights[0], &weights[1], &weights[2]], fused, composed);
            // The bias of keys adds the same to all scores of a query, so that its gradient is zero.
            check_within(tolerance, &[&biases[0], &biases[2]], fused, composed);
        }
    }

    fn map<B: Backend>(weight: &Tensor<B, 2>, bias: &Tensor<B, 1>) -> LinearMap<B> {
        LinearMap { weight: weight.clone(), bias: bias.clone() }
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

    /// An operation under dropout must equal its reference form with the mask multiplied in, in value and gradient.
    #[test]
    fn gradients_see_the_same_dropout() {
        let dropout = Some(Dropout { rate: 0.4, seed: 99 });
        let (x, residual) = (random([37, 48]), random([37, 48]));
        let (weight, bias) = (random([48]).detach(), random([48]).detach());
        let mask = Differentiable::dropout(Tensor::ones([37, 48], &Default::default()), dropout);
        assert!(mask.clone().min().into_scalar() == 0.0, "some elements are dropped");
        check(&[&x], || Differentiable::dropout(x.clone(), dropout), || x.clone() * mask.clone());
        check(
            &[&x, &residual],
            || Differentiable::add_norm(x.clone(), residual.clone(), weight.clone(), bias.clone(), 1e-12, dropout),
            || reference::add_norm(x.clone() * mask.clone(), residual.clone(), weight.clone(), bias.clone(), 1e-12, None),
        );
        let x = random([16, 12]);
        let (weights, bias) = ([(); 3].map(|()| random([12, 12]).detach() * 0.3), random([12]).detach());
        let shape = AttentionShape { batch: 2, length: 8, heads: 3 };
        let padding = Padding::new(vec![8, 5].into(), &Default::default());
        let mask = Differentiable::dropout(Tensor::ones([48, 8], &Default::default()), dropout).reshape([2, 3, 8, 8]);
        check(
            &[&x],
            || {
                let maps = weights.each_ref().map(|weight| map(weight, &bias));
                Differentiable::self_attention(x.clone(), maps, shape, &padding, dropout, Precision::F32)
            },
            || {
                let state = |weight: &Tensor<Differentiable, 2>| x.clone().matmul(weight.clone()) + bias.clone().unsqueeze();
                let [query, key, value] = weights.each_ref().map(|weight| shape.split_heads(state(weight)));
                let scores = query.matmul(key.swap_dims(2, 3)) * 0.5;
                let masked = scores.mask_fill(padding.mask(8).expand([2, 3, 8, 8]), f32::MIN);
                shape.join_heads((burn::tensor::activation::softmax(masked, 3) * mask.clone()).matmul(value))
            },
        );
    }
}
