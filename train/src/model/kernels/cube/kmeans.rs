//! k-means of points on a GPU.

use burn::tensor::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{DType, Shape, TensorData};
use burn_cubecl::CubeRuntime;
use burn_cubecl::ops::into_data_sync;
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{array, elements, empty};
use super::{Cube, kernels};
use crate::cluster::Points;
use crate::cluster::kmeans::Neighbours;

/// Points of an upload: half a gigabyte of 128 numbers each.
const UPLOAD: usize = 1 << 20;

/// Points whose sums are f32; those of such chunks are added up in f64.
const CHUNK: usize = 4096;

/// Most numbers of a point: a unit holds one.
const WIDEST: usize = 256;

/// Points on the device, in parts.
pub struct CubePoints<R: CubeRuntime> {
    width: usize,
    parts: Vec<CubeTensor<R>>,
}

impl<R: CubeRuntime> CubePoints<R> {
    /// Uploads points, if they are not too wide.
    pub fn new(points: &Points, device: &R::Device) -> Option<Self> {
        let width = points.width;
        let upload = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            Cube::<R>::float_from_data(data, device)
        };
        (width <= WIDEST && !points.is_empty()).then(|| Self { width, parts: points.values.chunks(UPLOAD * width).map(upload).collect() })
    }

    fn len_of(&self, part: &CubeTensor<R>) -> usize {
        part.meta.num_elements() / self.width
    }
}

impl<R: CubeRuntime> Neighbours for CubePoints<R> {
    fn assign(&self, centroids: &Points) -> Vec<(u32, f32)> {
        let means = TensorData::new(centroids.values.clone(), [centroids.values.len()]);
        let means = Cube::<R>::float_from_data(means, &self.parts[0].device);
        let found = self.parts.iter().map(|part| {
            let shape = Shape::new([self.len_of(part)]);
            let (of, squares) = (empty(part, shape.clone(), DType::I32), empty(part, shape, DType::F32));
            let (count, dim) = elements(&of);
            kernels::assign::launch(&part.client, count, dim, array(part), array(&means), array(&of), array(&squares), self.width);
            (of, squares)
        });
        // All parts are under way before the first is waited for.
        let found: Vec<_> = found.collect();
        let mut nearest = Vec::with_capacity(self.parts.iter().map(|part| self.len_of(part)).sum());
        for (of, squares) in found {
            let of: Vec<i32> = into_data_sync(of).to_vec().expect("an i32 for each point");
            let squares: Vec<f32> = into_data_sync(squares).to_vec().expect("an f32 for each point");
            nearest.extend(of.into_iter().zip(squares).map(|(of, square)| (of as u32, square)));
        }
        nearest
    }

    fn sums(&self, nearest: &[(u32, f32)], clusters: usize) -> Vec<f64> {
        let mut rest = nearest;
        let parts = self.parts.iter().map(|part| {
            let (of, after) = rest.split_at(self.len_of(part));
            rest = after;
            let chunks = of.len().div_ceil(CHUNK);
            let of: Vec<i32> = of.iter().map(|(of, _)| *of as i32).collect();
            let of = TensorData::new(of, [self.len_of(part)]);
            let of = <Cube<R> as IntTensorOps<Cube<R>>>::int_from_data(of, &part.device);
            let sums = zeros_client(part.client.clone(), part.device.clone(), Shape::new([chunks * clusters * self.width]), DType::F32);
            let dim = CubeDim::new_1d((self.width as u32).next_multiple_of(32));
            let count = CubeCount::Static(chunks as u32, 1, 1);
            kernels::cluster_sums::launch(&part.client, count, dim, array(part), array(&of), array(&sums), self.width, clusters, CHUNK);
            sums
        });
        let parts: Vec<_> = parts.collect();
        let mut sums = vec![0.0; clusters * self.width];
        for part in parts {
            let part: Vec<f32> = into_data_sync(part).to_vec().expect("sums are f32");
            for chunk in part.chunks_exact(sums.len()) {
                sums.iter_mut().zip(chunk).for_each(|(sum, &x)| *sum += f64::from(x));
            }
        }
        sums
    }
}
