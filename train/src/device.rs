//! The one place that knows backends and features.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::AutodiffBackend;
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
}

/// A backend that can train the reader.
pub trait TrainBackend: AutodiffBackend<InnerBackend: Kernels> + Kernels {}

impl<B: AutodiffBackend<InnerBackend: Kernels> + Kernels> TrainBackend for B {}

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

impl Device {
    /// Runs a job on this device.
    ///
    /// # Errors
    /// The job's own, or a device that this build cannot use.
    pub fn run<J: Job>(self, job: J) -> Result<J::Output> {
        match self {
            Self::Cpu => job.run::<Autodiff<Flex>>(&Default::default()),
            #[cfg(feature = "cuda")]
            Self::Cuda(number) => job.run::<Autodiff<burn::backend::Cuda>>(&burn::backend::cuda::CudaDevice::new(number)),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => anyhow::bail!("this build runs on the cpu only; build it with --features cuda to use --device {self}"),
        }
    }

    /// What sequence lengths are rounded up to: a GPU compiles and tunes its kernels for each shape.
    pub fn length_multiple(self) -> usize {
        match self {
            Self::Cpu => 1,
            Self::Cuda(_) => 16,
        }
    }

    /// Steps between two readings of the loss: each waits for the device.
    pub fn steps_per_reading(self) -> usize {
        match self {
            Self::Cpu => 1,
            Self::Cuda(_) => 20,
        }
    }
}

#[cfg(feature = "cuda")]
impl Kernels for burn::backend::Cuda {}

#[cfg(feature = "cuda")]
impl Kernels for Autodiff<burn::backend::Cuda> {}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) => number.parse().map(Self::Cuda).map_err(|_| format!("`{number}` is not the number of a GPU")),
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
        }
    }
}
