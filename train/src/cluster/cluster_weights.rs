//! Weights of clusters in the loss of their pseudo-labels.

/// How far the points of each cluster lie from its mean.
#[derive(Debug, Clone, Default)]
pub struct ClusterSpread {
    counts: Vec<u64>,
    /// Sums of squared distances.
    sums: Vec<f64>,
}

impl ClusterSpread {
    /// Clusters without points.
    pub fn new(clusters: usize) -> Self {
        Self { counts: vec![0; clusters], sums: vec![0.0; clusters] }
    }

    /// Adds a point of a cluster by its distance from the mean.
    ///
    /// # Panics
    /// There is no such cluster.
    pub fn add(&mut self, cluster: u32, distance: f32) {
        self.counts[cluster as usize] += 1;
        self.sums[cluster as usize] += f64::from(distance).powi(2);
    }

    /// Weights of clusters in a loss, by the inverse of their variance: mean 1 over the clusters that have points, 0 for empty ones.
    ///
    /// The variance of a cluster is the mean squared distance of its points from its mean. It counts as a tenth of the mean variance of
    /// all clusters at least, so that a cluster of one point does not outweigh the others.
    pub fn weights(&self) -> Vec<f32> {
        let variance = |(&count, sum): (&u64, &f64)| (count > 0).then(|| sum / count as f64);
        let variances: Vec<Option<f64>> = self.counts.iter().zip(&self.sums).map(variance).collect();
        let filled = variances.iter().flatten().count().max(1) as f64;
        let floor = (variances.iter().flatten().sum::<f64>() / filled / 10.0).max(f64::MIN_POSITIVE);
        let inverse: Vec<f64> = variances.iter().map(|variance| variance.map_or(0.0, |variance| 1.0 / variance.max(floor))).collect();
        let mean = inverse.iter().sum::<f64>() / filled;
        inverse.iter().map(|weight| if *weight > 0.0 { (weight / mean) as f32 } else { 0.0 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(points: &[(u32, f32)], clusters: usize) -> Vec<f32> {
        let mut spread = ClusterSpread::new(clusters);
        points.iter().for_each(|&(cluster, distance)| spread.add(cluster, distance));
        spread.weights()
    }

    #[test]
    fn tight_clusters_weigh_more() {
        let weights_of_four = weights(&[(0, 1.0), (0, 1.0), (1, 2.0), (1, 2.0), (3, 0.0)], 4);
        // Variances 1, 4, none and 0, which counts as a tenth of 5/3: inverses 1, 1/4 and 6, mean 29/12.
        let expected = [12.0 / 29.0, 3.0 / 29.0, 0.0, 72.0 / 29.0];
        assert!(weights_of_four.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{weights_of_four:?}");
        assert_eq!(weights(&[(0, 0.0), (1, 0.0)], 3), [1.0, 1.0, 0.0], "no cluster varies");
    }
}
