//! From a device to its backend.

use anyhow::Result;
use burn::backend::{Autodiff, Flex};

use super::backend::DeviceJob;
#[cfg(feature = "gpu")]
use super::gpu;
use super::selection::Device;

impl Device {
    /// Runs a job on this device.
    ///
    /// # Errors
    /// Those of the job; a device that this build or this machine cannot use.
    pub fn run<J: DeviceJob>(self, job: J) -> Result<J::Output> {
        match self {
            Self::Cpu => job.run::<Autodiff<Flex>>(&Default::default()),
            #[cfg(feature = "cuda")]
            Self::Cuda(_) => gpu::run::<cubecl::cuda::CudaRuntime, J>(self, job),
            #[cfg(feature = "vulkan")]
            Self::Vulkan(_) => gpu::run::<cubecl::wgpu::WgpuRuntime, J>(self, job),
            #[cfg(not(all(feature = "cuda", feature = "vulkan")))]
            _ => {
                let feature = if matches!(self, Self::Cuda(_)) { "cuda" } else { "vulkan" };
                anyhow::bail!("--device {self}: this build has no {feature} support; build `train` with --features {feature}")
            }
        }
    }
}
