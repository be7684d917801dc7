//! The operations of [`Kernels`](super::Kernels) as compositions of Burn's own: the definition that fused kernels are tested against.

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Distribution, FloatDType, Shape, Tensor, TensorMetadata, TensorPrimitive, activation};

use super::adamw::{AdamWState, AdamWStep};
use super::dropout::Dropout;
use super::embedding::EmbeddingLookup;
use super::label_loss::LabelLoss;
use super::precision::Precision;

/// See [`Kernels::product`](super::Kernels::product).
pub fn product<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>, precision: Precision) -> Tensor<B, D> {
    match precision {
        Precision::F32 | Precision::Tf32 => a.matmul(b),
        Precision::Bf16 => a.cast(FloatDType::BF16).matmul(b.cast(FloatDType::BF16)).cast(FloatDType::F32),
    }
}

/// [`product`] for backends without arithmetic in bf16: inputs and result are rounded to bf16, the product is computed in f32. The
/// gradients are rounded alike, because the gradient of a cast is cast back.
pub fn rounded_product<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>, precision: Precision) -> Tensor<B, D> {
    let round = |x: Tensor<B, D>| x.cast(FloatDType::BF16).cast(FloatDType::F32);
    match precision {
        Precision::F32 | Precision::Tf32 => a.matmul(b),
        Precision::Bf16 => round(round(a).matmul(round(b))),
    }
}

/// See [`Kernels::embed`](super::Kernels::embed).
pub fn embed<B: Backend>(table: Tensor<B, 2>, lookup: &EmbeddingLookup<B>) -> Tensor<B, 2> {
    let [batch, length] = lookup.ids.dims();
    table.select(0, lookup.ids.clone().reshape([batch * length]))
}

/// See [`Kernels::erf_gelu`](super::Kernels::erf_gelu).
pub fn erf_gelu<B: Backend>(x: Tensor<B, 2>) -> Tensor<B, 2> {
    burn::tensor::activation::gelu(x)
}

/// See [`Kernels::dropout`](super::Kernels::dropout). The elements that are dropped are those of the backend's own generator, not those of
/// [`DropoutMask`](super::DropoutMask).
pub fn dropout<B: Backend, const D: usize>(x: Tensor<B, D>, dropout: Option<Dropout>) -> Tensor<B, D> {
    let Some(Dropout { rate, seed }) = dropout else { return x };
    let device = x.device();
    B::seed(&device, seed);
    let keep = f64::from(1.0 - rate);
    let mask = Tensor::random(x.shape(), Distribution::Bernoulli(keep), &device);
    x * mask / keep
}

/// See [`Kernels::add_norm`](super::Kernels::add_norm).
pub fn add_norm<B: Backend>(
    x: Tensor<B, 2>,
    residual: Tensor<B, 2>,
    weight: Tensor<B, 1>,
    bias: Tensor<B, 1>,
    eps: f32,
    dropout: Option<Dropout>,
) -> Tensor<B, 2> {
    let sum = self::dropout(x, dropout) + residual;
    let centred = sum.clone() - sum.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    centred / (variance + eps).sqrt() * weight.unsqueeze() + bias.unsqueeze()
}

/// See [`Kernels::label_loss`](super::Kernels::label_loss).
pub fn label_loss<B: Backend>(logits: Tensor<B, 1>, sign: &Tensor<B, 1>, share: &Tensor<B, 1>, loss: LabelLoss) -> Tensor<B, 1> {
    let log_probability = activation::log_sigmoid(logits * sign.clone());
    let gain = match loss.exponent {
        None => log_probability,
        Some(exponent) => ((log_probability * exponent).exp() - 1.0) / exponent,
    };
    let mut share = share.clone();
    if loss.positive_weight != 1.0 {
        // 1 where the sign is -1, the positive weight where it is 1.
        share = share * (sign.clone() * ((loss.positive_weight - 1.0) / 2.0) + (loss.positive_weight + 1.0) / 2.0);
    }
    (gain * share).sum().neg()
}

/// See [`Kernels::square_sum`](super::Kernels::square_sum).
pub fn square_sum<B: Backend>(tensors: Vec<FloatTensor<B>>) -> Tensor<B, 1> {
    let of_tensor = |x: FloatTensor<B>| {
        let count = Shape::new([x.shape().num_elements()]);
        let x = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(B::float_reshape(x, count)));
        (x.clone() * x).sum()
    };
    Tensor::cat(tensors.into_iter().map(of_tensor).collect(), 0).sum()
}

/// See [`Kernels::all_reduce`](super::Kernels::all_reduce).
pub fn all_reduce<B: Backend>(of_devices: Vec<FloatTensor<B>>) -> Vec<FloatTensor<B>> {
    let devices: Vec<B::Device> = of_devices.iter().map(B::float_device).collect();
    let to_first = |x| B::float_to_device(x, &devices[0]);
    let sum = of_devices.into_iter().reduce(|sum, x| B::float_add(to_first(sum), to_first(x)));
    devices.iter().filter_map(|device| sum.clone().map(|sum| B::float_to_device(sum, device))).collect()
}

/// See [`Kernels::adamw`](super::Kernels::adamw); of one tensor.
pub fn adamw<B: Backend>(
    state: AdamWState<FloatTensor<B>>,
    gradient: FloatTensor<B>,
    scale: &Tensor<B, 1>,
    step: &AdamWStep,
) -> AdamWState<FloatTensor<B>> {
    let shape = gradient.shape();
    let flat = |x: FloatTensor<B>| -> Tensor<B, 1> {
        Tensor::from_primitive(TensorPrimitive::Float(B::float_reshape(x, Shape::new([shape.num_elements()]))))
    };
    let gradient = flat(gradient) * scale.clone();
    let mean = flat(state.mean) * step.beta1 + gradient.clone() * (1.0 - step.beta1);
    let square = flat(state.square) * step.beta2 + gradient.clone() * gradient * (1.0 - step.beta2);
    let (correction1, correction2) = step.bias_corrections();
    let update = mean.clone() / ((square.clone() / correction2).sqrt() + step.eps) * (step.lr / correction1);
    let param = flat(state.param) * (1.0 - step.lr * step.decay) - update;
    let [param, mean, square] = [param, mean, square].map(|x| B::float_reshape(x.into_primitive().tensor(), shape.clone()));
    AdamWState { param, mean, square }
}
