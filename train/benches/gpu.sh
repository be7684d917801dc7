#!/usr/bin/env bash
# The GPU's measure: is it right, how fast is it beside PyTorch on the same card, does a real stage run.
#
#   train/benches/gpu.sh pack DIR        on the machine that builds: binary, lengths, triples into DIR (at most 64 MiB)
#   DIR/gpu.sh run [SECTION...]          on the machine with the card; sections, in this order if none is given:
#       check      the device against the CPU, own kernels and Burn's fusion, f32 and bf16          about 3 minutes
#       speed      a step of BERT-base in bf16, 64 x 128 and 32 x 256, beside PyTorch               5
#       fusion     ours by Burn's fused operations in the place of our kernels                      5
#       lengths    the same on the lengths of real triples, and padded to 150                       6
#       parts      where a step's time goes                                                         3
#       curves     loss curves of f32 and bf16 on the same data                                     6
#       stage      a stage on real triples; the share of time that the card had work                8
#       cluster    PCA and k-means of 1 and of 10 million vectors of 768 numbers                    6
#       devices    two cards against one, if there are two                                          4
#
# pack takes binaries that are built already from TRAIN and PREP. On the card's machine DEVICE (cuda), MODEL (base), STEPS (30),
# PRECISION (bf16) and VECTORS (1000000 10000000, for `cluster`) may be set, so that DEVICE=cpu MODEL=mini STEPS=2 PRECISION=f32
# VECTORS=20000 tries it on a processor, where `check` and `fusion` compare it with itself.
#
# Each section keeps to ten minutes and writes DIR/results/SECTION.txt (or RESULTS/SECTION.txt). Building needs Rust, and for the real lengths and triples the
# dumps and labelled sets that DATA names (default ../shared/data beside the repository); without them made ones are used, and it
# says so. PEER is PyTorch's side, a program with the options of bert_step.py (default ../shared/tools/bert_step.py); without it, or
# without torch on the card's machine, there is no ratio, and it says so. The card's machine needs a driver, NVRTC and CUDA's headers.
set -uo pipefail

say() { printf '\n== %s\n' "$*"; }

pack() {
    set -e
    local out=$1 root data peer vocab set
    root=$(cd "$(dirname "$0")/../.." && pwd)
    data=${DATA:-$root/../shared/data}
    peer=${PEER:-$root/../shared/tools/bert_step.py}
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
    cp "$0" "$out/gpu.sh"
    if [ -f "$peer" ]; then cp -f "$peer" "$out/bert_step.py"; else echo "no peer: $peer is not there (PEER)"; fi
    say "triples"
    if [ -d "$data" ]; then
        "$prep" mrc "$data/ner/ecommerce/train.txt.bieos" -o "$work/ecommerce" --queries zh_ecommerce -q
        "$prep" esi "$data/dumps/enwiki-2016-206pages.xml.bz2" -o "$work/enwiki" --min-entities 1 -q
        cp -f "$data/vocab/bert-base-chinese-vocab.txt" "$work/zh.txt"
        cp -f "$data/vocab/bert-base-uncased-vocab.txt" "$work/en.txt"
    else
        echo "no real data: $data is not there (DATA); the demo's dump stands in"
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
    [ "$size" -le 64 ] || { echo "too large to carry"; exit 1; }
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

# A program, for so many seconds at most; says so where they are not enough.
within() {
    local seconds=$1 status=0
    shift
    timeout "$seconds" "$@" || status=$?
    [ $status != 124 ] || echo "stopped after $seconds seconds"
    return $status
}

ours() { within 280 "$here/train" bench-step --device "$device" --precision "${precision:-$default}" "$@"; }

peer() {
    if [ ! -f "$here/bert_step.py" ]; then echo "skipped: no bert_step.py in $here"; return; fi
    if ! python3 -c 'import torch, transformers' 2>/dev/null; then echo "skipped: no torch and transformers here"; return; fi
    # transformers names an extra on import; its own warnings are no result.
    within 280 python3 "$here/bert_step.py" --device "${device%%:*}" --dtype "${precision:-$default}" "$@" 2> "$results/peer.log" || tail -3 "$results/peer.log"
}

# Ours, the peer's, and the ratio of sequences a second.
beside() {
    local name=$1 mine theirs
    shift
    say "$name"
    mine=$(ours --model "$model" "${own_options[@]}" "$@" 2>&1 | tee /dev/stderr | grep '^{' | head -1)
    theirs=$(peer --model "$model" "${peer_options[@]}" "$@" | tee /dev/stderr | grep '^{' | head -1)
    python3 - "$mine" "$theirs" <<'PY' || true
import json, sys
mine, theirs = (json.loads(text) if text.startswith("{") else None for text in sys.argv[1:])
if mine and theirs: print(f"ratio: {mine['seq_per_s'] / theirs['seq_per_s']:.3f} of PyTorch's sequences a second")
PY
}

section() {
    own_options=() peer_options=()
    local set run precision fusion count
    case $1 in
    check)
        nvidia-smi || echo "no nvidia-smi"
        within 500 "$here/train" check-device --device "$device"
        ;;
    speed)
        beside "64 x 128" --batch 64 --seq 128 --steps "$steps"
        beside "32 x 256" --batch 32 --seq 256 --steps "$steps"
        ;;
    fusion)
        own_options=(--burn-fusion)
        beside "64 x 128 by Burn's fusion" --batch 64 --seq 128 --steps "$steps"
        beside "32 x 256 by Burn's fusion" --batch 32 --seq 256 --steps "$steps"
        ;;
    lengths)
        for set in ecommerce enwiki; do
            # Sorted within buckets of 50 batches, as training sorts them: both sides get the same batches.
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
        echo "compare seq_per_s of the last two: what padding to 150 costs"
        ;;
    parts)
        ours --model "$model" --batch 64 --seq 128 --steps 10 --parts
        say "by kernel, as CubeCL times them (this slows the step)"
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
        # Twice: the second run finds the kernels of the first in the cache.
        for run in first second; do
            say "finetune, $run run"
            within 280 "$here/train" finetune --data "$here/ecommerce" --dev "$here/ecommerce" --encoder "$here/work/zh" --out "$here/work/stage-$run" \
                --overwrite --device "$device" --precision "$default" --max-tokens 16384 --max-steps $((10 * steps)) --eval-every $((5 * steps)) --lr 3e-5 --warmup 0.1
            tail -2 "$here/work/stage-$run/metrics.jsonl"
        done
        ;;
    cluster)
        for count in ${VECTORS:-1000000 10000000}; do
            within 280 "$here/train" bench-step --device "$device" --cluster $count
        done
        ;;
    devices)
        local pair=cpu,cpu
        if [ "$device" != cpu ]; then
            pair=cuda:0,cuda:1
            if [ "$(nvidia-smi --list-gpus 2>/dev/null | wc -l)" -lt 2 ]; then echo "skipped: there are no two cards"; return; fi
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

# An encoder of BERT-base's size with random weights, once.
encoder() {
    [ -f "$here/work/$1/model.safetensors" ] || "$here/train" bench-step --model "$model" --encoder "$here/work/$1" --vocab "$here/$1.txt"
}

run() {
    here=$(cd "$(dirname "$0")" && pwd)
    device=${DEVICE:-cuda} model=${MODEL:-base} steps=${STEPS:-30} default=${PRECISION:-bf16}
    results=${RESULTS:-$here/results}
    mkdir -p "$here/work" "$results"
    [ -x "$here/train" ] || { xz -dc "$here/train.xz" > "$here/train" 2>/dev/null || python3 -c 'import lzma, shutil, sys
shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$here/train.xz" "$here/train"; chmod +x "$here/train"; }
    export TRAIN_CACHE=${TRAIN_CACHE:-$here/work/cache}
    find_cuda
    [ $# -gt 0 ] || set -- check speed fusion lengths parts curves stage cluster devices
    local name failed=0
    for name in "$@"; do
        say "$name ($(date +%T))"
        section "$name" 2>&1 | tee "$results/$name.txt" || failed=1
        # The rest means nothing on a device that computes wrongly.
        [ "$name" != check ] || [ $failed = 0 ] || exit 1
    done
    exit $failed
}

case ${1:-} in
pack) pack "${2:?where to}" ;;
run) shift && run "$@" ;;
*) sed -n '2,27s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
