//! Principal components and k-means against scikit-learn's (golden file; `cluster.py` beside it makes it).

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use serde::Deserialize;
use train::cluster::pca::Covariance;
use train::cluster::{Points, kmeans};

#[derive(Deserialize)]
struct Golden {
    width: usize,
    components: usize,
    clusters: usize,
    vectors: Vec<f32>,
    variances: Vec<f64>,
    reduced: Vec<f32>,
    labels: Vec<u32>,
    centroids: Vec<f32>,
    distances: Vec<f32>,
}

fn close(what: &str, ours: &[f32], theirs: &[f32], most: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{what}: largest distance {worst:e}");
    assert!(worst < most, "{what}: {worst}");
}

#[test]
fn components_and_clusters_equal_those_of_scikit_learn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/cluster.json");
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut covariance = Covariance::new(golden.width);
    golden.vectors.chunks(golden.width * 37).for_each(|block| covariance.add(block));
    let pca = covariance.components(golden.components).unwrap();
    for (ours, theirs) in pca.variances.iter().zip(&golden.variances) {
        assert!((ours - theirs).abs() < 1e-5 * theirs, "variance {ours}, expected {theirs}");
    }
    let reduced = pca.project(&golden.vectors);
    close("components", &reduced, &golden.reduced, 1e-4);

    let mut points = Points { width: golden.components, values: reduced };
    points.normalise();
    let first = Points { width: points.width, values: points.values[..golden.clusters * points.width].to_vec() };
    let clusters = kmeans::lloyd(&points, first, 60);
    assert_eq!(clusters.assignments, golden.labels);
    close("means", &clusters.centroids.values, &golden.centroids, 1e-4);
    close("distances", &clusters.distances, &golden.distances, 1e-4);
}
