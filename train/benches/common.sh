# Sourced by the scripts that train, with their arguments DATA OUT.
#
# Environment: BIN, the folder of prep and train (target/debug); ENCODER (fixtures/minilm); SEEDS (1 2 3); PYTHON (python3)
set -euo pipefail
benches=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$benches/../.." && pwd)
data=${1:?"give DATA and OUT"}
out=${2:?"give OUT"}
bin=${BIN:-$(cargo metadata --format-version 1 --no-deps --manifest-path "$root/Cargo.toml" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug}
encoder=${ENCODER:-$root/fixtures/minilm}
python=${PYTHON:-python3}
seeds=${SEEDS:-1 2 3}
mkdir -p "$out"

run() { printf '%s $ %s\n' "$(date +%H:%M:%S)" "$*" >&2; "$@"; }
# Runs prep into a folder, unless the folder is complete.
make() { local dir=$1; shift; grep -q '"complete": *true' "$dir/_manifest.json" 2>/dev/null || run "$bin/prep" "$@" -o "$dir" --overwrite -q; }
# Trains a stage, or resumes it, unless it is finished.
stage() {
    local run_dir=$1 name=$2
    shift 2
    [ -e "$run_dir/result.json" ] && return
    if [ -d "$run_dir/checkpoints" ]; then run "$bin/train" resume "$run_dir" -q; return; fi
    run "$bin/train" "$name" --out "$run_dir" --overwrite -q "$@"
}
