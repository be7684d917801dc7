//! The clusters of a sample of points, to which all other points are assigned.

use rayon::prelude::*;

use super::points::{Clusters, Points, squared_distance};
use crate::kernels::kmeans::AssignmentBackend;

/// Clusters that were found in a sample.
#[derive(Debug, Clone)]
pub enum Partition {
    /// A point belongs to the cluster with the nearest mean.
    Means(Points),
    /// A point belongs to the cluster of the nearest point of the sample.
    Neighbours {
        /// The sample.
        sample: Points,
        /// Its clusters.
        clusters: Clusters,
    },
}

impl Partition {
    /// The cluster of each point, and its distance from the mean of that.
    ///
    /// Cost: the number of points times that of the means, or of the points of the sample.
    pub fn assign(&self, points: &Points) -> Vec<(u32, f32)> {
        match self {
            Self::Means(means) => {
                let nearest = points.assign(&means.values).into_iter();
                nearest.map(|assignment| (assignment.cluster, assignment.squared_distance.sqrt())).collect()
            }
            Self::Neighbours { sample, clusters } => {
                let assign = |point: &[f32]| {
                    let squares = sample.rows().map(|other| squared_distance(point, other));
                    let nearest = squares.zip(&clusters.assignments).min_by(|a, b| a.0.total_cmp(&b.0));
                    let cluster = nearest.map_or(0, |(_, &cluster)| cluster);
                    (cluster, squared_distance(point, clusters.centroids.row(cluster as usize)).sqrt())
                };
                points.values.par_chunks_exact(points.width.max(1)).map(assign).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_join_the_nearest_mean_or_the_cluster_of_the_nearest_neighbour() {
        let line = |values: &[f32]| Points { width: 1, values: values.to_vec() };
        let points = line(&[1.0, 4.0, 9.0]);
        assert_eq!(Partition::Means(line(&[0.0, 10.0])).assign(&points), [(0, 1.0), (0, 4.0), (1, 1.0)]);
        // 4 lies nearer to the mean of the first cluster, but its nearest neighbour is of the second.
        let clusters = Clusters { centroids: line(&[0.0, 9.0]), assignments: vec![0, 1, 1], distances: vec![0.0, 4.0, 4.0] };
        let neighbours = Partition::Neighbours { sample: line(&[0.0, 5.0, 13.0]), clusters };
        assert_eq!(neighbours.assign(&points), [(0, 1.0), (1, 5.0), (1, 0.0)]);
    }
}
