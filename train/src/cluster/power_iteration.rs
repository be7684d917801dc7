//! Power iteration clustering (Lin and Cohen 2010) on a graph of nearest neighbours.
//!
//! A random vector is multiplied repeatedly by the transition matrix of the graph. Its values converge within a cluster long before they
//! converge between clusters, so that k-means on them separates clusters of any form, rings within rings for example.

use rand::Rng;
use rayon::prelude::*;

use super::kmeans::{Seeding, from_assignments, kmeans};
use super::points::{Clusters, Points, squared_distance};

/// Neighbours of each point in the graph.
const NEIGHBOURS: usize = 10;

/// Most points of the graph: its cost grows with their square. All other points join the cluster of their nearest neighbour in it.
pub const MOST_POINTS: usize = 10_000;

/// Clusters points into at most `clusters` clusters.
///
/// Cost: the square of the number of points, up to [`MOST_POINTS`], for the graph; `iterations` passes over its edges.
pub fn power_iteration_clustering(points: &Points, clusters: usize, iterations: usize, rng: &mut impl Rng) -> Clusters {
    cluster_by_sample(points, MOST_POINTS, clusters, iterations, rng)
}

/// [`power_iteration_clustering`] with a graph of at most `most_points` points.
fn cluster_by_sample(points: &Points, most_points: usize, clusters: usize, iterations: usize, rng: &mut impl Rng) -> Clusters {
    let every = points.len().div_ceil(most_points).max(1);
    let sample = points.every(every);
    let graph = nearest_neighbour_graph(&sample);
    // One vector separates few clusters. There are as many vectors as the number of clusters has binary digits.
    let vectors = (usize::BITS - clusters.leading_zeros()) as usize;
    let mut embedded = Points::zeros(sample.len(), vectors);
    for vector in 0..vectors {
        let mut values: Vec<f64> = (0..sample.len()).map(|_| rng.random()).collect();
        (0..iterations).for_each(|_| values = multiply(&graph, &values));
        standardise(&mut values);
        for (row, value) in values.into_iter().enumerate() {
            embedded.values[row * vectors + vector] = value as f32;
        }
    }
    let found = kmeans(&embedded, clusters, iterations, Seeding::PlusPlus, rng);
    let assignments = if every == 1 {
        found.assignments
    } else {
        let nearest = |point: &[f32]| nearest(&sample, point, 1)[0].0;
        points.values.par_chunks_exact(points.width).map(|point| found.assignments[nearest(point)]).collect()
    };
    from_assignments(points, assignments, found.centroids.len())
}

/// The neighbours of each point with their transition probabilities, which fall with the distance. An edge leads both ways.
type Graph = Vec<Vec<(usize, f64)>>;

fn nearest_neighbour_graph(points: &Points) -> Graph {
    let near: Vec<Vec<(usize, f32)>> = points
        .values
        .par_chunks_exact(points.width)
        .enumerate()
        .map(|(at, point)| nearest(points, point, NEIGHBOURS + 1).into_iter().filter(|(other, _)| *other != at).take(NEIGHBOURS).collect())
        .collect();
    let squares = near.iter().flatten().map(|(_, square)| f64::from(*square));
    let scale = (squares.clone().sum::<f64>() / squares.count().max(1) as f64).max(f64::MIN_POSITIVE);
    let mut graph: Graph = vec![Vec::new(); points.len()];
    for (at, near) in near.iter().enumerate() {
        for &(other, square) in near {
            let weight = (-f64::from(square) / scale).exp();
            graph[at].push((other, weight));
            graph[other].push((at, weight));
        }
    }
    for edges in &mut graph {
        edges.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let total: f64 = edges.iter().map(|(_, weight)| weight).sum();
        edges.iter_mut().for_each(|(_, weight)| *weight /= total.max(f64::MIN_POSITIVE));
    }
    graph
}

/// The nearest points of a set, nearest first, with the squares of their distances.
fn nearest(points: &Points, point: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (at, other) in points.rows().enumerate() {
        let square = squared_distance(point, other);
        if best.len() < count || square < best[best.len() - 1].1 {
            let position = best.partition_point(|(_, known)| *known <= square);
            best.insert(position, (at, square));
            best.truncate(count);
        }
    }
    best
}

/// One multiplication by the lazy transition matrix, of which half is the identity: without that, the values of a bipartite graph could
/// oscillate for ever.
fn multiply(graph: &Graph, values: &[f64]) -> Vec<f64> {
    let next = |(edges, value): (&Vec<(usize, f64)>, &f64)| {
        let flow: f64 = edges.iter().map(|&(other, weight)| weight * values[other]).sum();
        if edges.is_empty() { *value } else { 0.5 * (value + flow) }
    };
    graph.par_iter().zip(values).map(next).collect()
}

/// Scales values to mean 0 and variance 1: multiplication brings them close together.
fn standardise(values: &mut [f64]) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt().max(f64::MIN_POSITIVE);
    values.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn rings_are_separated_where_kmeans_fails() {
        let ring = |radius: f32, count: usize| {
            (0..count).flat_map(move |at| {
                let (sine, cosine) = (at as f32 / count as f32 * std::f32::consts::TAU).sin_cos();
                [radius * cosine, radius * sine]
            })
        };
        let points = Points { width: 2, values: ring(1.0, 60).chain(ring(4.0, 90)).collect() };
        let right = |clusters: &Clusters| {
            let (inner, outer) = clusters.assignments.split_at(60);
            inner.iter().all(|cluster| *cluster == inner[0]) && outer.iter().all(|cluster| *cluster == outer[0]) && inner[0] != outer[0]
        };
        let rng = || ChaCha8Rng::seed_from_u64(3);
        assert!(right(&power_iteration_clustering(&points, 2, 3000, &mut rng())));
        assert!(!right(&kmeans(&points, 2, 300, Seeding::PlusPlus, &mut rng())), "k-means separates by distance from a mean");
    }

    #[test]
    fn points_outside_the_graph_join_their_nearest_neighbour() {
        // Twice as many points as the graph takes: every other one is in it.
        let values = (0..200).map(|at| if at < 80 { 0.0 } else { 100.0 } + (at % 17) as f32 / 17.0).collect();
        let found = cluster_by_sample(&Points { width: 1, values }, 100, 2, 500, &mut ChaCha8Rng::seed_from_u64(3));
        let (first, second) = found.assignments.split_at(80);
        assert!(first.iter().all(|cluster| *cluster == first[0]) && second.iter().all(|cluster| *cluster == second[0]));
        assert_ne!(first[0], second[0]);
    }

    #[test]
    fn there_are_no_more_clusters_than_points() {
        let points = Points { width: 1, values: vec![0.0, 1.0] };
        let found = power_iteration_clustering(&points, 5, 10, &mut ChaCha8Rng::seed_from_u64(3));
        assert_eq!((found.centroids.len(), found.assignments.len()), (2, 2));
    }
}
