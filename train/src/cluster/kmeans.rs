//! k-means by Lloyd's iterations (Lloyd 1982).

use rand::Rng;
use rand::seq::index;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::points::{Clusters, Points, squared_distance};
use crate::kernels::kmeans::{Assignment, AssignmentBackend};

/// Points that are summed one after the other. The sums of all blocks are added in order, whatever the number of threads.
const BLOCK: usize = 4096;

/// How the first centroids are chosen among the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seeding {
    /// k-means++ (Arthur and Vassilvitskii 2007): each is drawn with a probability proportional to the squared distance from those drawn
    /// before.
    PlusPlus,
    /// Drawn uniformly.
    Random,
}

/// Clusters points into at most `clusters` clusters; into fewer where there are fewer points.
pub fn kmeans(points: &Points, clusters: usize, iterations: usize, init: Seeding, rng: &mut impl Rng) -> Clusters {
    kmeans_with(points, points, clusters, iterations, init, rng)
}

/// [`kmeans`] with the iterations computed by a backend that holds the same points.
pub fn kmeans_with(
    points: &Points,
    backend: &dyn AssignmentBackend,
    clusters: usize,
    iterations: usize,
    init: Seeding,
    rng: &mut impl Rng,
) -> Clusters {
    let clusters = clusters.min(points.len());
    let first: Vec<usize> = match init {
        Seeding::Random => index::sample(rng, points.len(), clusters).into_vec(),
        Seeding::PlusPlus => plus_plus(points, clusters, rng),
    };
    let values = first.iter().flat_map(|&at| points.row(at).iter().copied()).collect();
    lloyd(backend, Points { width: points.width, values }, iterations)
}

/// Lloyd's iterations from these centroids, until no assignment changes or `iterations` were made.
///
/// An empty cluster takes from the largest cluster the point that is furthest from its mean.
pub fn lloyd(points: &dyn AssignmentBackend, mut centroids: Points, iterations: usize) -> Clusters {
    let mut nearest = points.assign(&centroids.values);
    for _ in 0..iterations {
        fill_empty_clusters(&mut nearest, centroids.len());
        centroids = means(points, &nearest, &centroids);
        let before = std::mem::replace(&mut nearest, points.assign(&centroids.values));
        if before.iter().map(|assignment| assignment.cluster).eq(nearest.iter().map(|assignment| assignment.cluster)) {
            break;
        }
    }
    let (assignments, distances) = nearest.into_iter().map(|assignment| (assignment.cluster, assignment.squared_distance.sqrt())).unzip();
    Clusters { centroids, assignments, distances }
}

/// The means and distances of clusters whose assignments are given.
pub fn from_assignments(points: &Points, assignments: Vec<u32>, clusters: usize) -> Clusters {
    let assigned: Vec<Assignment> = assignments.iter().map(|&cluster| Assignment { cluster, squared_distance: 0.0 }).collect();
    let centroids = means(points, &assigned, &Points::zeros(clusters, points.width));
    let distance = |(&cluster, point): (&u32, &[f32])| squared_distance(point, centroids.row(cluster as usize)).sqrt();
    let distances = assignments.par_iter().zip(points.values.par_chunks_exact(points.width)).map(distance).collect();
    Clusters { centroids, assignments, distances }
}

impl AssignmentBackend for Points {
    fn assign(&self, centroids: &[f32]) -> Vec<Assignment> {
        let nearest = |point: &[f32]| {
            let none = Assignment { cluster: 0, squared_distance: f32::INFINITY };
            centroids.chunks_exact(self.width).zip(0u32..).fold(none, |best, (centroid, cluster)| {
                let squared_distance = squared_distance(point, centroid);
                if squared_distance < best.squared_distance { Assignment { cluster, squared_distance } } else { best }
            })
        };
        self.values.par_chunks_exact(self.width).map(nearest).collect()
    }

    fn cluster_sums(&self, assignments: &[Assignment], clusters: usize) -> Vec<f64> {
        let width = self.width;
        let blocks: Vec<Vec<f64>> = self
            .values
            .par_chunks(BLOCK * width)
            .zip(assignments.par_chunks(BLOCK))
            .map(|(rows, assignments)| {
                let mut sums = vec![0.0f64; clusters * width];
                for (row, assignment) in rows.chunks_exact(width).zip(assignments) {
                    let sums = &mut sums[assignment.cluster as usize * width..][..width];
                    sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
                }
                sums
            })
            .collect();
        let mut sums = vec![0.0f64; clusters * width];
        for block in blocks {
            sums.iter_mut().zip(block).for_each(|(sum, x)| *sum += x);
        }
        sums
    }
}

/// Gives each empty cluster a point, unless no cluster has two.
fn fill_empty_clusters(nearest: &mut [Assignment], clusters: usize) {
    let mut sizes = sizes(nearest, clusters);
    for empty in 0..sizes.len() {
        if sizes[empty] > 0 {
            continue;
        }
        // The first of equally large clusters, and below the first of equally far points: `max_by` takes the last.
        let largest = (0..sizes.len()).rev().max_by_key(|&cluster| sizes[cluster]).expect("there is a cluster");
        if sizes[largest] < 2 {
            continue;
        }
        let of_largest = nearest.iter_mut().filter(|assignment| assignment.cluster == largest as u32);
        let furthest = of_largest.rev().max_by(|a, b| a.squared_distance.total_cmp(&b.squared_distance)).expect("it has points");
        *furthest = Assignment { cluster: empty as u32, squared_distance: 0.0 };
        sizes[largest] -= 1;
        sizes[empty] += 1;
    }
}

fn sizes(assignments: &[Assignment], clusters: usize) -> Vec<u64> {
    let mut sizes = vec![0u64; clusters];
    assignments.iter().for_each(|assignment| sizes[assignment.cluster as usize] += 1);
    sizes
}

/// Mean of each cluster; that of an empty cluster stays as it was.
fn means(points: &dyn AssignmentBackend, assignments: &[Assignment], before: &Points) -> Points {
    let (clusters, width) = (before.len(), before.width);
    let sums = points.cluster_sums(assignments, clusters);
    let mut means = before.clone();
    for (cluster, count) in sizes(assignments, clusters).into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let range = cluster * width..(cluster + 1) * width;
        means.values[range.clone()].iter_mut().zip(&sums[range]).for_each(|(mean, sum)| *mean = (sum / count as f64) as f32);
    }
    means
}

/// Positions of the first centroids by k-means++.
fn plus_plus(points: &Points, clusters: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut chosen = vec![rng.random_range(0..points.len())];
    let mut squares = vec![f32::INFINITY; points.len()];
    while chosen.len() < clusters {
        let last = points.row(chosen[chosen.len() - 1]);
        squares.par_iter_mut().zip(points.values.par_chunks_exact(points.width)).for_each(|(square, point)| {
            *square = square.min(squared_distance(point, last));
        });
        let total: f64 = squares.iter().map(|&square| f64::from(square)).sum();
        let mut left = rng.random::<f64>() * total;
        // Where every point coincides with a chosen one, no position is found and any point is taken.
        let drawn = squares.iter().position(|&square| {
            left -= f64::from(square);
            left < 0.0
        });
        chosen.push(drawn.unwrap_or_else(|| rng.random_range(0..points.len())));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Blobs of different size, far apart.
    fn blobs(sizes: &[usize]) -> Points {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let values = sizes.iter().enumerate().flat_map(|(blob, &size)| std::iter::repeat_n(blob as f32 * 10.0, size)).collect::<Vec<_>>();
        Points { width: 2, values: values.into_iter().flat_map(|at| [at + rng.random::<f32>(), -at + rng.random::<f32>()]).collect() }
    }

    #[test]
    fn blobs_are_separated_whatever_the_first_centroids() {
        let sizes = [500, 60, 100, 200];
        let points = blobs(&sizes);
        for init in [Seeding::PlusPlus, Seeding::Random] {
            let clusters = kmeans(&points, 4, 60, init, &mut ChaCha8Rng::seed_from_u64(7));
            assert_eq!(clusters, kmeans(&points, 4, 60, init, &mut ChaCha8Rng::seed_from_u64(7)), "the same seed");
            if init == Seeding::PlusPlus {
                let mut counts = [0; 4];
                clusters.assignments.iter().for_each(|&cluster| counts[cluster as usize] += 1);
                counts.sort_unstable();
                assert_eq!(counts, [60, 100, 200, 500]);
            }
        }
    }

    #[test]
    fn an_empty_cluster_takes_a_point_of_the_largest() {
        let points = Points { width: 1, values: vec![0.0, 1.0, 2.0, 9.0, 100.0] };
        let clusters = lloyd(&points, Points { width: 1, values: vec![1.0, 100.0, 1e6] }, 60);
        assert_eq!(clusters.assignments, [0, 0, 0, 2, 1], "9 is the furthest point of the largest cluster");
        let one = kmeans(&Points { width: 1, values: vec![3.0, 3.0] }, 5, 60, Seeding::PlusPlus, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!((one.centroids.len(), &one.distances[..]), (2, &[0.0, 0.0][..]), "no more clusters than points");
    }

    #[test]
    fn means_of_many_points_are_exact() {
        // A sum in f32 would stop growing before the last of so many.
        let points = Points { width: 1, values: vec![0.1; 1 << 22] };
        let clusters = lloyd(&points, Points { width: 1, values: vec![5.0] }, 3);
        assert_eq!(clusters.centroids.values, [0.1]);
    }
}
