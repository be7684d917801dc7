//! Gradients of a module, added up over batches and devices.

use burn::module::{AutodiffModule, ModuleVisitor, Param};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{FloatDType, Tensor, TensorMetadata, ops::FloatTensor};

use crate::kernels::Kernels;

/// Gradients of the parameters of a module, in the order in which a visitor sees them. A parameter that the loss does not depend on
/// has none.
#[derive(Debug)]
pub struct Gradients<B: Backend>(pub(super) Vec<Option<FloatTensor<B>>>);

impl<B: Kernels> Gradients<B> {
    /// The gradients of a module's parameters, taken out of the result of a backward pass.
    pub fn of<A, M>(module: &M, gradients: A::Gradients) -> Self
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        let mut visitor = Collect::<A> { gradients, found: Vec::new() };
        module.visit(&mut visitor);
        Self(visitor.found)
    }

    /// Gradient accumulation: adds the gradients of another batch of the same step.
    pub fn add(&mut self, other: Self) {
        for (sum, other) in self.0.iter_mut().zip(other.0) {
            *sum = match (sum.take(), other) {
                (Some(sum), Some(other)) => Some(B::float_add(sum, other)),
                (sum, other) => sum.or(other),
            };
        }
    }

    /// The sum of the gradients of several devices, on each of them. Gradients by [`Default`] stand for a device without a batch.
    pub fn all_reduce(of_devices: Vec<Self>, devices: &[B::Device]) -> Vec<Self> {
        let count = of_devices.iter().map(|gradients| gradients.0.len()).max().unwrap_or(0);
        let mut of_devices: Vec<_> = of_devices.into_iter().map(|gradients| gradients.0.into_iter()).collect();
        let mut sums: Vec<Self> = devices.iter().map(|_| Self::default()).collect();
        for _ in 0..count {
            let of_parameter: Vec<Option<FloatTensor<B>>> = of_devices.iter_mut().map(|gradients| gradients.next().flatten()).collect();
            let like = of_parameter.iter().flatten().next().map(|x| (x.shape(), FloatDType::from(x.dtype())));
            let mut reduced = match like {
                None => Vec::new(),
                Some((shape, dtype)) => {
                    let zeros = |device| B::float_zeros(shape.clone(), device, dtype);
                    B::all_reduce(of_parameter.into_iter().zip(devices).map(|(x, device)| x.unwrap_or_else(|| zeros(device))).collect())
                }
            }
            .into_iter();
            sums.iter_mut().for_each(|sum| sum.0.push(reduced.next()));
        }
        sums
    }
}

impl<B: Backend> Default for Gradients<B> {
    /// No gradients at all.
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct Collect<A: AutodiffBackend> {
    gradients: A::Gradients,
    found: Vec<Option<FloatTensor<A::InnerBackend>>>,
}

impl<A: AutodiffBackend> ModuleVisitor<A> for Collect<A> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<A, D>>) {
        let gradient = param.val().grad_remove(&mut self.gradients);
        self.found.push(gradient.map(|gradient| gradient.into_primitive().tensor()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::{Autodiff, Flex};
    use burn::module::Module;
    use burn::tensor::TensorPrimitive;

    type B = Autodiff<Flex>;

    #[derive(Module, Debug)]
    struct Toy<B: Backend> {
        a: Param<Tensor<B, 1>>,
        b: Param<Tensor<B, 1>>,
    }

    impl Toy<B> {
        fn ones() -> Self {
            let one = || Param::from_tensor(Tensor::ones([1], &Default::default()));
            Self { a: one(), b: one() }
        }
    }

    fn values(gradients: &Gradients<Flex>) -> Vec<Option<f32>> {
        let value = |x: &FloatTensor<Flex>| Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(x.clone())).into_scalar();
        gradients.0.iter().map(|x| x.as_ref().map(value)).collect()
    }

    #[test]
    fn gradients_of_two_batches_are_those_of_both() {
        let toy = Toy::ones();
        let both = || Gradients::of(&toy, (toy.a.val() + toy.b.val() * 4.0).backward());
        // A batch whose loss depends on one parameter alone.
        let one = || Gradients::of(&toy, (toy.a.val() * 3.0).backward());
        let sum = [Some(4.0), Some(4.0)];
        for (mut first, second) in [(both(), one()), (one(), both())] {
            first.add(second);
            assert_eq!(values(&first), sum);
        }
        let reduced = Gradients::all_reduce(vec![one(), both()], &[Default::default(); 2]);
        assert!(reduced.len() == 2 && reduced.iter().all(|gradients| values(gradients) == sum));
        let reduced = Gradients::all_reduce(vec![one(), one()], &[Default::default(); 2]);
        assert_eq!(values(&reduced[1]), [Some(6.0), None]);
        let reduced = Gradients::all_reduce(vec![one(), Gradients::default()], &[Default::default(); 2]);
        assert_eq!(values(&reduced[0]), [Some(3.0), None]);
    }
}
