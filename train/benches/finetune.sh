#!/usr/bin/env bash
# Fine-tunes on all of WikiGold and WNUT 2017, with train and, if PEER is set, with another program on the same triples, weights and settings.
#
#   finetune.sh DATA OUT      DATA holds ner/wikigold/ and ner/wnut17/; a second call resumes what OUT holds
#
# Environment: that of common.sh; PEER, a Python script that takes --data --test --encoder --lr --epochs --batch --max-len --warmup --seed and
# prints its scores on the last line
here=$(dirname "$0")
. "$here/common.sh"

[ -e "$out/split/rest.conll" ] || run "$python" "$benches/wikigold/split.py" "$data/ner/wikigold/wikigold.conll.txt" "$out/split"
make "$out/wikigold/train" mrc "$out/split/train.conll" "$out/split/rest.conll" --queries en_conll03
make "$out/wikigold/test" mrc "$out/split/test.conll" --queries en_conll03
make "$out/wnut17/train" mrc "$data/ner/wnut17/wnut17train.conll" --queries en_wnut17
make "$out/wnut17/test" mrc "$data/ner/wnut17/emerging.test.annotated" --queries en_wnut17

# Options that both programs take.
settings() { echo --data "$out/$1/train" --test "$out/$1/test" --encoder "$encoder" --lr 1e-4 --epochs "$2" --batch 16 --warmup 0.1 --seed "$3"; }
length=256
for seed in $seeds; do
    for set in wikigold:3 wnut17:1; do
        name=${set%:*} epochs=${set#*:}
        ours=$out/runs/$name-$seed
        stage "$ours" finetune $(settings "$name" "$epochs" "$seed") --max-length $length --eval-every 0 --save-every 200 >&2
        echo "$name, seed $seed, train: $("$python" -c 'import json, sys; m = json.load(open(sys.argv[1]))["test"]; print(*(round(100 * m[k], 2) for k in ("precision", "recall", "f1")))' "$ours/result.json")"
        if [ -n "${PEER:-}" ]; then
            theirs=$out/runs/$name-$seed.peer.txt
            [ -s "$theirs" ] || { run "$python" "$PEER" $(settings "$name" "$epochs" "$seed") --max-len $length > "$theirs.part" && mv "$theirs.part" "$theirs"; }
            echo "$name, seed $seed, peer: $(tail -n 1 "$theirs")"
        fi
    done
done
