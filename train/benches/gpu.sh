#!/usr/bin/env bash
# Measures a GPU: whether it computes correctly, how fast a training step is beside PyTorch on the same GPU, and a stage on real triples.
#
#   train/benches/gpu.sh pack DIR        on the machine that builds: writes binary, lengths and triples to DIR (at most 64 MiB)
#   DIR/gpu.sh run [SECTION...]          on the machine with the GPU. Without names, those that have a time limit, in this order, 8 minutes in all:
#       check      the device against the CPU, in each precision, and every routine for products    2 minutes at most
#       speed      a step of BERT-base in bf16, 64 x 128 and 32 x 256, beside PyTorch               3
#       parts      the time of each operation of a step                                             1/2
#       stage      a stage on real triples, and the share of time in which the GPU was busy         2
#       cluster    PCA and k-means of a million vectors of width 768                                1/2
#   by name, each ten minutes at most:
#       lengths    speed on the lengths of real triples, and padded to 150
#       kernels    the time of each kernel of a step, by CubeCL
#       curves     loss curves of f32 and bf16 on the same data
#       devices    two GPUs against one, if there are two
#
# Environment of `pack`: TRAIN and PREP, binaries that are built already; DATA, a folder of dumps and labelled sets (default ../shared/data
# beside the repository), without which the demo's dumps are used; PEER, a PyTorch program with the options of `train bench-step` (--device,
# --dtype, --model, --batch, --seq, --lengths, --steps, --warmup) that prints a JSON object with `seq_per_s`, without which there is no ratio;
# CACHE, a folder of compiled kernels, the TRAIN_CACHE of the same binary on the same architecture and NVRTC: without it, compiling takes most of
# the 8 minutes. What was tuned there is left out.
#
# Environment of `run`: DEVICE (cuda), MODEL (base), STEPS (20), PRECISION (bf16), VECTORS (1000000), RESULTS (DIR/results); LIMIT=no lets
# sections take an hour, to fill TRAIN_CACHE for a later `pack`. To try the script without a GPU: DEVICE=cpu MODEL=mini STEPS=2 PRECISION=f32 VECTORS=20000; `check` then compares the CPU with itself.
#
# Each section writes RESULTS/SECTION.txt, with the seconds that it took. The machine with the GPU needs a driver, NVRTC and CUDA's headers
# (train/docs/gpu.md), and torch and transformers for the ratio.
set -uo pipefail

say() { printf '\n== %s\n' "$*"; }

pack() {
    set -e
    local out=$1 root data peer vocab set
    root=$(cd "$(dirname "$0")/../.." && pwd)
    data=${DATA:-$root/../shared/data}
    peer=${PEER:-}
    mkdir -p "$out"
    out=$(cd "$out" && pwd)
    cd "$root"
    local target=${CARGO_TARGET_DIR:-target}/release
    local train=${TRAIN:-$target/train} prep=${PREP:-$target/prep}
    if [ -z "${TRAIN:-}" ]; then
        say "building"
        CARGO_PROFILE_RELEASE_STRIP=symbols cargo build --release --locked -p train --features cuda
    fi
    [ -n "${PREP:-}" ] || CARGO_PROFILE_RELEASE_STRIP=symbols cargo build --release --locked -p prep
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    xz -T0 -3 -c "$train" > "$out/train.xz"
    rm -f "$out/cache.tar.xz"
    if [ -n "${CACHE:-}" ]; then
        # Of a folder for the architecture, what is compiled, without the folders of cards.
        (cd "$CACHE" && find train-*/*/cuda -type f -print0 | tar --null -T - -c) | xz -T0 -6 > "$out/cache.tar.xz"
    else
        echo "no compiled kernels (CACHE): they will be compiled on the machine with the GPU"
    fi
    cp "$0" "$out/gpu.sh"
    if [ -n "$peer" ]; then cp -f "$peer" "$out/bert_step.py"; else echo "no PyTorch program (PEER): there will be no ratio"; fi
    say "triples"
    if [ -d "$data" ]; then
        "$prep" mrc "$data/ner/ecommerce/train.txt.bieos" -o "$work/ecommerce" --queries zh_ecommerce -q
        "$prep" esi "$data/dumps/enwiki-2016-206pages.xml.bz2" -o "$work/enwiki" --min-entities 1 -q
        cp -f "$data/vocab/bert-base-chinese-vocab.txt" "$work/zh.txt"
        cp -f "$data/vocab/bert-base-uncased-vocab.txt" "$work/en.txt"
    else
        echo "$data does not exist (DATA): the demo's dumps are used"
        "$prep" esi fixtures/zhwiki.xml -o "$work/ecommerce" --min-entities 1 -q
        "$prep" esi fixtures/enwiki.xml -o "$work/enwiki" --min-entities 1 -q
        cp fixtures/encoder/vocab.txt "$work/zh.txt"
        cp fixtures/encoder/vocab.txt "$work/en.txt"
    fi
    for set in ecommerce:zh enwiki:en; do
        vocab=${set#*:}
        "$train" bench-step --lengths-of "$work/${set%:*}" --vocab "$work/$vocab.txt" --lengths "$work/${set%:*}.lengths"
        cp -f "$work/${set%:*}.lengths" "$work/$vocab.txt" "$out/"
        rm -rf "$out/${set%:*}"
        cp -r "$work/${set%:*}" "$out/"
    done
    local size
    size=$(du -sm "$out" | cut -f1)
    echo "$out: $size MiB"
    [ "$size" -le 64 ] || { echo "$out is larger than 64 MiB"; exit 1; }
}

# Finds NVRTC and CUDA's headers: the toolkit's, or those of Python's packages.
find_cuda() {
    if [ -z "${CUDA_PATH:-}" ]; then
        local dir header
        for dir in /usr/local/cuda /usr/local/cuda-* /opt/cuda; do
            [ -f "$dir/include/cuda_fp16.h" ] && export CUDA_PATH=$dir && break
        done
        if [ -z "${CUDA_PATH:-}" ]; then
            header=$(python3 -c 'import site, glob, os
for base in site.getsitepackages():
    for found in glob.glob(os.path.join(base, "nvidia", "*", "include", "cuda_fp16.h")): print(found)' 2>/dev/null | head -1)
            [ -n "$header" ] && CUDA_PATH=$(dirname "$(dirname "$header")") && export CUDA_PATH
        fi
    fi
    local libraries
    libraries=$(python3 -c 'import site, glob, os
for base in site.getsitepackages():
    print(":".join(sorted({os.path.dirname(f) for n in ("libnvrtc.so*", "libnccl.so*") for f in glob.glob(os.path.join(base, "nvidia", "*", "lib", n))})))' 2>/dev/null | head -1)
    export LD_LIBRARY_PATH=${CUDA_PATH:-/usr/local/cuda}/lib64:$libraries:${LD_LIBRARY_PATH:-}
    echo "CUDA_PATH=${CUDA_PATH:-not found} LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
}

# Runs a program for the seconds that are left of its section, or for fewer.
within() {
    local left=$((deadline - SECONDS)) status=0
    [ "$1" -ge "$left" ] || [ "${LIMIT:-yes}" = no ] || left=$1
    shift
    if [ "$left" -le 0 ]; then echo "not run: the time of this section is over"; return 124; fi
    timeout "$left" "$@" || status=$?
    [ $status != 124 ] || echo "stopped after $left seconds"
    return $status
}

ours() { within 280 "$here/train" bench-step --device "$device" --precision "${precision:-$default}" "$@"; }

peer() {
    if [ ! -f "$here/bert_step.py" ]; then echo "skipped: there is no PyTorch program $here/bert_step.py (PEER of pack)"; return; fi
    if ! python3 -c 'import torch, transformers' 2>/dev/null; then echo "skipped: torch or transformers is not installed"; return; fi
    # Warnings of transformers go to a log of their own.
    within 280 python3 "$here/bert_step.py" --device "${device%%:*}" --dtype "${precision:-$default}" "$@" 2> "$results/peer.log" || tail -3 "$results/peer.log"
}

# Measures train and the PyTorch program, and prints the ratio of sequences a second.
beside() {
    local name=$1 mine theirs
    shift
    say "$name"
    mine=$(ours --model "$model" "$@" 2>&1 | tee /dev/stderr | grep '^{' | head -1)
    theirs=$(peer --model "$model" "$@" | tee /dev/stderr | grep '^{' | head -1)
    python3 - "$mine" "$theirs" <<'PY' || true
import json, sys
mine, theirs = (json.loads(text) if text.startswith("{") else None for text in sys.argv[1:])
if mine and theirs: print(f"ratio: {mine['seq_per_s'] / theirs['seq_per_s']:.3f} of PyTorch's sequences a second")
PY
}

section() {
    local set run precision count
    case $1 in
    check)
        nvidia-smi || echo "no nvidia-smi"
        within 280 "$here/train" check-device --device "$device"
        ;;
    speed)
        beside "64 x 128" --batch 64 --seq 128 --steps "$steps"
        beside "32 x 256" --batch 32 --seq 256 --steps "$steps"
        ;;
    lengths)
        for set in ecommerce enwiki; do
            # Sorted within buckets of 50 batches, as in training. Both programs get the same batches.
            python3 -c 'import random, sys
lengths = [int(line) for line in open(sys.argv[1])]
random.Random(1).shuffle(lengths)
parts = [sorted(lengths[at:at + 3200]) for at in range(0, len(lengths), 3200)]
batches = [part[at:at + 64] for part in parts for at in range(0, len(part) - 63, 64)]
random.Random(2).shuffle(batches)
print("\n".join(str(length) for batch in batches for length in batch))' "$here/$set.lengths" > "$here/work/$set.sorted"
            beside "$set, 64 sequences a batch" --batch 64 --lengths "$here/work/$set.sorted" --steps "$steps" --warmup $((2 * steps / 5 + 1))
            say "$set, 32,768 word pieces a batch, as --max-tokens cuts them"
            ours --model "$model" --lengths "$here/$set.lengths" --max-tokens 32768 --steps "$steps" --warmup $((2 * steps / 5 + 1))
            say "$set, every sequence padded to 150"
            ours --model "$model" --batch 64 --seq 150 --steps "$steps"
        done
        echo "seq_per_s of the last two of each set: what padding to 150 costs"
        ;;
    parts)
        ours --model "$model" --batch 64 --seq 128 --steps 10 --parts
        ;;
    kernels)
        # Timing each kernel slows the step.
        CUBECL_DEBUG_OPTION=profile CUBECL_DEBUG_LOG="$results/profile.log" ours --model "$model" --batch 64 --seq 128 --steps 3 --warmup 2
        tail -60 "$results/profile.log" 2>/dev/null
        ;;
    curves)
        encoder en
        for precision in f32 bf16; do
            within 270 "$here/train" esi --data "$here/enwiki" --encoder "$here/work/en" --out "$here/work/curve-$precision" --overwrite \
                --device "$device" --precision $precision --max-tokens 8192 --max-steps $((7 * steps)) --eval-every 0 --lr 5e-5 --warmup 0.1 --dropout 0
        done
        compare_losses "$here/work/curve-f32" "$here/work/curve-bf16"
        ;;
    stage)
        encoder zh
        # Twice: the second run finds compiled and tuned kernels in the cache.
        for run in first second; do
            say "finetune, $run run"
            within 75 "$here/train" finetune --data "$here/ecommerce" --dev "$here/ecommerce" --encoder "$here/work/zh" --out "$here/work/stage-$run" \
                --overwrite --device "$device" --precision "$default" --max-tokens 16384 --max-steps $((10 * steps)) --eval-every $((5 * steps)) --lr 3e-5 --warmup 0.1
            tail -2 "$here/work/stage-$run/metrics.jsonl"
        done
        ;;
    cluster)
        for count in ${VECTORS:-1000000}; do
            within 280 "$here/train" bench-step --device "$device" --cluster $count
        done
        ;;
    devices)
        local pair=cpu,cpu
        if [ "$device" != cpu ]; then
            pair=cuda:0,cuda:1
            if [ "$(nvidia-smi --list-gpus 2>/dev/null | wc -l)" -lt 2 ]; then echo "skipped: there are no two GPUs"; return; fi
        fi
        encoder en
        local common=(--data "$here/enwiki" --encoder "$here/work/en" --overwrite --max-steps $((2 * steps)) --eval-every 0 --lr 5e-5 --warmup 0.1 \
            --batch 32 --dropout 0 --precision "$default")
        within 140 "$here/train" esi "${common[@]}" --out "$here/work/one" --device "${pair%,*}" --accumulate 2
        within 140 "$here/train" esi "${common[@]}" --out "$here/work/two" --devices "$pair"
        compare_losses "$here/work/one" "$here/work/two"
        ;;
    *)
        echo "there is no section $1" >&2
        return 2
        ;;
    esac
}

# The losses of two runs, step by step.
compare_losses() {
    python3 - "$@" <<'PY'
import json, sys
one, two = ({l["step"]: l["loss"] for l in map(json.loads, open(f"{run}/metrics.jsonl")) if "loss" in l} for run in sys.argv[1:])
steps = sorted(one.keys() & two.keys())
for step in steps: print(step, f"{one[step]:.4f} {two[step]:.4f}")
print("largest difference:", max((abs(one[step] - two[step]) for step in steps), default="no step in common"))
PY
}

# Writes an encoder of random weights, once.
encoder() {
    [ -f "$here/work/$1/model.safetensors" ] || "$here/train" bench-step --model "$model" --encoder "$here/work/$1" --vocab "$here/$1.txt"
}

run() {
    here=$(cd "$(dirname "$0")" && pwd)
    device=${DEVICE:-cuda} model=${MODEL:-base} steps=${STEPS:-20} default=${PRECISION:-bf16}
    results=${RESULTS:-$here/results}
    mkdir -p "$here/work" "$results"
    [ -x "$here/train" ] || { xz -dc "$here/train.xz" > "$here/train" 2>/dev/null || python3 -c 'import lzma, shutil, sys
shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$here/train.xz" "$here/train"; chmod +x "$here/train"; }
    export TRAIN_CACHE=${TRAIN_CACHE:-$here/work/cache}
    if [ -f "$here/cache.tar.xz" ] && [ ! -d "$TRAIN_CACHE" ]; then
        mkdir -p "$TRAIN_CACHE"
        python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/cache.tar.xz" "$TRAIN_CACHE"
    fi
    find_cuda
    [ $# -gt 0 ] || set -- check speed parts stage cluster
    local name failed=0 started
    for name in "$@"; do
        say "$name ($(date +%T))"
        started=$SECONDS
        case $name in
        check | stage) deadline=$((SECONDS + 120)) ;;
        speed) deadline=$((SECONDS + 180)) ;;
        parts | cluster) deadline=$((SECONDS + 30)) ;;
        *) deadline=$((SECONDS + 600)) ;;
        esac
        [ "${LIMIT:-yes}" = yes ] || deadline=$((SECONDS + 3600))
        (
            status=0
            section "$name" || status=$?
            echo "$name took $((SECONDS - started)) seconds"
            exit $status
        ) 2>&1 | tee "$results/$name.txt" || failed=1
        # Where the time of a card is short, times are worth having even then.
        [ "$name" != check ] || [ $failed = 0 ] || say "CHECK FAILED: what follows are times of a device that may compute wrongly"
    done
    exit $failed
}

case ${1:-} in
pack) pack "${2:?where to}" ;;
run) shift && run "$@" ;;
*) sed -n '2,34s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
