//! Sums over several devices.

use burn_cubecl::CubeRuntime;
use burn_cubecl::tensor::CubeTensor;
use cubecl::device::{Device, DeviceId};
use cubecl::server::ReduceOperation;

use super::burn_backend::Cube;
use super::launch::exclusive;
use crate::kernels::reference;

/// The sum of tensors of one shape, each on a device of its own, on each of these devices: by NCCL where the runtime is CUDA, else by
/// copies to the first device and back.
///
/// These are the calls that Burn's own support for distributed training makes. Its feature requires them of every backend that is built
/// in, and burn-flex does not have them, so that they are made here.
pub fn all_reduce<R: CubeRuntime>(of_devices: Vec<CubeTensor<R>>) -> Vec<CubeTensor<R>> {
    let ids: Vec<DeviceId> = of_devices.iter().map(|x| x.device.to_id()).collect();
    let distinct = ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id));
    if !distinct || !R::name(&of_devices[0].client).contains("cuda") {
        return reference::all_reduce::<Cube<R>>(of_devices);
    }
    let sums: Vec<CubeTensor<R>> = of_devices.into_iter().map(exclusive).collect();
    for sum in &sums {
        let (mut client, handle) = (sum.client.clone(), sum.handle.clone());
        client.all_reduce(handle.clone(), handle, sum.dtype.into(), ids.clone(), ReduceOperation::Sum);
    }
    sums.iter().for_each(|sum| sum.client.sync_collective());
    sums
}
