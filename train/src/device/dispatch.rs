//! From a device to its backend.

use anyhow::Result;
use burn::backend::{Autodiff, Flex};

use super::backend::{DeviceJob, Engine};
#[cfg(feature = "gpu")]
use super::gpu;
use super::selection::Device;

impl Device {
    /// Runs a job on this device.
    ///
    /// # Errors
    /// Those of the job; a device that this build or this machine cannot use.
    pub fn run<J: DeviceJob>(self, job: J) -> Result<J::Output> {
        self.run_with(Engine::Own, job)
    }

    /// Runs a job on this device with one engine or the other. The CPU has one engine only.
    ///
    /// # Errors
    /// Those of the job; a device that this build or this machine cannot use.
    pub fn run_with<J: DeviceJob>(self, engine: Engine, job: J) -> Result<J::Output> {
        match (self, engine) {
            (Self::Cpu, _) => job.run::<Autodiff<Flex>>(&Default::default()),
            #[cfg(feature = "cuda")]
            (Self::Cuda(_), _) => gpu::run::<cubecl::cuda::CudaRuntime, J>(self, engine, job),
            #[cfg(feature = "vulkan")]
            (Self::Vulkan(_), _) => gpu::run::<cubecl::wgpu::WgpuRuntime, J>(self, engine, job),
            #[cfg(not(all(feature = "cuda", feature = "vulkan")))]
            _ => {
                let feature = if matches!(self, Self::Cuda(_)) { "cuda" } else { "vulkan" };
                anyhow::bail!("--device {self}: this build has no {feature} support; build `train` with --features {feature}")
            }
        }
    }
}
