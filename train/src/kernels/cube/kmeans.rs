//! The assignment step of k-means on a GPU.

use burn::tensor::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{DType, Shape, TensorData};
use burn_cubecl::CubeRuntime;
use burn_cubecl::ops::into_data_sync;
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::burn_backend::Cube;
use super::launch::{array, empty, unit_per_element};
use crate::kernels::kmeans::{Assignment, AssignmentBackend};

/// Points of one upload: half a gigabyte at a width of 128.
const POINTS_PER_UPLOAD: usize = 1 << 20;

/// Points whose sums are f32; the sums of such chunks are added up in f64.
const CHUNK: usize = 4096;

/// Largest width of a point: a unit of a cube adds up a column.
const MAX_WIDTH: usize = 256;

/// Points on a GPU.
pub struct PointsOnDevice<R: CubeRuntime> {
    width: usize,
    uploads: Vec<CubeTensor<R>>,
}

impl<R: CubeRuntime> PointsOnDevice<R> {
    /// Uploads points of `width` numbers each, one after the other in `values`. `None` if there are none, or their width is over 256.
    ///
    /// Memory on the device: that of the values, and 8 bytes for each point in an assignment.
    pub fn upload(values: &[f32], width: usize, device: &R::Device) -> Option<Self> {
        let upload = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            Cube::<R>::float_from_data(data, device)
        };
        let fits = width <= MAX_WIDTH && !values.is_empty();
        fits.then(|| Self { width, uploads: values.chunks(POINTS_PER_UPLOAD * width).map(upload).collect() })
    }

    fn len_of(&self, upload: &CubeTensor<R>) -> usize {
        upload.meta.num_elements() / self.width
    }
}

impl<R: CubeRuntime> AssignmentBackend for PointsOnDevice<R> {
    fn assign(&self, centroids: &[f32]) -> Vec<Assignment> {
        let centroids = TensorData::new(centroids.to_vec(), [centroids.len()]);
        let centroids = Cube::<R>::float_from_data(centroids, &self.uploads[0].device);
        let launched = self.uploads.iter().map(|points| {
            let shape = Shape::new([self.len_of(points)]);
            let (clusters, squares) = (empty(points, shape.clone(), DType::I32), empty(points, shape, DType::F32));
            let (count, dim) = unit_per_element(&clusters);
            let [points_argument, centroids, clusters_argument, squares_argument] = [points, &centroids, &clusters, &squares].map(array);
            assign_kernel::launch(&points.client, count, dim, points_argument, centroids, clusters_argument, squares_argument, self.width);
            (clusters, squares)
        });
        // All uploads are launched before the first result is waited for.
        let launched: Vec<_> = launched.collect();
        let mut assignments = Vec::with_capacity(self.uploads.iter().map(|points| self.len_of(points)).sum());
        for (clusters, squares) in launched {
            let clusters: Vec<i32> = into_data_sync(clusters).to_vec().expect("an i32 for each point");
            let squares: Vec<f32> = into_data_sync(squares).to_vec().expect("an f32 for each point");
            let of_upload = clusters.into_iter().zip(squares);
            assignments.extend(of_upload.map(|(cluster, squared_distance)| Assignment { cluster: cluster as u32, squared_distance }));
        }
        assignments
    }

    fn cluster_sums(&self, assignments: &[Assignment], clusters: usize) -> Vec<f64> {
        let mut rest = assignments;
        let launched = self.uploads.iter().map(|points| {
            let (of_upload, after) = rest.split_at(self.len_of(points));
            rest = after;
            let chunks = of_upload.len().div_ceil(CHUNK);
            let numbers: Vec<i32> = of_upload.iter().map(|assignment| assignment.cluster as i32).collect();
            let numbers = TensorData::new(numbers, [of_upload.len()]);
            let numbers = <Cube<R> as IntTensorOps<Cube<R>>>::int_from_data(numbers, &points.device);
            let sums = zeros_client(points.client.clone(), points.device.clone(), Shape::new([chunks * clusters * self.width]), DType::F32);
            let dim = CubeDim::new_1d((self.width as u32).next_multiple_of(32));
            let count = CubeCount::Static(chunks as u32, 1, 1);
            let [points_argument, numbers, sums_argument] = [points, &numbers, &sums].map(array);
            cluster_sums_kernel::launch(&points.client, count, dim, points_argument, numbers, sums_argument, self.width, clusters, CHUNK);
            sums
        });
        let launched: Vec<_> = launched.collect();
        let mut sums = vec![0.0; clusters * self.width];
        for of_upload in launched {
            let of_upload: Vec<f32> = into_data_sync(of_upload).to_vec().expect("sums are f32");
            for chunk in of_upload.chunks_exact(sums.len()) {
                sums.iter_mut().zip(chunk).for_each(|(sum, &x)| *sum += f64::from(x));
            }
        }
        sums
    }
}

/// The nearest centroid of each point, the first of equally near ones, and the square of the distance. A unit takes a point.
#[cube(launch)]
fn assign_kernel(
    points: &Array<f32>,
    centroids: &Array<f32>,
    clusters: &mut Array<i32>,
    squares: &mut Array<f32>,
    #[comptime] width: usize,
) {
    if ABSOLUTE_POS < clusters.len() {
        let mut point = Array::<f32>::new(width);
        for at in 0..width {
            point[at] = points[ABSOLUTE_POS * width + at];
        }
        let mut best = 0i32;
        let mut least = f32::max_value();
        for centroid in 0..centroids.len() / width {
            let mut square = 0.0f32;
            #[unroll]
            for at in 0..width {
                let difference = point[at] - centroids[centroid * width + at];
                square += difference * difference;
            }
            if square < least {
                least = square;
                best = i32::cast_from(centroid);
            }
        }
        clusters[ABSOLUTE_POS] = best;
        squares[ABSOLUTE_POS] = least;
    }
}

/// Sums of the points of each cluster within a chunk of points. A cube takes a chunk, a unit a column.
#[cube(launch)]
fn cluster_sums_kernel(
    points: &Array<f32>,
    clusters_of_points: &Array<i32>,
    sums: &mut Array<f32>,
    width: usize,
    clusters: usize,
    chunk: usize,
) {
    let column = UNIT_POS as usize;
    if column < width {
        let first = CUBE_POS * chunk;
        let end = min(first + chunk, clusters_of_points.len());
        for point in first..end {
            let at = (CUBE_POS * clusters + usize::cast_from(clusters_of_points[point])) * width + column;
            sums[at] += points[point * width + column];
        }
    }
}
