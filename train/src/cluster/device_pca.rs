//! Principal components of vectors on a device. Only sums and projected vectors are copied to the host.
//!
//! Sums of a block of vectors are f32 and computed on the device, sums of blocks are f64.

use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData, s};

use super::pca::{Covariance, Pca};
use crate::kernels::{Kernels, Precision};

/// Most vectors of a block: sums of more would be less exact.
const BLOCK: usize = 8192;

/// Adds vectors to a covariance.
///
/// # Shapes
/// `[count, width]`.
pub fn add_rows<B: Kernels>(covariance: &mut Covariance, rows: Tensor<B, 2>) {
    let [count, width] = rows.dims();
    for first in (0..count).step_by(BLOCK) {
        let block = rows.clone().slice(s![first..(first + BLOCK).min(count)]);
        let shift = covariance.shift(&values(block.clone().slice(s![0..1])));
        let block = block.clone() - Tensor::<B, 2>::from_data(TensorData::new(shift, [1, width]), &block.device());
        let sums = values(block.clone().sum_dim(0));
        covariance.add_sums(block.dims()[0], &sums, &values(B::product(block.clone().transpose(), block, Precision::F32)));
    }
}

/// A [`Pca`] on a device.
pub struct DeviceProjection<B: Backend> {
    mean: Tensor<B, 2>,
    matrix: Tensor<B, 2>,
}

impl<B: Kernels> DeviceProjection<B> {
    /// Uploads a projection.
    pub fn new(pca: &Pca, device: &B::Device) -> Self {
        let mean = pca.mean();
        let (width, components) = (mean.len(), pca.width());
        let tensor = |values, shape: [usize; 2]| Tensor::from_data(TensorData::new(values, shape), device);
        Self { mean: tensor(mean, [1, width]), matrix: tensor(pca.matrix(), [width, components]) }
    }

    /// Projects vectors; returns them one after the other.
    ///
    /// # Shapes
    /// `[count, width]` to `count * components` numbers.
    pub fn project(&self, rows: Tensor<B, 2>) -> Vec<f32> {
        values(B::product(rows - self.mean.clone(), self.matrix.clone(), Precision::F32))
    }
}

fn values<B: Backend>(x: Tensor<B, 2>) -> Vec<f32> {
    x.into_data().convert::<f32>().to_vec().expect("converted to f32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::tensor::Distribution;

    #[test]
    fn components_equal_those_of_the_host() {
        // Far from zero and of very different spread: without a shift and f64, too little would be left of the small variances.
        let spread = Tensor::<Flex, 2>::from_floats([[9.0, 3.0, 1.0, 0.3, 0.1]], &Default::default());
        let rows = Tensor::<Flex, 2>::random([20_000, 5], Distribution::Normal(0.0, 1.0), &Default::default()) * spread + 100.0;
        let (mut host, mut device) = (Covariance::new(5), Covariance::new(5));
        host.add(&values(rows.clone()));
        add_rows(&mut device, rows.clone());
        let (host, device) = (host.components(4).unwrap(), device.components(4).unwrap());
        let expected = host.project(&values(rows.clone()));
        let got = DeviceProjection::<Flex>::new(&device, &Default::default()).project(rows);
        let largest = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
        assert!(largest < 2e-3, "largest difference {largest} of numbers whose deviation is 1");
    }
}
