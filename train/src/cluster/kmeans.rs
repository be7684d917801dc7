//! k-means by Lloyd's iterations.

use rand::Rng;
use rand::seq::index;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Clusters, Points, squared_distance};

/// Points whose sums are made one after the other; those of all blocks are added in order, whatever the threads.
const BLOCK: usize = 4096;

/// Which points are the first means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Each drawn by the square of its distance from those drawn before (k-means++, Arthur and Vassilvitskii 2007).
    PlusPlus,
    /// Any.
    Random,
}

/// What Lloyd's iterations ask of points, wherever these lie.
pub trait Neighbours {
    /// The nearest mean of each point, the first of equal ones, and the square of its distance.
    fn assign(&self, centroids: &Points) -> Vec<(u32, f32)>;

    /// Sums of the points of each cluster, one after the other.
    fn sums(&self, nearest: &[(u32, f32)], clusters: usize) -> Vec<f64>;
}

/// Puts points into at most `clusters` clusters, fewer where there are fewer points.
pub fn kmeans(points: &Points, clusters: usize, iterations: usize, start: Start, rng: &mut impl Rng) -> Clusters {
    kmeans_by(points, points, clusters, iterations, start, rng)
}

/// The same, with the iterations made by `neighbours`, which has the same points.
pub fn kmeans_by(
    points: &Points,
    neighbours: &dyn Neighbours,
    clusters: usize,
    iterations: usize,
    start: Start,
    rng: &mut impl Rng,
) -> Clusters {
    let clusters = clusters.min(points.len());
    let first: Vec<usize> = match start {
        Start::Random => index::sample(rng, points.len(), clusters).into_vec(),
        Start::PlusPlus => plus_plus(points, clusters, rng),
    };
    let values = first.iter().flat_map(|&at| points.row(at).iter().copied()).collect();
    lloyd(neighbours, Points { width: points.width, values }, iterations)
}

/// Iterations from these means on, until nothing changes or there were so many.
///
/// A cluster without points gets the point of the largest cluster that lies furthest from its mean.
pub fn lloyd(points: &dyn Neighbours, mut centroids: Points, iterations: usize) -> Clusters {
    let mut nearest = points.assign(&centroids);
    for _ in 0..iterations {
        fill_empty(&mut nearest, centroids.len());
        centroids = means(points, &nearest, &centroids);
        let before = std::mem::replace(&mut nearest, points.assign(&centroids));
        if before.iter().map(|(cluster, _)| cluster).eq(nearest.iter().map(|(cluster, _)| cluster)) {
            break;
        }
    }
    let (of, distances) = nearest.into_iter().map(|(cluster, square)| (cluster, square.sqrt())).unzip();
    Clusters { centroids, of, distances }
}

/// The clusters whose points these are: their means, and the distances from them.
pub fn around_means(points: &Points, mut of: Vec<u32>, clusters: usize) -> Clusters {
    let mut nearest: Vec<(u32, f32)> = of.drain(..).map(|cluster| (cluster, 0.0)).collect();
    let centroids = means(points, &nearest, &Points::zeros(clusters, points.width));
    nearest.par_iter_mut().zip(points.values.par_chunks_exact(points.width)).for_each(|((cluster, distance), point)| {
        *distance = squared_distance(point, centroids.row(*cluster as usize)).sqrt();
    });
    let (of, distances) = nearest.into_iter().unzip();
    Clusters { centroids, of, distances }
}

impl Neighbours for Points {
    fn assign(&self, centroids: &Points) -> Vec<(u32, f32)> {
        let nearest = |point: &[f32]| {
            let squares = centroids.rows().map(|centroid| squared_distance(point, centroid));
            squares.zip(0u32..).fold((0, f32::INFINITY), |best, (square, at)| if square < best.1 { (at, square) } else { best })
        };
        self.values.par_chunks_exact(self.width).map(nearest).collect()
    }

    fn sums(&self, nearest: &[(u32, f32)], clusters: usize) -> Vec<f64> {
        let width = self.width;
        let blocks: Vec<Vec<f64>> = self
            .values
            .par_chunks(BLOCK * width)
            .zip(nearest.par_chunks(BLOCK))
            .map(|(rows, nearest)| {
                let mut sums = vec![0.0f64; clusters * width];
                for (row, (cluster, _)) in rows.chunks_exact(width).zip(nearest) {
                    sums[*cluster as usize * width..][..width].iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
                }
                sums
            })
            .collect();
        let mut sums = vec![0.0f64; clusters * width];
        for more in blocks {
            sums.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
        }
        sums
    }
}

/// Gives each cluster without points one.
fn fill_empty(nearest: &mut [(u32, f32)], clusters: usize) {
    let mut sizes = sizes(nearest, clusters);
    for empty in 0..sizes.len() {
        if sizes[empty] > 0 {
            continue;
        }
        // Of equal ones the first, as elsewhere.
        let largest = (0..sizes.len()).rev().max_by_key(|&cluster| sizes[cluster]).expect("there is a cluster");
        if sizes[largest] < 2 {
            continue;
        }
        let of_largest = nearest.iter_mut().filter(|(cluster, _)| *cluster == largest as u32);
        let furthest = of_largest.rev().max_by(|a, b| a.1.total_cmp(&b.1)).expect("it has points");
        *furthest = (empty as u32, 0.0);
        sizes[largest] -= 1;
        sizes[empty] += 1;
    }
}

fn sizes(nearest: &[(u32, f32)], clusters: usize) -> Vec<u64> {
    let mut sizes = vec![0u64; clusters];
    nearest.iter().for_each(|(cluster, _)| sizes[*cluster as usize] += 1);
    sizes
}

/// Means by cluster; those without points stay as they were.
fn means(points: &dyn Neighbours, nearest: &[(u32, f32)], before: &Points) -> Points {
    let (clusters, width) = (before.len(), before.width);
    let sums = points.sums(nearest, clusters);
    let mut means = before.clone();
    for (cluster, count) in sizes(nearest, clusters).into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let range = cluster * width..(cluster + 1) * width;
        means.values[range.clone()].iter_mut().zip(&sums[range]).for_each(|(mean, sum)| *mean = (sum / count as f64) as f32);
    }
    means
}

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
        // Where all points coincide with chosen ones, any will do.
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
    fn blobs_are_told_apart_from_any_start() {
        let sizes = [500, 60, 100, 200];
        let points = blobs(&sizes);
        for start in [Start::PlusPlus, Start::Random] {
            let clusters = kmeans(&points, 4, 60, start, &mut ChaCha8Rng::seed_from_u64(7));
            assert_eq!(clusters, kmeans(&points, 4, 60, start, &mut ChaCha8Rng::seed_from_u64(7)), "the same seed");
            if start == Start::PlusPlus {
                let mut counts = [0; 4];
                clusters.of.iter().for_each(|&cluster| counts[cluster as usize] += 1);
                counts.sort_unstable();
                assert_eq!(counts, [60, 100, 200, 500]);
            }
        }
    }

    #[test]
    fn an_empty_cluster_splits_a_large_one() {
        let points = Points { width: 1, values: vec![0.0, 1.0, 2.0, 9.0, 100.0] };
        let clusters = lloyd(&points, Points { width: 1, values: vec![1.0, 100.0, 1e6] }, 60);
        assert_eq!(clusters.of, [0, 0, 0, 2, 1], "9 was the furthest of the largest");
        let one = kmeans(&Points { width: 1, values: vec![3.0, 3.0] }, 5, 60, Start::PlusPlus, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!((one.centroids.len(), &one.distances[..]), (2, &[0.0, 0.0][..]), "no more clusters than points");
    }

    #[test]
    fn large_counts_do_not_bend_the_means() {
        // In f32 the sum of so many would stand still.
        let points = Points { width: 1, values: vec![0.1; 1 << 22] };
        let clusters = lloyd(&points, Points { width: 1, values: vec![5.0] }, 3);
        assert_eq!(clusters.centroids.values, [0.1]);
    }
}
