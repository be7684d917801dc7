//! Names of devices.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A device of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Device {
    /// The processor, by burn-flex.
    Cpu,
    /// An NVIDIA GPU by its number, as `nvidia-smi` counts them.
    Cuda(usize),
    /// A GPU by the number that Vulkan gives it. It is there to test the GPU's kernels on, with Mesa's software driver too.
    Vulkan(usize),
}

impl Device {
    /// Whether it is a GPU.
    pub fn is_gpu(self) -> bool {
        self != Self::Cpu
    }

    /// Steps between two reads of the loss. Each read waits for the device.
    pub fn steps_between_loss_reads(self) -> usize {
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
    fn devices_are_parsed_and_printed() {
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
