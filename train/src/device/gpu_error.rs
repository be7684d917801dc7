//! What to do about a GPU that cannot be used.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};

use super::selection::Device;

/// What [`cuda_environment`](super::cuda_environment) says where the driver refuses a PTX for its version.
pub const NVRTC_NEWER: &str = "NVRTC is newer than the driver";

/// Words by which a message names a cause. Others, such as those of the tuner, say that something failed.
const CAUSES: [&str; 6] = [NVRTC_NEWER, "Unable to dynamically load", "CUDA_ERROR", "NCCL_", "NVRTC_ERROR", "could not open source file"];

/// Runs work on a device and turns a panic into an error that says what to do.
///
/// CUDA's bindings panic where a driver or a compiler is missing, some of them on threads of their own. A panic hook collects all of their
/// messages while the work runs.
///
/// # Errors
/// The work failed or panicked.
pub fn catching_panics<T>(device: Device, work: impl FnOnce() -> Result<T, String>) -> Result<T> {
    static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        MESSAGES.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    let mut messages = std::mem::take(&mut *MESSAGES.lock().unwrap_or_else(PoisonError::into_inner));
    match outcome {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => {
            messages.push(error);
            Err(unusable(device, &messages))
        }
        Err(_) => Err(unusable(device, &messages)),
    }
}

/// The error for a device that cannot be used: what to do, by the messages of its libraries, and the first of these that names a cause.
fn unusable(device: Device, messages: &[String]) -> anyhow::Error {
    let all = messages.join("\n");
    let mentions = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let advice = if matches!(device, Device::Vulkan(_)) {
        "install a Vulkan driver (Mesa's software one is in mesa-vulkan-drivers)"
    } else if mentions(&[NVRTC_NEWER]) {
        "NVIDIA's compiler NVRTC is newer than the driver: install NVRTC of the CUDA version that nvidia-smi shows (for 13.0: pip install \
         'nvidia-cuda-nvrtc==13.0.*'), or update the driver"
    } else if mentions(&["\"nvrtc\""]) {
        "NVIDIA's compiler NVRTC is missing: install it (cuda-nvrtc of the CUDA toolkit, or the PyPI package nvidia-cuda-nvrtc) and put \
         the folder of libnvrtc.so into LD_LIBRARY_PATH"
    } else if mentions(&[
        "CUDA installation not found",
        "cuda_fp16.h",
        "cuda_bf16.h",
        "cannot open source file",
        "could not open source file",
    ]) {
        "CUDA's headers are missing: install them (cuda-cudart-dev and cuda-cccl of the CUDA toolkit) and set CUDA_PATH to the folder \
         that holds include/; without CUDA_PATH, /usr/local/cuda is searched"
    } else if mentions(&["\"cuda\"", "libcuda", "NO_DEVICE", "STUB_LIBRARY"]) {
        "there is no NVIDIA driver or no GPU: install the driver, so that nvidia-smi lists the GPU and libcuda.so.1 is found (in a container, start \
         it with --gpus all)"
    } else if mentions(&["INVALID_DEVICE"]) {
        "there is no GPU of this number; nvidia-smi lists them"
    } else if mentions(&["nccl", "NCCL"]) {
        "several GPUs sum their gradients by NCCL, which is missing or does not work: install libnccl2 (or the PyPI package \
         nvidia-nccl-cu13) and put the folder of libnccl.so into LD_LIBRARY_PATH"
    } else if mentions(&["INSUFFICIENT_DRIVER", "UNSUPPORTED_PTX", "SYSTEM_DRIVER_MISMATCH", "symbol"]) {
        "the driver is older than CUDA 13: update it, or build with CUDARC_CUDA_VERSION set to the driver's (nvidia-smi shows it; 12080 is 12.8)"
    } else {
        "run nvidia-smi to see whether the driver works, and train check-device to see whether the device computes correctly"
    };
    let lines = || messages.iter().flat_map(|message| message.lines()).map(str::trim).filter(|line| !line.is_empty());
    let cause = lines().find(|line| CAUSES.iter().any(|cause| line.contains(cause))).or_else(|| lines().next());
    let cause: String = cause.unwrap_or("no message").chars().take(160).collect();
    anyhow!("--device {device} cannot be used: {advice} ({cause})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_what_is_missing() {
        let check = |message: &str, expected: &str| {
            let error = unusable(Device::Cuda(1), &[message.to_owned()]).to_string();
            assert!(error.starts_with("--device cuda:1 cannot be used: ") && error.contains(expected), "{error}");
        };
        check("Unable to dynamically load the \"cuda\" shared library - searched for library names: []", "install the driver");
        check("Unable to dynamically load the \"nvrtc\" shared library - searched for library names: []", "LD_LIBRARY_PATH");
        check(
            "Autotuning failed\nNVRTC is newer than the driver (NVRTC 13.5; CUDA_ERROR_UNSUPPORTED_PTX_VERSION)",
            "driver (NVRTC 13.5; CUDA_",
        );
        check("no tuned kernel\nDriverError(CUDA_ERROR_OUT_OF_MEMORY, \"nvrtc\")", "(DriverError(CUDA_ERROR_OUT_OF_MEMORY");
        check("\n        CUDA installation not found.\n", "CUDA_PATH");
        check("[Compilation Error]\n default_program(1): could not open source file \"cuda_fp16.h\"", "CUDA_PATH");
        check("called `Result::unwrap()` on an `Err` value: DriverError(CUDA_ERROR_NO_DEVICE, \"\")", "no GPU");
        check("called `Result::unwrap()` on an `Err` value: DriverError(CUDA_ERROR_INVALID_DEVICE, \"\")", "of this number");
    }
}
