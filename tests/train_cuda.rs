//! The GPU's kernels against the CPU's, on CUDA: a card, or an emulator of the driver.

#![allow(clippy::unwrap_used, missing_docs)]

mod gpu_kernels;

use burn::tensor::DType;
use cubecl::cuda::CudaRuntime as Runtime;
use train::device::Device;

const DEVICE: Device = Device::Cuda(0);
/// What half precision is there.
const HALF: DType = DType::BF16;
