//! Pooling of a span's hidden states into one vector.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// How the hidden states of a span's word pieces become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest of them in each dimension.
    Max,
}

/// Pools the hidden states of spans, each given by its first and its last row.
///
/// # Shapes
/// `[rows, hidden]` to `[spans, hidden]`.
///
/// # Panics
/// A span ends before it starts, or lies outside the rows.
pub fn pool_spans<B: Backend>(hidden: Tensor<B, 2>, spans: &[[usize; 2]], pooling: Pooling) -> Tensor<B, 2> {
    let device = hidden.device();
    let [_, width] = hidden.dims();
    let (count, longest) = (spans.len(), spans.iter().map(|[first, last]| last - first + 1).max().unwrap_or(1));
    // Shorter spans repeat their last row. A repetition has weight 0 in sums, and does not change a maximum.
    let rows: Vec<i32> = spans.iter().flat_map(|&[first, last]| (0..longest).map(move |at| (first + at).min(last) as i32)).collect();
    let rows = Tensor::<B, 1, Int>::from_data(TensorData::new(rows, [count * longest]), &device);
    let states = hidden.select(0, rows).reshape([count, longest, width]);
    if pooling == Pooling::Max {
        return states.max_dim(1).squeeze_dim(1);
    }
    let weights: Vec<f32> = spans
        .iter()
        .flat_map(|&[first, last]| {
            let length = last - first + 1;
            let weight = if pooling == Pooling::Mean { 1.0 / length as f32 } else { 1.0 };
            (0..longest).map(move |at| if at < length { weight } else { 0.0 })
        })
        .collect();
    let weights = Tensor::<B, 3>::from_data(TensorData::new(weights, [count, longest, 1]), &device);
    (states * weights).sum_dim(1).squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn spans_of_different_lengths_are_pooled() {
        let hidden = || Tensor::<Flex, 2>::from_floats([[1.0, -1.0], [2.0, -8.0], [4.0, -4.0], [-8.0, 0.0]], &Default::default());
        let check = |pooling, expected: &[f32]| {
            let pooled = pool_spans(hidden(), &[[0, 2], [3, 3]], pooling);
            let pooled = pooled.into_data().to_vec::<f32>().unwrap();
            assert!(pooled.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{pooled:?}");
        };
        check(Pooling::Sum, &[7.0, -13.0, -8.0, 0.0]);
        check(Pooling::Mean, &[7.0 / 3.0, -13.0 / 3.0, -8.0, 0.0]);
        check(Pooling::Max, &[4.0, -1.0, -8.0, 0.0]);
    }
}
