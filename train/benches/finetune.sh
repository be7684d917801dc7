#!/usr/bin/env bash
# Fine-tuning on all of WikiGold and WNUT 2017, three seeds each, ours and, where there is one, a peer's on the same triples, weights and settings.
#
#   finetune.sh DATA OUT      DATA holds ner/wikigold/ and ner/wnut17/; what is in OUT already is kept, so that a run that was stopped goes on.
#
# BIN=folder of prep and train (target/debug), ENCODER=folder (fixtures/minilm), SEEDS="1 2 3", PYTHON=python3,
# PEER=a Python script that takes --data --test --encoder --lr --epochs --batch --max-len --warmup --seed and prints its scores last
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?"finetune.sh DATA OUT"}
out=${2:?"finetune.sh DATA OUT"}
root=$(cd "$here/../.." && pwd)
bin=${BIN:-$(cargo metadata --format-version 1 --no-deps --manifest-path "$root/Cargo.toml" | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug}
encoder=${ENCODER:-$root/fixtures/minilm}
python=${PYTHON:-python3}
mkdir -p "$out"

run() { printf '%s $ %s\n' "$(date +%H:%M:%S)" "$*" >&2; "$@"; }
# Triples of annotated files, unless they are there.
gold() { local dir=$1; shift; grep -q '"complete": *true' "$dir/_manifest.json" 2>/dev/null || run "$bin/prep" mrc "$@" -o "$dir" --overwrite -q; }

[ -e "$out/split/rest.conll" ] || run "$python" "$here/wikigold/split.py" "$data/ner/wikigold/wikigold.conll.txt" "$out/split"
gold "$out/wikigold/train" "$out/split/train.conll" "$out/split/rest.conll" --queries en_conll03
gold "$out/wikigold/test" "$out/split/test.conll" --queries en_conll03
gold "$out/wnut17/train" "$data/ner/wnut17/wnut17train.conll" --queries en_wnut17
gold "$out/wnut17/test" "$data/ner/wnut17/emerging.test.annotated" --queries en_wnut17

# The same words to both.
settings() { echo --data "$out/$1/train" --test "$out/$1/test" --encoder "$encoder" --lr 1e-4 --epochs "$2" --batch 16 --warmup 0.1 --seed "$3"; }
length=256
for seed in ${SEEDS:-1 2 3}; do
    for set in wikigold:3 wnut17:1; do
        name=${set%:*} epochs=${set#*:}
        ours=$out/runs/$name-$seed
        if [ ! -e "$ours/result.json" ]; then
            if [ -d "$ours/checkpoints" ]; then run "$bin/train" resume "$ours" -q; else
                run "$bin/train" finetune $(settings "$name" "$epochs" "$seed") --max-length $length --eval-every 0 --save-every 200 --out "$ours" --overwrite -q
            fi
        fi
        echo "$name, seed $seed, ours: $("$python" -c 'import json, sys; m = json.load(open(sys.argv[1]))["test"]; print(*(round(100 * m[k], 2) for k in ("precision", "recall", "f1")))' "$ours/result.json")"
        if [ -n "${PEER:-}" ]; then
            theirs=$out/runs/$name-$seed.peer.txt
            [ -s "$theirs" ] || { run "$python" "$PEER" $(settings "$name" "$epochs" "$seed") --max-len $length > "$theirs.part" && mv "$theirs.part" "$theirs"; }
            echo "$name, seed $seed, peer: $(tail -n 1 "$theirs")"
        fi
    done
done
