//! Power iteration clustering (Lin and Cohen 2010) on a graph of nearest neighbours.
//!
//! A start vector is multiplied again and again by the graph's transition matrix. It evens out within clusters long before it
//! does between them, so what it is then tells clusters apart, those that no mean could. k-means reads it off.

use rand::Rng;
use rayon::prelude::*;

use super::kmeans::{Start, around_means, kmeans};
use super::{Clusters, Points, squared_distance};

/// Neighbours of a point in the graph.
const NEIGHBOURS: usize = 10;

/// Points of the graph at most, for it takes time by their square; others join the cluster of the nearest of these.
pub const MOST_POINTS: usize = 10_000;

/// Puts points into at most `clusters` clusters.
pub fn pic(points: &Points, clusters: usize, iterations: usize, rng: &mut impl Rng) -> Clusters {
    let every = points.len().div_ceil(MOST_POINTS).max(1);
    let sample = Points { width: points.width, values: points.rows().step_by(every).flatten().copied().collect() };
    let graph = neighbours(&sample);
    // One vector tells few clusters apart: as many as it takes to number them in binary.
    let vectors = (usize::BITS - clusters.leading_zeros()) as usize;
    let mut embedded = Points::zeros(sample.len(), vectors);
    for vector in 0..vectors {
        let mut values: Vec<f64> = (0..sample.len()).map(|_| rng.random()).collect();
        (0..iterations).for_each(|_| values = step(&graph, &values));
        standardise(&mut values);
        for (row, value) in values.into_iter().enumerate() {
            embedded.values[row * vectors + vector] = value as f32;
        }
    }
    let found = kmeans(&embedded, clusters, iterations, Start::PlusPlus, rng);
    let of = if every == 1 {
        found.of
    } else {
        let nearest = |point: &[f32]| nearest(&sample, point, 1)[0].0;
        points.values.par_chunks_exact(points.width).map(|point| found.of[nearest(point)]).collect()
    };
    around_means(points, of, found.centroids.len())
}

/// Each point's neighbours on either side with the transition probabilities, which fall with the distance.
type Graph = Vec<Vec<(usize, f64)>>;

fn neighbours(points: &Points) -> Graph {
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
            let place = best.partition_point(|(_, known)| *known <= square);
            best.insert(place, (at, square));
            best.truncate(count);
        }
    }
    best
}

/// One multiplication. Half of each value stays: without that, values of a graph in two parts could swing for ever.
fn step(graph: &Graph, values: &[f64]) -> Vec<f64> {
    let next = |(edges, value): (&Vec<(usize, f64)>, &f64)| {
        let flow: f64 = edges.iter().map(|&(other, weight)| weight * values[other]).sum();
        if edges.is_empty() { *value } else { 0.5 * (value + flow) }
    };
    graph.par_iter().zip(values).map(next).collect()
}

/// Mean 0 and variance 1, as values draw together while they are multiplied.
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
    fn rings_are_told_apart() {
        let ring = |radius: f32, count: usize| {
            (0..count).flat_map(move |at| {
                let (sine, cosine) = (at as f32 / count as f32 * std::f32::consts::TAU).sin_cos();
                [radius * cosine, radius * sine]
            })
        };
        let points = Points { width: 2, values: ring(1.0, 60).chain(ring(4.0, 90)).collect() };
        let right = |clusters: &Clusters| {
            let (inner, outer) = clusters.of.split_at(60);
            inner.iter().all(|cluster| *cluster == inner[0]) && outer.iter().all(|cluster| *cluster == outer[0]) && inner[0] != outer[0]
        };
        let rng = || ChaCha8Rng::seed_from_u64(3);
        assert!(right(&pic(&points, 2, 3000, &mut rng())));
        assert!(!right(&kmeans(&points, 2, 300, Start::PlusPlus, &mut rng())), "no mean tells them apart");
    }
}
