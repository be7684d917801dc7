//! Vectors and clusters of them.

use rayon::prelude::*;

/// Vectors of one width, stored one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Points {
    /// Numbers of a vector.
    pub width: usize,
    /// The numbers of all vectors.
    pub values: Vec<f32>,
}

impl Points {
    /// `count` vectors of zeros.
    pub fn zeros(count: usize, width: usize) -> Self {
        Self { width, values: vec![0.0; count * width] }
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The vector at a position.
    ///
    /// # Panics
    /// There is none at it.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// All vectors.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Every `step`th vector.
    ///
    /// # Panics
    /// `step` is 0.
    #[must_use]
    pub fn every(&self, step: usize) -> Self {
        Self { width: self.width, values: self.rows().step_by(step).flatten().copied().collect() }
    }

    /// Scales each vector to length 1; vectors of length 0 stay.
    pub fn normalise(&mut self) {
        self.values.par_chunks_exact_mut(self.width.max(1)).for_each(|row| {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
        });
    }
}

/// A partition of points into clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// Mean of each cluster.
    pub centroids: Points,
    /// Cluster of each point.
    pub assignments: Vec<u32>,
    /// Distance of each point from the mean of its cluster.
    pub distances: Vec<f32>,
}

/// Square of the Euclidean distance of two points.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    // Eight partial sums, which the compiler turns into one vector.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_euclidean() {
        let a: Vec<f32> = (0..19).map(|x| x as f32).collect();
        let b: Vec<f32> = (0..19).map(|x| (x * 2) as f32).collect();
        assert_eq!(squared_distance(&a, &b), (0..19).map(|x| (x * x) as f32).sum::<f32>());
    }

    #[test]
    fn normalised_points_have_length_one_or_zero() {
        let mut points = Points { width: 2, values: vec![3.0, 4.0, 0.0, 0.0] };
        points.normalise();
        assert_eq!(points.values, [0.6, 0.8, 0.0, 0.0]);
    }
}
