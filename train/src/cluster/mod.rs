//! Clusters of vectors: pseudo-labels for stage 3.
//!
//! | module | what it does |
//! |---|---|
//! | [`pca`] | fewer dimensions, whitened, of length 1 |
//! | [`kmeans`] | Lloyd's iterations |
//! | [`pic`] | power iteration clustering on a graph of neighbours |
//! | [`align`] | gives clusters the numbers of those before that they overlap most |
//! | [`table`] | clusters in a Parquet file, for people to look at |
//! | [`tensors`] | principal components of vectors on a GPU |
//!
//! Nothing here but [`tensors`] knows of tensors, and nothing of the reader. Vectors are f32; what is summed over many of them is f64, and counts are
//! integers, so that ten million behave as a hundred do. Nothing depends on the number of threads.

pub mod align;
pub mod kmeans;
pub mod pca;
pub mod pic;
pub mod table;
pub mod tensors;

use rayon::prelude::*;

/// Vectors of one width, one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Points {
    /// Numbers of a vector.
    pub width: usize,
    /// All numbers.
    pub values: Vec<f32>,
}

impl Points {
    /// `count` vectors of zeros.
    pub fn zeros(count: usize, width: usize) -> Self {
        Self { width, values: vec![0.0; count * width] }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// One of them.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// All of them.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Scales each to length 1; those of length 0 stay.
    pub fn normalise(&mut self) {
        self.values.par_chunks_exact_mut(self.width.max(1)).for_each(|row| {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
        });
    }
}

/// Which cluster each point belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// Their means.
    pub centroids: Points,
    /// The cluster of each point.
    pub of: Vec<u32>,
    /// Distance of each point from its cluster's mean.
    pub distances: Vec<f32>,
}

/// Square of the distance of two points.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums at once, which the compiler turns into one vector.
    let mut sums = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Weights of classes by 1 / variance, of mean 1 over the clusters that have points; 0 for those that have none.
///
/// A cluster's variance is its points' mean squared distance from their mean. No variance counts as less than a tenth of
/// all clusters' mean, so that a cluster of one point does not outweigh the rest.
pub fn class_weights(of: &[u32], distances: &[f32], clusters: usize) -> Vec<f32> {
    let (mut counts, mut sums) = (vec![0u64; clusters], vec![0.0f64; clusters]);
    for (&cluster, &distance) in of.iter().zip(distances) {
        counts[cluster as usize] += 1;
        sums[cluster as usize] += f64::from(distance).powi(2);
    }
    let variances: Vec<Option<f64>> = counts.iter().zip(&sums).map(|(&count, sum)| (count > 0).then(|| sum / count as f64)).collect();
    let filled = variances.iter().flatten().count().max(1) as f64;
    let floor = (variances.iter().flatten().sum::<f64>() / filled / 10.0).max(f64::MIN_POSITIVE);
    let inverse: Vec<f64> = variances.iter().map(|variance| variance.map_or(0.0, |variance| 1.0 / variance.max(floor))).collect();
    let mean = inverse.iter().sum::<f64>() / filled;
    inverse.iter().map(|weight| if *weight > 0.0 { (weight / mean) as f32 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tight_clusters_weigh_more() {
        let weights = class_weights(&[0, 0, 1, 1, 3], &[1.0, 1.0, 2.0, 2.0, 0.0], 4);
        // Variances 1, 4, none and 0, which counts as a tenth of 5/3: inverses 1, 1/4 and 6, mean 29/12.
        let expected = [12.0 / 29.0, 3.0 / 29.0, 0.0, 72.0 / 29.0];
        assert!(weights.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{weights:?}");
        assert_eq!(class_weights(&[0, 1], &[0.0, 0.0], 3), [1.0, 1.0, 0.0], "no variance at all");
    }

    #[test]
    fn distances_are_euclid_s() {
        let a: Vec<f32> = (0..19).map(|x| x as f32).collect();
        let b: Vec<f32> = (0..19).map(|x| (x * 2) as f32).collect();
        assert_eq!(squared_distance(&a, &b), (0..19).map(|x| (x * x) as f32).sum::<f32>());
    }
}
