//! The one place that knows backends and features.

#[cfg(feature = "gpu")]
mod gpu;

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::{AutodiffBackend, Backend};
use serde::{Deserialize, Serialize};

use crate::model::Kernels;

/// Where tensors live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Device {
    /// The processor, by burn-flex.
    Cpu,
    /// An NVIDIA GPU by its number.
    Cuda(usize),
    /// A GPU that Vulkan knows, by its number: to test the GPU's kernels with.
    Vulkan(usize),
}

/// A backend that can train the reader.
pub trait TrainBackend: AutodiffBackend<InnerBackend: Kernels> + Kernels + Place {}

impl<B: AutodiffBackend<InnerBackend: Kernels> + Kernels + Place> TrainBackend for B {}

/// A backend's devices by number.
pub trait Place: Backend {
    /// The device of this number, counted among those of its kind.
    fn place(device: Device) -> Self::Device;

    /// Bytes of memory that a device has set aside.
    fn memory(_device: &Self::Device) -> Option<u64> {
        None
    }

    /// Whether these devices can work together.
    ///
    /// # Errors
    /// What is missing.
    fn check(_devices: &[Device]) -> Result<()> {
        Ok(())
    }
}

impl Place for Autodiff<Flex> {
    fn place(_: Device) -> Self::Device {
        Default::default()
    }
}

/// Work that is written for any backend.
pub trait Job {
    /// What comes out of it.
    type Output;

    /// Does it.
    ///
    /// # Errors
    /// Its own.
    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<Self::Output>;
}

/// What computes on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The kernels of this program.
    Own,
    /// Burn's operations, fused by Burn: to compare with.
    BurnFusion,
}

impl Device {
    /// Runs a job on this device.
    ///
    /// # Errors
    /// The job's own, or a device that this build or this machine cannot use.
    pub fn run<J: Job>(self, job: J) -> Result<J::Output> {
        self.run_by(Engine::Own, job)
    }

    /// Runs a job on this device by one engine or the other; the CPU has but one.
    ///
    /// # Errors
    /// The job's own, or a device that this build or this machine cannot use.
    pub fn run_by<J: Job>(self, engine: Engine, job: J) -> Result<J::Output> {
        match (self, engine) {
            (Self::Cpu, _) => job.run::<Autodiff<Flex>>(&Default::default()),
            #[cfg(feature = "cuda")]
            (Self::Cuda(_), _) => gpu::run::<cubecl::cuda::CudaRuntime, J>(self, engine, job),
            #[cfg(feature = "vulkan")]
            (Self::Vulkan(_), _) => gpu::run::<cubecl::wgpu::WgpuRuntime, J>(self, engine, job),
            #[cfg(not(all(feature = "cuda", feature = "vulkan")))]
            _ => {
                let feature = if matches!(self, Self::Cuda(_)) { "cuda" } else { "vulkan" };
                anyhow::bail!("--device {self}: this build does not know {feature}; build it with --features {feature}")
            }
        }
    }

    /// Whether it is a GPU.
    pub fn is_gpu(self) -> bool {
        self != Self::Cpu
    }

    /// Steps between two readings of the loss: each waits for the device.
    pub fn steps_per_reading(self) -> usize {
        if self.is_gpu() { 20 } else { 1 }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            None if text == "vulkan" => Ok(Self::Vulkan(0)),
            Some((kind @ ("cuda" | "vulkan"), number)) => {
                let number = number.parse().map_err(|_| format!("`{number}` is not the number of a GPU"))?;
                Ok(if kind == "cuda" { Self::Cuda(number) } else { Self::Vulkan(number) })
            }
            _ => Err("expected cpu, cuda or cuda:N".to_owned()),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Vulkan(number) => write!(f, "vulkan:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named() {
        for (text, device) in
            [("cpu", Device::Cpu), ("cuda:0", Device::Cuda(0)), ("cuda:3", Device::Cuda(3)), ("vulkan:1", Device::Vulkan(1))]
        {
            assert_eq!((text.parse(), device.to_string().as_str()), (Ok(device), text));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for wrong in ["gpu", "cuda:", "cuda:x", "cpu:1", ""] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
    }
}
