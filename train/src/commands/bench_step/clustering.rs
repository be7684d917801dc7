//! Times the clustering of stage 3 on random vectors: principal components and k-means of a sample, assignment of all.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::{Distribution, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::cluster::device_pca::{self, DeviceProjection};
use crate::cluster::pca::Covariance;
use crate::cluster::{Partition, Points, kmeans};
use crate::commands::terminal::to_stdout;
use crate::device::{DeviceJob, TrainBackend};

/// Vectors generated at once: no more than stage 3 pools at once.
const CHUNK: usize = 4_096;

/// Width of a vector: that of BERT-base's hidden states.
const WIDTH: usize = 768;

/// Most vectors that components and means are computed from, as in stage 3.
const SAMPLE: usize = 65_536;

/// Principal components that are kept, as in stage 3.
const COMPONENTS: usize = 128;

/// Normal distributions that the vectors are drawn from, and clusters that are searched.
const CLUSTERS: usize = 23;

/// Most iterations of k-means, as in stage 3.
const ITERATIONS: usize = 60;

/// Clusters `count` vectors, and prints a JSON object with the times.
pub struct ClusteringBench {
    /// Number of vectors.
    pub count: usize,
}

impl DeviceJob for ClusteringBench {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let count = self.count;
        // Dimensions of decreasing deviation. The vectors are generated in each pass anew: only projected ones are kept in memory.
        let spread = Tensor::<B::InnerBackend, 1>::from_floats(
            (0..WIDTH).map(|at| 1.0 / (1.0 + at as f32 / 20.0)).collect::<Vec<_>>().as_slice(),
            device,
        );
        B::seed(device, 1);
        let centres = Tensor::<B::InnerBackend, 2>::random([CLUSTERS, WIDTH], Distribution::Normal(0.0, 3.0), device);
        let chunk = |first: usize| {
            let size = CHUNK.min(count - first);
            B::seed(device, first as u64 + 2);
            let noise = Tensor::<B::InnerBackend, 2>::random([size, WIDTH], Distribution::Normal(0.0, 1.0), device);
            let component = Tensor::arange(first as i64..(first + size) as i64, device).remainder_scalar(CLUSTERS as i64);
            (centres.clone().select(0, component) + noise) * spread.clone().unsqueeze()
        };
        let started = Instant::now();
        let sampled = count.min(SAMPLE);
        let mut covariance = Covariance::new(WIDTH);
        (0..sampled).step_by(CHUNK).for_each(|first| device_pca::add_rows(&mut covariance, chunk(first)));
        let pca = covariance.components(COMPONENTS)?;
        let projection = DeviceProjection::<B::InnerBackend>::new(&pca, device);
        let reduce = |rows: Tensor<B::InnerBackend, 2>| {
            let mut points = Points { width: pca.width(), values: projection.project(rows) };
            points.normalise();
            points
        };
        let components_s = started.elapsed().as_secs_f64();
        let points =
            Points { width: pca.width(), values: (0..sampled).step_by(CHUNK).flat_map(|first| reduce(chunk(first)).values).collect() };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let on_device = B::assignment_backend(&points.values, points.width, device);
        let backend = on_device.as_deref().unwrap_or(&points);
        let found = kmeans::kmeans_with(&points, backend, CLUSTERS, ITERATIONS, kmeans::Seeding::PlusPlus, &mut rng);
        let kmeans_s = started.elapsed().as_secs_f64() - components_s;
        let partition = Partition::Means(found.centroids);
        let assign = |first: usize| partition.assign(&reduce(chunk(first))).into_iter().map(|(cluster, _)| cluster);
        let assigned: Vec<u32> = (0..count).step_by(CHUNK).flat_map(assign).collect();
        let total = started.elapsed().as_secs_f64();
        let same = |&(at, cluster): &(usize, &u32)| *cluster == assigned[at % CLUSTERS];
        let with_their_distribution = assigned.iter().enumerate().skip(CLUSTERS).filter(same).count();
        let line = serde_json::json!({
            "vectors": count,
            "on_device": on_device.is_some(),
            "components_s": components_s,
            "kmeans_s": kmeans_s,
            "assignment_s": total - components_s - kmeans_s,
            "seconds": total,
            "with_their_cloud": with_their_distribution as f64 / count.saturating_sub(CLUSTERS).max(1) as f64,
            "device_gib": B::reserved_memory(device).map(|bytes| bytes as f64 / 1024f64.powi(3)),
        });
        to_stdout(&line.to_string())
    }
}
