#!/usr/bin/env bash
# What the four stages bring over fine-tuning alone: 100 labelled sentences of WikiGold, a small English encoder, two excerpts of Wikipedia.
#
#   run.sh DATA OUT      DATA holds dumps/enwiki-*.bz2, gazetteers/ and ner/wikigold/; what is in OUT already is kept, so that a run that was
#                        stopped goes on. Needs Python with polars.
#
# BIN=folder of prep and train (target/debug), ENCODER=folder (fixtures/minilm), SEEDS="1 2 3", PYTHON=python3
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?"run.sh DATA OUT"}
out=${2:?"run.sh DATA OUT"}
root=$(cd "$here/../../.." && pwd)
bin=${BIN:-$(cargo metadata --format-version 1 --no-deps --manifest-path "$root/Cargo.toml" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug}
encoder=${ENCODER:-$root/fixtures/minilm}
python=${PYTHON:-python3}
mkdir -p "$out"

run() { printf '%s $ %s\n' "$(date +%H:%M:%S)" "$*" >&2; "$@"; }
# prep into a folder, unless it is there; a folder that is not complete is made anew.
make() { local dir=$1; shift; grep -q '"complete": *true' "$dir/_manifest.json" 2>/dev/null || run "$bin/prep" "$@" -o "$dir" --overwrite -q; }
# A stage into a run folder, unless it is finished.
stage() {
    local run_dir=$1 name=$2
    shift 2
    [ -e "$run_dir/result.json" ] && return
    if [ -d "$run_dir/checkpoints" ]; then run "$bin/train" resume "$run_dir" -q; return; fi
    run "$bin/train" "$name" --out "$run_dir" --overwrite -q "$@"
}

# Data.
make "$out/pages" pages "$data"/dumps/enwiki-*.bz2 --skip-damaged
[ -e "$out/names/stop.txt" ] || run "$python" "$here/names.py" "$out/pages" "$data/gazetteers" "$out/names"
[ -e "$out/wikigold/rest.conll" ] || run "$python" "$here/split.py" "$data/ner/wikigold/wikigold.conll.txt" "$out/wikigold"
for part in train test; do
    make "$out/gold/$part" mrc "$out/wikigold/$part.conll" --queries "$here/queries.toml" --ignore-label MISC
done
make "$out/esi" esi "$out/pages" --queries "$here/entity.toml" --repeat-mentions --min-entities 2 --max-chars 200
lists=(--gazetteer "PER=$out/names/PER.txt" --gazetteer "ORG=$out/names/ORG.txt" --gazetteer "LOC=$out/names/LOC.txt" --stop "$out/names/stop.txt")
make "$out/nee" nee "$out/pages" --queries "$here/queries.toml" "${lists[@]}" --match both --ambiguous drop --repeat-mentions --family-names PER \
    --max-unknown 0 --min-entities 2 --max-chars 200

# Stages 1 to 3, once.
common=(--warmup 0.1 --eval-every 0 --save-every 100)
stage "$out/runs/esi" esi --data "$out/esi" --encoder "$encoder" --lr 5e-5 --epochs 1 --max-steps 375 "${common[@]}"
stage "$out/runs/nee" nee --data "$out/nee" --init "$out/runs/esi" --lr 5e-5 --epochs 2 "${common[@]}"
stage "$out/runs/fet" fet --data "$out/runs/nee" --init "$out/runs/nee" --lr 2e-5 --epochs 1 "${common[@]}"

# Stage 4 after none of them, after the first, the first two, all three; and before it.
gold=(--data "$out/gold/train" --lr 1e-4 --epochs 15 "${common[@]}")
f1() { "$bin/train" evaluate "$1" --data "$out/gold/test" --json -q | "$python" -c 'import json, sys; m = json.load(sys.stdin); print(*(round(100 * m[k], 1) for k in ("precision", "recall", "f1")))'; }
echo "on the 600 sentences: precision, recall, F1"
for before in nee fet; do echo "without gold, after $before: $(f1 "$out/runs/$before")"; done
for seed in ${SEEDS:-1 2 3}; do
    stage "$out/runs/alone-$seed" finetune --encoder "$encoder" "${gold[@]}" --seed "$seed"
    for before in esi nee fet; do stage "$out/runs/$before-$seed" finetune --init "$out/runs/$before" "${gold[@]}" --seed "$seed"; done
    for before in alone esi nee fet; do echo "$before, seed $seed: $(f1 "$out/runs/$before-$seed")"; done
done
