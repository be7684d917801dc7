//! GPUs: whether one can be used, and where what it compiles is kept.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Result, anyhow, ensure};
use burn::backend::Autodiff;
use burn::tensor::{FloatDType, Tensor, TensorPrimitive};
use burn_cubecl::CubeRuntime;
use burn_fusion::Fusion;
use cubecl::config::cache::CacheConfig;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use cubecl::device::{Device as _, DeviceId};

use super::{Device, Engine, Job, Place};
use crate::model::Kernels;
use crate::model::kernels::cube::Cube;

/// Burn's operations, fused by Burn.
type Fused<R> = Fusion<Cube<R>>;

impl<R: CubeRuntime> Kernels for Fused<R> {}

impl<R: CubeRuntime> Kernels for Autodiff<Fused<R>> {}

impl<R: CubeRuntime> Place for Autodiff<Cube<R>> {
    fn place(device: Device) -> Self::Device {
        place::<R>(device)
    }

    fn memory(device: &Self::Device) -> Option<u64> {
        reserved::<R>(device)
    }

    fn check(devices: &[Device]) -> Result<()> {
        together::<R>(devices)
    }
}

impl<R: CubeRuntime> Place for Autodiff<Fused<R>> {
    fn place(device: Device) -> Self::Device {
        place::<R>(device)
    }

    fn memory(device: &Self::Device) -> Option<u64> {
        reserved::<R>(device)
    }

    fn check(devices: &[Device]) -> Result<()> {
        together::<R>(devices)
    }
}

/// The runtime's device of this number. The first is the runtime's own choice: a software driver of Vulkan has no number.
fn place<R: CubeRuntime>(device: Device) -> R::Device {
    match device {
        Device::Cpu | Device::Cuda(0) | Device::Vulkan(0) => R::Device::default(),
        Device::Cuda(number) | Device::Vulkan(number) => R::Device::from_id(DeviceId { type_id: 0, index_id: number as u16 }),
    }
}

fn reserved<R: CubeRuntime>(device: &R::Device) -> Option<u64> {
    R::client(device).memory_usage().ok().map(|usage| usage.bytes_reserved)
}

/// Runs a job on a GPU.
pub fn run<R: CubeRuntime, J: Job>(device: Device, engine: Engine, job: J) -> Result<J::Output> {
    keep_kernels();
    let place = place::<R>(device);
    ready::<R>(device, &place)?;
    match engine {
        Engine::Own => job.run::<Autodiff<Cube<R>>>(&place),
        Engine::BurnFusion => job.run::<Autodiff<Fused<R>>>(&place),
    }
}

/// Says where compiled and tuned kernels are kept between runs: in `TRAIN_CACHE`, or else the user's cache folder. A
/// `cubecl.toml` has the first word in all else.
fn keep_kernels() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let given = std::env::var_os("TRAIN_CACHE").map(PathBuf::from);
        let of_user = || {
            let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).map(|base| base.join("coarse-to-fine"))
        };
        let Some(dir) = given.or_else(of_user) else { return };
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.autotune.cache = CacheConfig::File(dir.clone());
        config.compilation.cache = Some(CacheConfig::File(dir));
        CubeClRuntimeConfig::set(config);
    });
}

/// Computes a product on the device.
fn ready<R: CubeRuntime>(device: Device, place: &R::Device) -> Result<()> {
    let half = if matches!(device, Device::Cuda(_)) { FloatDType::BF16 } else { FloatDType::F32 };
    let sum = caught(device, || {
        let x = Tensor::<Cube<R>, 2>::ones([64, 64], place).cast(half);
        x.clone().matmul(x).cast(FloatDType::F32).sum().try_into_scalar().map_err(|error| format!("{error:?}"))
    })?;
    ensure!(sum == 262_144.0, "--device {device}: it computes wrongly: a product whose sum is 262144 came out with {sum}");
    Ok(())
}

/// Adds up a number of each device.
fn together<R: CubeRuntime>(devices: &[Device]) -> Result<()> {
    let places: Vec<R::Device> = devices.iter().map(|&device| place::<R>(device)).collect();
    devices.iter().zip(&places).try_for_each(|(&device, place)| ready::<R>(device, place))?;
    let sums = caught(devices[0], || {
        let numbers = places.iter().map(|place| Tensor::<Cube<R>, 1>::ones([1], place).into_primitive().tensor()).collect();
        let sums = Cube::<R>::all_reduce(numbers).into_iter().map(|sum| Tensor::<Cube<R>, 1>::from_primitive(TensorPrimitive::Float(sum)));
        sums.map(|sum| sum.try_into_scalar().map_err(|error| format!("{error:?}"))).collect::<Result<Vec<f32>, String>>()
    })?;
    let right = sums.iter().all(|&sum| sum == devices.len() as f32);
    ensure!(right, "the devices do not work together: a sum of {} over all of them came out as {sums:?}", devices.len());
    Ok(())
}

/// Does work on a device. The libraries beneath panic where a driver or a compiler is missing, some of them on threads of their own:
/// all that they say is caught, and turned into what to do.
fn caught<T>(device: Device, work: impl FnOnce() -> Result<T, String>) -> Result<T> {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let said = info.payload_as_str().unwrap_or("a panic without words");
        SAID.lock().unwrap_or_else(PoisonError::into_inner).push(said.to_owned());
    }));
    let tried = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    let mut said = std::mem::take(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner));
    match tried {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => {
            said.push(error);
            Err(unusable(device, &said))
        }
        Err(_) => Err(unusable(device, &said)),
    }
}

/// What to do about a device that cannot be used, by what its libraries said.
fn unusable(device: Device, said: &[String]) -> anyhow::Error {
    let all = said.join("\n");
    let says = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let todo = if matches!(device, Device::Vulkan(_)) {
        "install a Vulkan driver (Mesa's software one is in mesa-vulkan-drivers)"
    } else if says(&["\"nvrtc\"", "nvrtc"]) {
        "the compiler NVRTC is missing: install it (cuda-nvrtc of the CUDA toolkit, or the PyPI package nvidia-cuda-nvrtc) and put \
         the folder of libnvrtc.so into LD_LIBRARY_PATH"
    } else if says(&["CUDA installation not found", "cuda_fp16.h", "cuda_bf16.h", "cannot open source file", "could not open source file"])
    {
        "CUDA's headers are missing: install them (cuda-cudart-dev and cuda-cccl of the CUDA toolkit) and set CUDA_PATH to the folder \
         that holds include/; without it /usr/local/cuda is looked at"
    } else if says(&["\"cuda\"", "libcuda", "NO_DEVICE", "STUB_LIBRARY"]) {
        "there is no NVIDIA driver or no GPU: install the driver, so that nvidia-smi lists the GPU and libcuda.so.1 is found (in a container, start \
         it with --gpus all)"
    } else if says(&["INVALID_DEVICE"]) {
        "there is no GPU of this number; nvidia-smi lists them"
    } else if says(&["nccl", "NCCL"]) {
        "several GPUs add up their gradients by NCCL, which is missing or does not work: install libnccl2 (or the PyPI package \
         nvidia-nccl-cu13) and put the folder of libnccl.so into LD_LIBRARY_PATH"
    } else if says(&["INSUFFICIENT_DRIVER", "UNSUPPORTED_PTX", "SYSTEM_DRIVER_MISMATCH", "symbol"]) {
        "the driver is older than CUDA 13: renew it, or build with CUDARC_CUDA_VERSION set to the driver's (nvidia-smi shows it; 12080 is 12.8)"
    } else {
        "run nvidia-smi to see whether the driver works, and train check-device to see whether the device computes"
    };
    let said = said.iter().flat_map(|said| said.lines()).map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
    let said: String = said.chars().take(160).collect();
    anyhow!("--device {device} cannot be used: {todo} ({said})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let check = |said: &str, expected: &str| {
            let error = unusable(Device::Cuda(1), &[said.to_owned()]).to_string();
            assert!(error.starts_with("--device cuda:1 cannot be used: ") && error.contains(expected), "{error}");
        };
        check("Unable to dynamically load the \"cuda\" shared library - searched for library names: []", "install the driver");
        check("Unable to dynamically load the \"nvrtc\" shared library - searched for library names: []", "LD_LIBRARY_PATH");
        check("\n        CUDA installation not found.\n", "CUDA_PATH");
        check("[Compilation Error]\n default_program(1): could not open source file \"cuda_fp16.h\"", "CUDA_PATH");
        check("called `Result::unwrap()` on an `Err` value: DriverError(CUDA_ERROR_NO_DEVICE, \"\")", "no GPU");
        check("called `Result::unwrap()` on an `Err` value: DriverError(CUDA_ERROR_INVALID_DEVICE, \"\")", "of this number");
    }
}
