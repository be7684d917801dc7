//! Principal component analysis with whitening: fewer dimensions, uncorrelated and of variance 1.

use anyhow::{Result, anyhow, ensure};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

/// Share of the largest variance below which a direction counts as null: its variance is rounding error.
const NULL: f64 = 1e-9;

/// Sums over any number of vectors that give their covariance.
///
/// Memory: the square of their width, in f64.
pub struct Covariance {
    /// The first vector. It is subtracted from all others, so that the sums of products lose few digits to cancellation.
    shift: Vec<f64>,
    count: u64,
    sums: Vec<f64>,
    products: Mat<f64>,
}

impl Covariance {
    /// Sums over no vectors of this width.
    pub fn new(width: usize) -> Self {
        Self { shift: Vec::new(), count: 0, sums: vec![0.0; width], products: Mat::zeros(width, width) }
    }

    /// Adds vectors, which stand one after the other in `rows`.
    pub fn add(&mut self, rows: &[f32]) {
        let width = self.sums.len();
        let Some(first) = rows.get(..width) else { return };
        if self.count == 0 {
            self.shift = first.iter().map(|&x| f64::from(x)).collect();
        }
        let count = rows.len() / width;
        let block: Vec<f64> =
            rows.chunks_exact(width).flat_map(|row| row.iter().zip(&self.shift).map(|(&x, shift)| f64::from(x) - shift)).collect();
        for row in block.chunks_exact(width) {
            self.sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let block = MatRef::from_row_major_slice(&block, count, width);
        matmul(self.products.as_mut(), Accum::Add, block.transpose(), block, 1.0, Par::Seq);
        self.count += count as u64;
    }

    /// What is subtracted from all vectors before they are summed; `first` becomes it if there were none yet.
    pub fn shift(&mut self, first: &[f32]) -> Vec<f32> {
        if self.count == 0 {
            self.shift = first.iter().map(|&x| f64::from(x)).collect();
        }
        self.shift.iter().map(|&x| x as f32).collect()
    }

    /// Adds `count` vectors by the sums of the [shifted](Self::shift) vectors and the sums of their products.
    ///
    /// # Shapes
    /// `sums` `[width]`, `products` `[width, width]` in row-major order.
    pub fn add_sums(&mut self, count: usize, sums: &[f32], products: &[f32]) {
        let width = self.sums.len();
        self.sums.iter_mut().zip(sums).for_each(|(sum, &x)| *sum += f64::from(x));
        for (row, products) in products.chunks_exact(width).enumerate() {
            products.iter().enumerate().for_each(|(column, &x)| self.products[(row, column)] += f64::from(x));
        }
        self.count += count as u64;
    }

    /// The projection to the `most` components of largest variance, or to all where there are fewer.
    ///
    /// # Errors
    /// There are fewer than two vectors, or numbers that are not finite.
    pub fn components(self, most: usize) -> Result<Pca> {
        ensure!(self.count > 1, "principal components need at least 2 vectors, found {}", self.count);
        let (width, count) = (self.sums.len(), self.count as f64);
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / count).collect();
        let covariance = Mat::from_fn(width, width, |i, j| (self.products[(i, j)] - count * means[i] * means[j]) / (count - 1.0));
        let eigen =
            covariance.self_adjoint_eigen(Side::Lower).map_err(|error| anyhow!("cannot compute principal components: {error:?}"))?;
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        // faer gives eigenvalues in ascending order.
        let order: Vec<usize> = (0..width).rev().take(most).collect();
        let largest = values[width - 1];
        let mut components = Vec::with_capacity(order.len() * width);
        let mut variances = Vec::with_capacity(order.len());
        for &at in &order {
            let variance = values[at];
            let null = variance <= NULL * largest;
            // The sign of an eigenvector is arbitrary: the largest element is made positive, as in scikit-learn.
            let vector = vectors.col(at);
            let peak = vector.iter().copied().fold(0.0f64, |peak, x| if x.abs() > peak.abs() { x } else { peak });
            let scale = if null { 0.0 } else { peak.signum() / variance.sqrt() };
            components.extend(vector.iter().map(|x| x * scale));
            variances.push(if null { 0.0 } else { variance });
        }
        let mean = means.iter().zip(&self.shift).map(|(mean, shift)| mean + shift).collect();
        Ok(Pca { mean, components: Mat::from_fn(width, order.len(), |i, j| components[j * width + i]), variances })
    }
}

/// A projection to principal components of variance 1 each (whitening); null directions give 0.
pub struct Pca {
    mean: Vec<f64>,
    /// Components divided by their deviation, `[width, components]`.
    components: Mat<f64>,
    /// Variance of each component before whitening; 0 where null.
    pub variances: Vec<f64>,
}

impl Pca {
    /// Width of a projected vector: the number of components.
    pub fn width(&self) -> usize {
        self.components.ncols()
    }

    /// What is subtracted from a vector before it is projected.
    pub fn mean(&self) -> Vec<f32> {
        self.mean.iter().map(|&x| x as f32).collect()
    }

    /// The matrix of the projection, `[width, components]` in row-major order.
    pub fn matrix(&self) -> Vec<f32> {
        let (rows, columns) = (self.mean.len(), self.width());
        (0..rows).flat_map(|row| (0..columns).map(move |column| self.components[(row, column)] as f32)).collect()
    }

    /// Projects vectors, which stand one after the other in `rows`; the results do too.
    pub fn project(&self, rows: &[f32]) -> Vec<f32> {
        let (width, components) = (self.mean.len(), self.width());
        let count = rows.len() / width;
        let centred: Vec<f64> =
            rows.chunks_exact(width).flat_map(|row| row.iter().zip(&self.mean).map(|(&x, mean)| f64::from(x) - mean)).collect();
        let mut projected = Mat::<f64>::zeros(count, components);
        let centred = MatRef::from_row_major_slice(&centred, count, width);
        matmul(projected.as_mut(), Accum::Replace, centred, self.components.as_ref(), 1.0, Par::Seq);
        (0..count).flat_map(|row| (0..components).map(move |at| (row, at))).map(|(row, at)| projected[(row, at)] as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_directions_give_zero() {
        // The third number is the sum of the others, the fourth always the same.
        let rows: Vec<f32> = (0..40)
            .flat_map(|at| {
                let (a, b) = ((at * 7 % 11) as f32, (at * 5 % 13) as f32);
                [a, b, a + b, 1e4]
            })
            .collect();
        let mut covariance = Covariance::new(4);
        rows.chunks(12).for_each(|block| covariance.add(block));
        let pca = covariance.components(128).unwrap();
        assert_eq!(pca.variances[2..], [0.0, 0.0]);
        let projected = pca.project(&rows);
        for component in 0..4 {
            let values: Vec<f64> = projected.iter().skip(component).step_by(4).map(|&x| f64::from(x)).collect();
            let square = values.iter().map(|x| x * x).sum::<f64>() / 39.0;
            assert!((square - if component < 2 { 1.0 } else { 0.0 }).abs() < 1e-5, "variance {square} of component {component}");
        }
        assert!(Covariance::new(4).components(2).is_err());
    }
}
