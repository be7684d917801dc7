//! AdamW as BERT is trained with it.

use std::collections::HashMap;

use burn::module::{AutodiffModule, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{FloatDType, TensorMetadata, TensorPrimitive, ops::FloatTensor};
use serde::{Deserialize, Serialize};

use crate::device::TrainBackend;
use crate::model::kernels::{AdamWStep, Kernels, Moments};
use crate::model::names;

/// Settings of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWConfig {
    /// Decoupled weight decay, of all but biases and LayerNorm.
    pub weight_decay: f32,
    /// Global norm of all gradients at which they are clipped.
    pub clip_norm: f32,
    /// Decay of the mean.
    pub beta1: f32,
    /// Decay of the mean square.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub eps: f32,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { weight_decay: 0.01, clip_norm: 1.0, beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

/// AdamW with global-norm clipping.
///
/// Memory: two tensors for every parameter.
pub struct AdamW<B: Backend> {
    pub(super) config: AdamWConfig,
    pub(super) states: HashMap<String, State<B>>,
}

/// What the optimizer remembers of a parameter.
pub(super) struct State<B: Backend> {
    pub(super) mean: FloatTensor<B>,
    pub(super) square: FloatTensor<B>,
    /// Updates so far: a head may have no gradient in some steps.
    pub(super) steps: i32,
}

impl<B: Kernels> AdamW<B> {
    /// An optimizer that has seen nothing.
    pub fn new(config: AdamWConfig) -> Self {
        Self { config, states: HashMap::new() }
    }

    /// Updates all parameters that have a gradient.
    pub fn step<A, M>(&mut self, module: M, gradients: List<B>, lr: f64) -> M
    where
        A: TrainBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        let all: Vec<FloatTensor<B>> = gradients.0.iter().flatten().cloned().collect();
        assert!(!all.is_empty(), "a loss of this module has gradients");
        let norm = B::square_sum(all).sqrt();
        // As in PyTorch: min(1, clip / (norm + 1e-6)). It stays on the device, so nothing waits for it.
        let scale = (norm + 1e-6).recip().mul_scalar(self.config.clip_norm).clamp_max(1.0);
        let AdamWConfig { weight_decay, beta1, beta2, eps, .. } = self.config;
        let step = AdamWStep { lr: lr as f32, beta1, beta2, eps, decay: weight_decay, step: 0 };
        module.map(&mut Update::<A> { optimizer: self, gradients: gradients.0.into_iter(), scale, step, path: names::Path::default() })
    }

    /// The same memory on another device.
    #[must_use]
    pub fn on(&self, device: &B::Device) -> Self {
        let states = self.states.iter().map(|(name, State { mean, square, steps })| {
            let moved = |x: &FloatTensor<B>| B::float_to_device(x.clone(), device);
            (name.clone(), State { mean: moved(mean), square: moved(square), steps: *steps })
        });
        Self { config: self.config, states: states.collect() }
    }
}

/// Gradients of a module's parameters, in the order in which they are visited; a head may have none.
#[derive(Debug)]
pub struct List<B: Backend>(Vec<Option<FloatTensor<B>>>);

impl<B: Kernels> List<B> {
    /// Takes a module's gradients out of a backward pass.
    pub fn of<A, M>(module: &M, gradients: A::Gradients) -> Self
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        let mut all = Collect::<A> { gradients, found: Vec::new() };
        module.visit(&mut all);
        Self(all.found)
    }

    /// Adds the gradients of another batch of the same step.
    pub fn add(&mut self, more: Self) {
        for (sum, more) in self.0.iter_mut().zip(more.0) {
            *sum = match (sum.take(), more) {
                (Some(sum), Some(more)) => Some(B::float_add(sum, more)),
                (sum, more) => sum.or(more),
            };
        }
    }

    /// The sum of what several devices have, on each of them; an empty list stands for no gradients at all.
    pub fn all_reduce(lists: Vec<Self>, devices: &[B::Device]) -> Vec<Self> {
        let count = lists.iter().map(|list| list.0.len()).max().unwrap_or(0);
        let mut lists: Vec<_> = lists.into_iter().map(|list| list.0.into_iter()).collect();
        let mut sums: Vec<Self> = devices.iter().map(|_| Self::default()).collect();
        for _ in 0..count {
            let of_devices: Vec<Option<FloatTensor<B>>> = lists.iter_mut().map(|list| list.next().flatten()).collect();
            let like = of_devices.iter().flatten().next().map(|x| (x.shape(), FloatDType::from(x.dtype())));
            let mut reduced = match like {
                None => Vec::new(),
                Some((shape, dtype)) => {
                    let zeros = |device| B::float_zeros(shape.clone(), device, dtype);
                    B::all_reduce(of_devices.into_iter().zip(devices).map(|(x, device)| x.unwrap_or_else(|| zeros(device))).collect())
                }
            }
            .into_iter();
            sums.iter_mut().for_each(|sum| sum.0.push(reduced.next()));
        }
        sums
    }
}

impl<B: Backend> Default for List<B> {
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

struct Update<'a, A: AutodiffBackend> {
    optimizer: &'a mut AdamW<A::InnerBackend>,
    gradients: std::vec::IntoIter<Option<FloatTensor<A::InnerBackend>>>,
    scale: Tensor<A::InnerBackend, 1>,
    step: AdamWStep,
    path: names::Path,
}

impl<A: TrainBackend> ModuleMapper<A> for Update<'_, A> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<A, D>>) -> Param<Tensor<A, D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.next().flatten() else { return Param::from_mapped_value(id, tensor, mapper) };
        let name = self.path.name();
        let (param, wrap) = (tensor.inner(), |x| Tensor::<A::InnerBackend, D>::from_primitive(TensorPrimitive::Float(x)));
        let gradient = wrap(gradient);
        let (mean, square, steps) = match self.optimizer.states.remove(&name) {
            Some(state) => (wrap(state.mean), wrap(state.square), state.steps + 1),
            None => (param.zeros_like(), param.zeros_like(), 1),
        };
        let mut step = AdamWStep { step: steps, ..self.step };
        if names::is_undecayed(&name) {
            step.decay = 0.0;
        }
        let Moments { param, mean, square } = A::InnerBackend::adamw(Moments { param, mean, square }, gradient, &self.scale, &step);
        let raw = |x: Tensor<A::InnerBackend, D>| x.into_primitive().tensor();
        self.optimizer.states.insert(name, State { mean: raw(mean), square: raw(square), steps });
        Param::from_mapped_value(id, Tensor::from_inner(param).require_grad(), mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::{Autodiff, Flex};
    use burn::module::Module;

    type B = Autodiff<Flex>;

    #[derive(Module, Debug)]
    struct Pair<B: Backend> {
        weight: Param<Tensor<B, 1>>,
        bias: Param<Tensor<B, 1>>,
    }

    #[derive(Module, Debug)]
    struct Toy<B: Backend> {
        dense: Pair<B>,
        norm: Pair<B>,
    }

    impl Toy<B> {
        fn ones() -> Self {
            let one = || Param::from_tensor(Tensor::ones([1], &Default::default()));
            let pair = || Pair { weight: one(), bias: one() };
            Self { dense: pair(), norm: pair() }
        }

        fn values(&self) -> [f32; 4] {
            [&self.dense.weight, &self.dense.bias, &self.norm.weight, &self.norm.bias].map(|param| param.val().into_scalar())
        }

        /// A loss whose gradients are these.
        fn loss(&self, gradients: [f32; 4]) -> Tensor<B, 1> {
            let [a, b, c, d] = gradients;
            let part = |param: &Param<Tensor<B, 1>>, gradient: f32| param.val() * gradient;
            part(&self.dense.weight, a) + part(&self.dense.bias, b) + part(&self.norm.weight, c) + part(&self.norm.bias, d)
        }
    }

    fn check(config: AdamWConfig, steps: &[[f32; 4]], expected: [f32; 4]) {
        let mut optimizer = AdamW::<Flex>::new(config);
        let mut toy = Toy::ones();
        for &gradients in steps {
            let gradients = List::of(&toy, toy.loss(gradients).backward());
            toy = optimizer.step(toy, gradients, 0.1);
        }
        for (got, expected) in toy.values().into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{:?}, expected {expected}", toy.values());
        }
    }

    #[test]
    fn gradients_are_clipped_together_and_only_matrices_decay() {
        // The norm is 13 = √(9 + 16 + 144), so gradients become 3/13, 4/13, 12/13 and 0; with eps 1 the first step is
        // 0.1 · g / (|g| + 1). Decay takes 0.1 · 0.5 off the first parameter only.
        let config = AdamWConfig { eps: 1.0, weight_decay: 0.5, ..AdamWConfig::default() };
        check(config, &[[3.0, 4.0, -12.0, 0.0]], [0.95 - 0.01875, 1.0 - 0.023_529_41, 1.0 + 0.048, 1.0]);
    }

    #[test]
    fn small_gradients_are_left_alone() {
        let config = AdamWConfig { eps: 1.0, weight_decay: 0.0, clip_norm: 100.0, ..AdamWConfig::default() };
        check(config, &[[3.0, 4.0, -12.0, 0.0]], [1.0 - 0.075, 1.0 - 0.08, 1.0 + 0.092_307_69, 1.0]);
    }

    #[test]
    fn moments_run_from_step_to_step() {
        // As PyTorch's AdamW: gradients 3 then 1, unclipped, no decay. mean = 0.9·0.3 + 0.1 = 0.37, over 0.19;
        // square = 0.999·0.009 + 0.001 = 0.009991, over 0.001999; 0.1 · 1.947368 / √4.997999 = 0.087106.
        let config = AdamWConfig { weight_decay: 0.0, clip_norm: 100.0, ..AdamWConfig::default() };
        check(config, &[[3.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], [1.0 - 0.1 - 0.087_106, 1.0, 1.0, 1.0]);
    }

    fn values(list: &List<Flex>) -> Vec<Option<f32>> {
        let value = |x: &FloatTensor<Flex>| Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(x.clone())).into_scalar();
        list.0.iter().map(|x| x.as_ref().map(value)).collect()
    }

    #[test]
    fn gradients_of_two_batches_are_those_of_both() {
        let toy = Toy::ones();
        let whole = || List::of(&toy, toy.loss([1.0, 2.0, 0.0, 4.0]).backward());
        // A batch whose loss does not reach all parameters.
        let part = || List::of(&toy, (toy.dense.weight.val() * 3.0).backward());
        let sum = [Some(4.0), Some(2.0), Some(0.0), Some(4.0)];
        for (mut first, second) in [(whole(), part()), (part(), whole())] {
            first.add(second);
            assert_eq!(values(&first), sum);
        }
        let reduced = List::all_reduce(vec![part(), whole()], &[Default::default(); 2]);
        assert!(reduced.len() == 2 && reduced.iter().all(|list| values(list) == sum));
        let reduced = List::all_reduce(vec![part(), part()], &[Default::default(); 2]);
        assert_eq!(values(&reduced[1]), [Some(6.0), None, None, None]);
    }

    #[test]
    fn what_was_stored_goes_on_as_if_never_stopped() {
        let step = |optimizer: &mut AdamW<Flex>, toy: Toy<B>| {
            let gradients = List::of(&toy, toy.loss([1.0, 0.5, -2.0, 0.1]).backward());
            optimizer.step(toy, gradients, 0.1)
        };
        let mut optimizer = AdamW::<Flex>::new(AdamWConfig::default());
        let toy = step(&mut optimizer, Toy::ones());
        let file = optimizer.to_safetensors().unwrap();
        let mut other = AdamW::<Flex>::from_safetensors(AdamWConfig::default(), &file, &Default::default()).unwrap();
        assert_eq!(step(&mut optimizer, toy.clone()).values(), step(&mut other, toy).values());
        assert!(AdamW::<Flex>::from_safetensors(AdamWConfig::default(), b"nothing", &Default::default()).is_err());
    }

    #[test]
    fn the_fused_update_equals_the_stock_one() {
        use crate::model::kernels::stock;
        use burn::tensor::{Distribution, Tolerance};
        let random = || Tensor::<Flex, 2>::random([70, 300], Distribution::Normal(0.0, 1.0), &Default::default());
        let (param, mean, square, gradient) = (random(), random(), random().abs(), random());
        let state = || Moments { param: param.clone(), mean: mean.clone(), square: square.clone() };
        let scale = Tensor::from_floats([0.25], &Default::default());
        let step = AdamWStep { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01, step: 3 };
        let fused = Flex::adamw(state(), gradient.clone(), &scale, &step);
        let stock = stock::adamw(state(), gradient, &scale, &step);
        for (fused, stock) in [(fused.param, stock.param), (fused.mean, stock.mean), (fused.square, stock.square)] {
            fused.into_data().assert_approx_eq::<f32>(&stock.into_data(), Tolerance::absolute(1e-5));
        }
    }
}
