//! Device, precision, threads and messages: settings that all commands with a model share.

use crate::device::Device;
use crate::kernels::Precision;

/// Settings of computing that all commands with a model share.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// Device that computes.
    pub device: Device,
    /// Number format of the encoder's matrix products.
    pub precision: Precision,
    /// Threads of the CPU; 0 for one per core.
    pub threads: usize,
    /// Whether only results and errors are printed.
    pub quiet: bool,
}
