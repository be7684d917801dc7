#!/usr/bin/env bash
# The GPU's kernels on a machine without a GPU: `train check-device` and all tests of train_cuda on an emulator of the CUDA driver.
#
#   tests/emulated_gpu.sh 'COMMAND ARGS...' [TEST...]
#
# COMMAND, followed by a program and its arguments, runs the program with an emulator in the place of `libcuda.so`, which has the fragments of
# tensor cores (`wmma`): attention in bf16 needs them. Without names of tests: check-device and all tests, an hour or more on 2 cores; half of it
# where the emulator refuses routines for products on tensor cores. NVRTC and the headers come from PyPI, into $EMULATED_CUDA (default
# ~/.cache/emulated-cuda); LD_LIBRARY_PATH and CUDA_PATH name them.
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra emulator <<<"${1:?command that runs a program on an emulator}"
shift
base=${EMULATED_CUDA:-$HOME/.cache/emulated-cuda}
[ -x "$base/bin/python" ] || python3 -m venv "$base"
"$base/bin/pip" -q install 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*'
CUDA_PATH=$(echo "$base"/lib/python3*/site-packages/nvidia/cu13)
export CUDA_PATH LD_LIBRARY_PATH=$CUDA_PATH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# With --workspace, for other features of other crates would build Burn anew.
messages=$(cargo test --locked --workspace --features train/cuda --test train_cuda --no-run --message-format=json)
program=$(grep -o '"executable":"[^"]*/train_cuda-[^"]*"' <<<"$messages" | cut -d'"' -f4)
train=${program%/deps/*}/train

TRAIN_CACHE=$(mktemp -d)
trap 'rm -rf "$TRAIN_CACHE"' EXIT
export TRAIN_CACHE
[ $# -gt 0 ] || "${emulator[@]}" "$train" check-device --device cuda
"${emulator[@]}" "$program" --ignored --test-threads=1 "$@"
