//! Stage 3's clustering of made vectors: principal components, projection, k-means.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::{Distribution, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::cluster::device_pca::{self, DeviceProjection};
use crate::cluster::pca::Covariance;
use crate::cluster::{Points, kmeans};
use crate::device::{DeviceJob, TrainBackend};

/// Vectors made at once.
const CHUNK: usize = 16_384;

/// Numbers of a vector.
const WIDTH: usize = 768;

/// Vectors that components are found from at most, as in the stage.
const OF_COMPONENTS: usize = 200_000;

/// So many vectors.
pub struct Clustering(pub usize);

impl DeviceJob for Clustering {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let count = self.0;
        // Twenty-three clouds in vectors of falling spread, made anew in each pass: only what is reduced is kept.
        let spread = Tensor::<B::InnerBackend, 1>::from_floats(
            (0..WIDTH).map(|at| 1.0 / (1.0 + at as f32 / 20.0)).collect::<Vec<_>>().as_slice(),
            device,
        );
        B::seed(device, 1);
        let centres = Tensor::<B::InnerBackend, 2>::random([23, WIDTH], Distribution::Normal(0.0, 3.0), device);
        let chunk = |first: usize| {
            let size = CHUNK.min(count - first);
            B::seed(device, first as u64 + 2);
            let noise = Tensor::<B::InnerBackend, 2>::random([size, WIDTH], Distribution::Normal(0.0, 1.0), device);
            let of = Tensor::arange(first as i64..(first + size) as i64, device).remainder_scalar(23);
            (centres.clone().select(0, of) + noise) * spread.clone().unsqueeze()
        };
        let started = Instant::now();
        let mut covariance = Covariance::new(WIDTH);
        for first in (0..count.min(OF_COMPONENTS)).step_by(CHUNK) {
            device_pca::add_rows(&mut covariance, chunk(first));
        }
        let pca = covariance.components(128)?;
        let of_components = started.elapsed().as_secs_f64();
        let projection = DeviceProjection::<B::InnerBackend>::new(&pca, device);
        let mut points = Points { width: pca.width(), values: Vec::with_capacity(count * pca.width()) };
        for first in (0..count).step_by(CHUNK) {
            points.values.extend(projection.project(chunk(first)));
        }
        points.normalise();
        let of_projection = started.elapsed().as_secs_f64() - of_components;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let on_device = B::assignment_backend(&points.values, points.width, device);
        let backend = on_device.as_deref().unwrap_or(&points);
        let found = kmeans::kmeans_with(&points, backend, 23, 60, kmeans::Init::PlusPlus, &mut rng);
        let total = started.elapsed().as_secs_f64();
        let alike = found.assignments.iter().enumerate().skip(23).filter(|&(at, of)| *of == found.assignments[at % 23]).count();
        let line = serde_json::json!({
            "vectors": count,
            "on_device": on_device.is_some(),
            "components_s": of_components,
            "projection_s": of_projection,
            "kmeans_s": total - of_components - of_projection,
            "seconds": total,
            "with_their_cloud": alike as f64 / count.saturating_sub(23).max(1) as f64,
            "device_gib": B::reserved_memory(device).map(|bytes| bytes as f64 / 1024f64.powi(3)),
        });
        println!("{line}");
        Ok(())
    }
}
