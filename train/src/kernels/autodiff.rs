//! The bridge from fused operations to Burn's automatic differentiation.
//!
//! A backend writes each fused operation once, as a function that returns an [`Operation`]: the output and the backward pass. The plain
//! backend takes the output ([`plain`]), the differentiable one records the backward pass too ([`differentiable`]).

use std::fmt;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};

/// A fused operation that was computed.
pub struct Operation<T, F> {
    /// Its result.
    pub output: T,
    /// Computes the gradients of its inputs: see [`BackwardPass`].
    pub backward: F,
}

/// The backward pass of an operation with `N` inputs: from the gradient of the output, and for each input whether its gradient is
/// wanted, to the gradients of the inputs. An unwanted gradient may be left out or given.
pub trait BackwardPass<B: Backend, const N: usize>:
    FnOnce(FloatTensor<B>, [bool; N]) -> [Option<FloatTensor<B>>; N] + Send + 'static
{
}

impl<B: Backend, F, const N: usize> BackwardPass<B, N> for F where
    F: FnOnce(FloatTensor<B>, [bool; N]) -> [Option<FloatTensor<B>>; N] + Send + 'static
{
}

/// The output of an operation alone, for inference.
pub fn plain<B: Backend, F, const D: usize>(operation: Operation<FloatTensor<B>, F>) -> Tensor<B, D> {
    tensor(operation.output)
}

/// Runs an operation on the values of differentiable tensors and records its backward pass in their graph.
pub fn differentiable<B: Backend, F: BackwardPass<B, N>, const N: usize, const D: usize>(
    inputs: [FloatTensor<Autodiff<B>>; N],
    operation: impl FnOnce([FloatTensor<B>; N]) -> Operation<FloatTensor<B>, F>,
) -> Tensor<Autodiff<B>, D> {
    let nodes = inputs.each_ref().map(|input| input.node.clone());
    // Held until the step is registered: the graph may free a node that no tensor refers to.
    let _references = inputs.each_ref().map(|input| input.rc.clone());
    let Operation { output, backward } = operation(inputs.map(|input| input.primitive));
    tensor(Recorded(backward).prepare::<NoCheckpointing>(nodes).compute_bound().stateless(output))
}

/// A backward pass in the graph. What it needs of the forward pass is captured by the closure.
struct Recorded<F>(F);

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

impl<B: Backend, F: BackwardPass<B, N>, const N: usize> Backward<B, N> for Recorded<F> {
    type State = ();

    fn backward(self, ops: Ops<(), N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let of_output = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        for (input, gradient) in ops.parents.into_iter().zip((self.0)(of_output, wanted)) {
            if let (Some(node), Some(gradient)) = (input, gradient) {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}

/// A tensor's representation in its backend.
pub fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

/// The tensor of a backend's representation.
pub fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}
