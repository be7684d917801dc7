//! Options that several commands have.

use clap::Args;
use serde::Deserialize;

use crate::device::Device;
use crate::kernels::Precision;

/// Device, precision, threads.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CommonArgs {
    /// Device that computes: cpu, cuda or cuda:N [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<Device>,
    /// Number format of the encoder's matrix products; all else is f32
    #[arg(long, value_enum, default_value_t = Precision::F32, value_name = "TYPE")]
    pub precision: Precision,
    /// CPU threads; 0 for one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

impl CommonArgs {
    /// The device, the CPU by default.
    pub fn device(&self) -> Device {
        self.device.unwrap_or(Device::Cpu)
    }
}
