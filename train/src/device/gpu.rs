//! GPUs as backends, and the check that one computes before it is used.

use anyhow::{Result, ensure};
use burn::backend::Autodiff;
use burn::tensor::{FloatDType, Tensor};
use burn_cubecl::CubeRuntime;
use cubecl::device::{Device as _, DeviceId};

use super::backend::{DeviceBackend, DeviceJob};
#[cfg(feature = "cuda")]
use super::cuda_environment::CudaEnvironment;
use super::gpu_error::catching_panics;
use super::kernel_cache::{self, Target};
use super::selection::Device;
use crate::kernels::cube::Cube;
use crate::kernels::cube::kmeans::PointsOnDevice;
use crate::kernels::cube::product_check::check_products;
use crate::kernels::{AssignmentBackend, Kernels, Precision, ProductChecks, autodiff};

impl<R: CubeRuntime> DeviceBackend for Autodiff<Cube<R>> {
    const CLUSTERS_ON_DEVICE: bool = true;

    fn backend_device(device: Device) -> Self::Device {
        runtime_device::<R>(device)
    }

    fn reserved_memory(device: &Self::Device) -> Option<u64> {
        R::client(device).memory_usage().ok().map(|usage| usage.bytes_reserved)
    }

    fn check_all_reduce(devices: &[Device]) -> Result<()> {
        check_all_reduce::<R>(devices)
    }

    fn check_products(device: &Self::Device) -> Option<ProductChecks> {
        Some(check_products::<R>(device))
    }

    fn assignment_backend(values: &[f32], width: usize, device: &Self::Device) -> Option<Box<dyn AssignmentBackend>> {
        Some(Box::new(PointsOnDevice::<R>::upload(values, width, device)?))
    }
}

/// The runtime's device of this number. Number 0 is the runtime's default, for a software driver of Vulkan has no number.
fn runtime_device<R: CubeRuntime>(device: Device) -> R::Device {
    match device {
        Device::Cpu | Device::Cuda(0) | Device::Vulkan(0) => R::Device::default(),
        Device::Cuda(number) | Device::Vulkan(number) => R::Device::from_id(DeviceId { type_id: 0, index_id: number as u16 }),
    }
}

/// Runs a job on a GPU, after a check that it computes.
///
/// # Errors
/// Those of the job; a GPU that cannot be used, with what to do.
pub fn run<R: CubeRuntime, J: DeviceJob>(device: Device, job: J) -> Result<J::Output> {
    let target = kernel_target(device)?;
    kernel_cache::configure(|| target);
    let of_runtime = runtime_device::<R>(device);
    check_product::<R>(device, &of_runtime)?;
    job.run::<Autodiff<Cube<R>>>(&of_runtime)
}

/// What kernels for a device are compiled and tuned for.
///
/// # Errors
/// A GPU that cannot be used, with what to do.
fn kernel_target(device: Device) -> Result<Target> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(number) => {
            let CudaEnvironment { card, architecture, nvrtc } = catching_panics(device, || CudaEnvironment::probe(number))?;
            Ok(Target { compiler: Some(format!("{architecture}-nvrtc-{nvrtc}")), card: Some(card) })
        }
        _ => Ok(Target::default()),
    }
}

/// Checks that a device computes a matrix product, in bf16 on CUDA.
fn check_product<R: CubeRuntime>(device: Device, of_runtime: &R::Device) -> Result<()> {
    let precision = if matches!(device, Device::Cuda(_)) { Precision::Bf16 } else { Precision::F32 };
    let sum = catching_panics(device, || {
        let x = Tensor::<Cube<R>, 2>::ones([64, 64], of_runtime);
        Cube::<R>::product(x.clone(), x, precision).cast(FloatDType::F32).sum().try_into_scalar().map_err(|error| format!("{error:?}"))
    })?;
    ensure!(
        sum == 262_144.0,
        "--device {device} computes wrongly: the elements of a product of two matrices of ones sum to {sum}, expected 262144"
    );
    Ok(())
}

/// Checks that devices sum a tensor over all of them.
fn check_all_reduce<R: CubeRuntime>(devices: &[Device]) -> Result<()> {
    let of_runtime: Vec<R::Device> = devices.iter().map(|&device| runtime_device::<R>(device)).collect();
    devices.iter().zip(&of_runtime).try_for_each(|(&device, of_runtime)| check_product::<R>(device, of_runtime))?;
    let sums = catching_panics(devices[0], || {
        let ones = of_runtime.iter().map(|device| autodiff::primitive(Tensor::<Cube<R>, 1>::ones([1], device))).collect();
        let sums = Cube::<R>::all_reduce(ones).into_iter().map(autodiff::tensor::<Cube<R>, 1>);
        sums.map(|sum| sum.try_into_scalar().map_err(|error| format!("{error:?}"))).collect::<Result<Vec<f32>, String>>()
    })?;
    let expected = devices.len() as f32;
    ensure!(
        sums.iter().all(|&sum| sum == expected),
        "--devices cannot be used together: the sum of a 1 of each of them came out as {sums:?}, expected {expected} on each"
    );
    Ok(())
}
