//! The GPU's kernels against the CPU's, on Vulkan: any GPU's driver, or Mesa's software one (package `mesa-vulkan-drivers`).

#![allow(clippy::unwrap_used, missing_docs)]

mod gpu_kernels;

use burn::tensor::DType;
use cubecl::wgpu::WgpuRuntime as Runtime;
use train::device::Device;

const DEVICE: Device = Device::Vulkan(0);
/// What half precision is there.
const HALF: DType = DType::F16;
