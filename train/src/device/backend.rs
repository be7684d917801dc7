//! What this program requires of a backend, and work that is generic over backends.

use anyhow::Result;
use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::{AutodiffBackend, Backend};

use super::selection::Device;
use crate::kernels::{AssignmentBackend, Kernels, ProductChecks};

/// A backend that can train the model.
pub trait TrainBackend: AutodiffBackend<InnerBackend: Kernels> + Kernels + DeviceBackend {}

impl<B: AutodiffBackend<InnerBackend: Kernels> + Kernels + DeviceBackend> TrainBackend for B {}

/// The devices of a backend, beyond what Burn asks of them.
pub trait DeviceBackend: Backend {
    /// Whether large sets of vectors are clustered on the device: [`assignment_backend`](Self::assignment_backend) may give one, and
    /// principal components are worth computing there.
    const CLUSTERS_ON_DEVICE: bool = false;

    /// The backend's own device for a device of this program.
    fn backend_device(device: Device) -> Self::Device;

    /// Bytes of memory that this process has reserved on a device; `None` where the backend does not count them.
    fn reserved_memory(_device: &Self::Device) -> Option<u64> {
        None
    }

    /// Checks that these devices can sum a tensor over all of them.
    ///
    /// # Errors
    /// A device that cannot be used, or a library that is missing, with what to install.
    fn check_all_reduce(_devices: &[Device]) -> Result<()> {
        Ok(())
    }

    /// Computes matrix products by each routine that the backend may choose for them, and compares them with plain ones; `None` where it
    /// has one routine.
    fn check_products(_device: &Self::Device) -> Option<ProductChecks> {
        None
    }

    /// Uploads points of `width` numbers each for k-means; `None` where the host is to cluster them.
    fn assignment_backend(_values: &[f32], _width: usize, _device: &Self::Device) -> Option<Box<dyn AssignmentBackend>> {
        None
    }
}

impl DeviceBackend for Autodiff<Flex> {
    fn backend_device(_: Device) -> Self::Device {
        Default::default()
    }
}

/// Work that is generic over backends: [`Device::run`] picks the backend.
pub trait DeviceJob {
    /// Its result.
    type Output;

    /// Does the work on a device.
    ///
    /// # Errors
    /// Those of the job.
    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<Self::Output>;
}
