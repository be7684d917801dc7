//! The optimizer: AdamW with BERT's exceptions from weight decay.

use std::collections::{BTreeMap, HashMap};

use burn::module::{AutodiffModule, ModuleMapper, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{TensorPrimitive, ops::FloatTensor};
use serde::{Deserialize, Serialize};

use super::gradients::Gradients;
use crate::device::TrainBackend;
use crate::kernels::{AdamWState, AdamWStep, Kernels};
use crate::parameter_names::{self, ParameterPath};

/// Settings of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWConfig {
    /// Decoupled weight decay, of all parameters but biases and LayerNorm.
    pub weight_decay: f32,
    /// Norm of all gradients together to which larger ones are scaled down.
    pub clip_norm: f32,
    /// Decay rate of the first moment.
    pub beta1: f32,
    /// Decay rate of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { weight_decay: 0.01, clip_norm: 1.0, beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

/// AdamW (Loshchilov and Hutter, ICLR 2019) with clipping of the global gradient norm.
///
/// Memory: two tensors for each parameter that ever had a gradient.
pub struct AdamW<B: Backend> {
    config: AdamWConfig,
    /// By name of the parameter, as in the model's file.
    states: HashMap<String, ParameterState<B>>,
}

/// Optimizer state of a parameter.
pub(super) struct ParameterState<B: Backend> {
    /// First moment: moving average of the gradient.
    pub(super) mean: FloatTensor<B>,
    /// Second moment: moving average of the squared gradient.
    pub(super) square: FloatTensor<B>,
    /// Updates so far: a parameter may have no gradient in some steps.
    pub(super) steps: i32,
}

impl<B: Backend> AdamW<B> {
    /// An optimizer without state.
    pub fn new(config: AdamWConfig) -> Self {
        Self::with_states(config, HashMap::new())
    }

    pub(super) fn with_states(config: AdamWConfig, states: HashMap<String, ParameterState<B>>) -> Self {
        Self { config, states }
    }

    pub(super) fn states(&self) -> &HashMap<String, ParameterState<B>> {
        &self.states
    }

    /// Removes the state of all parameters whose names begin with `prefix`: their next update is like the first.
    pub fn reset(&mut self, prefix: &str) {
        self.states.retain(|name, _| !name.starts_with(prefix));
    }

    /// A copy on another device.
    #[must_use]
    pub fn to_device(&self, device: &B::Device) -> Self {
        let states = self.states.iter().map(|(name, ParameterState { mean, square, steps })| {
            let moved = |x: &FloatTensor<B>| B::float_to_device(x.clone(), device);
            (name.clone(), ParameterState { mean: moved(mean), square: moved(square), steps: *steps })
        });
        Self { config: self.config, states: states.collect() }
    }
}

impl<B: Kernels> AdamW<B> {
    /// Updates all parameters that have a gradient and returns the module with them.
    ///
    /// # Panics
    /// If no parameter has a gradient, or the gradients are of another module.
    pub fn step<A, M>(&mut self, module: M, gradients: Gradients<B>, lr: f64) -> M
    where
        A: TrainBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        let all: Vec<FloatTensor<B>> = gradients.0.iter().flatten().cloned().collect();
        assert!(!all.is_empty(), "no parameter of the module has a gradient");
        let norm = B::square_sum(all).sqrt();
        // As in PyTorch: min(1, clip / (norm + 1e-6)). It stays on the device, so nothing waits for it.
        let scale = (norm + 1e-6).recip().mul_scalar(self.config.clip_norm).clamp_max(1.0);
        let mut take =
            TakeParameters::<A> { optimizer: self, gradients: gradients.0.into_iter(), taken: Vec::new(), path: ParameterPath::default() };
        let module = module.map(&mut take);
        let taken = take.taken;
        module.map(&mut PutParameters::<A>(self.update(taken, &scale, lr).into_iter()))
    }

    /// The new values of parameters, `None` for those without a gradient. Parameters that are updated alike are updated together.
    fn update(&mut self, taken: Vec<Option<TakenParameter<B>>>, scale: &Tensor<B, 1>, lr: f64) -> Vec<Option<FloatTensor<B>>> {
        let AdamWConfig { weight_decay, beta1, beta2, eps, .. } = self.config;
        let mut params: Vec<Option<FloatTensor<B>>> = taken.iter().map(|_| None).collect();
        let mut groups = BTreeMap::<(bool, i32), Vec<_>>::new();
        for (position, taken) in taken.into_iter().enumerate().filter_map(|(position, taken)| Some((position, taken?))) {
            let decays = !parameter_names::is_exempt_from_weight_decay(&taken.name);
            groups.entry((decays, taken.steps)).or_default().push((position, taken));
        }
        for ((decays, steps), group) in groups {
            let decay = if decays { weight_decay } else { 0.0 };
            let step = AdamWStep { lr: lr as f32, beta1, beta2, eps, decay, step: steps };
            let (places, tensors): (Vec<_>, Vec<_>) =
                group.into_iter().map(|(position, taken)| ((position, taken.name), (taken.state, taken.gradient))).unzip();
            let (states, gradients) = tensors.into_iter().unzip();
            for ((position, name), state) in places.into_iter().zip(B::adamw(states, gradients, scale, &step)) {
                let AdamWState { param, mean, square } = state;
                self.states.insert(name, ParameterState { mean, square, steps });
                params[position] = Some(param);
            }
        }
        params
    }
}

/// A parameter with a gradient, taken out of its module so that nothing else refers to its memory.
struct TakenParameter<B: Backend> {
    name: String,
    state: AdamWState<FloatTensor<B>>,
    gradient: FloatTensor<B>,
    /// Updates, with this one.
    steps: i32,
}

/// Takes the parameters that have a gradient, with their optimizer state.
struct TakeParameters<'a, A: AutodiffBackend> {
    optimizer: &'a mut AdamW<A::InnerBackend>,
    gradients: std::vec::IntoIter<Option<FloatTensor<A::InnerBackend>>>,
    /// In the order in which a visitor sees them.
    taken: Vec<Option<TakenParameter<A::InnerBackend>>>,
    path: ParameterPath,
}

impl<A: TrainBackend> ModuleMapper<A> for TakeParameters<'_, A> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<A, D>>) -> Param<Tensor<A, D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.next().flatten() else {
            self.taken.push(None);
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let name = self.path.name();
        let placeholder = Tensor::empty([1; D], &tensor.device());
        let param = tensor.inner();
        let zeros = || param.zeros_like().into_primitive().tensor();
        let (mean, square, steps) = match self.optimizer.states.remove(&name) {
            Some(state) => (state.mean, state.square, state.steps + 1),
            None => (zeros(), zeros(), 1),
        };
        let state = AdamWState { param: param.into_primitive().tensor(), mean, square };
        self.taken.push(Some(TakenParameter { name, state, gradient, steps }));
        Param::from_mapped_value(id, placeholder, mapper)
    }
}

/// Puts the new values of parameters in their places.
struct PutParameters<A: AutodiffBackend>(std::vec::IntoIter<Option<FloatTensor<A::InnerBackend>>>);

impl<A: TrainBackend> ModuleMapper<A> for PutParameters<A> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<A, D>>) -> Param<Tensor<A, D>> {
        let Some(updated) = self.0.next().flatten() else { return param };
        let (id, _, mapper) = param.consume();
        let updated = Tensor::from_inner(Tensor::from_primitive(TensorPrimitive::Float(updated)));
        Param::from_mapped_value(id, updated.require_grad(), mapper)
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
            let gradients = Gradients::of(&toy, toy.loss(gradients).backward());
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
    fn gradients_below_the_clip_norm_are_not_scaled() {
        let config = AdamWConfig { eps: 1.0, weight_decay: 0.0, clip_norm: 100.0, ..AdamWConfig::default() };
        check(config, &[[3.0, 4.0, -12.0, 0.0]], [1.0 - 0.075, 1.0 - 0.08, 1.0 + 0.092_307_69, 1.0]);
    }

    #[test]
    fn moments_are_averages_over_steps() {
        // As PyTorch's AdamW: gradients 3 then 1, unclipped, no decay. mean = 0.9·0.3 + 0.1 = 0.37, over 0.19;
        // square = 0.999·0.009 + 0.001 = 0.009991, over 0.001999; 0.1 · 1.947368 / √4.997999 = 0.087106.
        let config = AdamWConfig { weight_decay: 0.0, clip_norm: 100.0, ..AdamWConfig::default() };
        check(config, &[[3.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], [1.0 - 0.1 - 0.087_106, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_stored_optimizer_continues_as_the_one_in_memory() {
        let step = |optimizer: &mut AdamW<Flex>, toy: Toy<B>| {
            let gradients = Gradients::of(&toy, toy.loss([1.0, 0.5, -2.0, 0.1]).backward());
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
        use crate::kernels::reference;
        use burn::tensor::{Distribution, Tolerance};
        let random = || Tensor::<Flex, 2>::random([70, 300], Distribution::Normal(0.0, 1.0), &Default::default());
        let [param, mean, square, gradient] = [random(), random(), random().abs(), random()].map(|x| x.into_primitive().tensor());
        let state = || AdamWState { param: param.clone(), mean: mean.clone(), square: square.clone() };
        let scale = Tensor::from_floats([0.25], &Default::default());
        let step = AdamWStep { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01, step: 3 };
        let fused = Flex::adamw(vec![state()], vec![gradient.clone()], &scale, &step).remove(0);
        let reference = reference::adamw::<Flex>(state(), gradient, &scale, &step);
        for (fused, reference) in [(fused.param, reference.param), (fused.mean, reference.mean), (fused.square, reference.square)] {
            let [fused, reference] = [fused, reference].map(|x| Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(x)).into_data());
            fused.assert_approx_eq::<f32>(&reference, Tolerance::absolute(1e-5));
        }
    }
}
