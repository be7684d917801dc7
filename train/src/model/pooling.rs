//! One vector for each answer, out of its pieces' hidden states.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// How pieces become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest of each dimension.
    Max,
}

/// Pools the hidden states of answers, each given by its first and last row.
///
/// # Shapes
/// `[rows, hidden]` to `[answers, hidden]`.
pub fn pool<B: Backend>(hidden: Tensor<B, 2>, answers: &[[usize; 2]], how: Pool) -> Tensor<B, 2> {
    let device = hidden.device();
    let [_, width] = hidden.dims();
    let (count, longest) = (answers.len(), answers.iter().map(|[first, last]| last - first + 1).max().unwrap_or(1));
    // Short answers repeat their last piece; what is repeated weighs nothing, or is no larger than itself.
    let rows: Vec<i32> = answers.iter().flat_map(|&[first, last]| (0..longest).map(move |at| (first + at).min(last) as i32)).collect();
    let rows = Tensor::<B, 1, Int>::from_data(TensorData::new(rows, [count * longest]), &device);
    let pieces = hidden.select(0, rows).reshape([count, longest, width]);
    if how == Pool::Max {
        return pieces.max_dim(1).squeeze_dim(1);
    }
    let shares: Vec<f32> = answers
        .iter()
        .flat_map(|&[first, last]| {
            let length = last - first + 1;
            let share = if how == Pool::Mean { 1.0 / length as f32 } else { 1.0 };
            (0..longest).map(move |at| if at < length { share } else { 0.0 })
        })
        .collect();
    let shares = Tensor::<B, 3>::from_data(TensorData::new(shares, [count, longest, 1]), &device);
    (pieces * shares).sum_dim(1).squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn answers_of_any_length_are_pooled() {
        let hidden = || Tensor::<Flex, 2>::from_floats([[1.0, -1.0], [2.0, -8.0], [4.0, -4.0], [-8.0, 0.0]], &Default::default());
        let check = |how, expected: &[f32]| {
            let pooled = pool(hidden(), &[[0, 2], [3, 3]], how);
            let pooled = pooled.into_data().to_vec::<f32>().unwrap();
            assert!(pooled.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{pooled:?}");
        };
        check(Pool::Sum, &[7.0, -13.0, -8.0, 0.0]);
        check(Pool::Mean, &[7.0 / 3.0, -13.0 / 3.0, -8.0, 0.0]);
        check(Pool::Max, &[4.0, -1.0, -8.0, 0.0]);
    }
}
