#!/usr/bin/env bash
# What self-training on other sentences adds to stage 2 without labelled sentences, scored on the sentences of WikiGold for trying settings
# (`rest`), which are not those of the test.
#
#   self_training.sh DATA OUT      DATA as run.sh has it; OUT may be that of run.sh, whose folders are used; a second call resumes
#
# Environment: that of ../common.sh; SENTENCES (4000): how many other sentences
here=$(dirname "$0")
"$here/run.sh" "$1" "$2" data
. "$here/../common.sh"

make "$out/gold/rest" mrc "$out/wikigold/rest.conll" --queries "$here/queries.toml" --ignore-label MISC
make "$out/all" nee "$out/pages" --queries "$here/queries.toml" --names "$out/names" --min-entities 0 --max-chars 200
others=$out/others-${SENTENCES:-4000}
if [ ! -e "$others/_manifest.json" ]; then
    for folder in all nee; do run "$bin/prep" export "$out/$folder" --format jsonl -o "$out/$folder.jsonl" --overwrite -q; done
    run "$python" "$here/sample.py" "$out/all.jsonl" "$out/nee.jsonl" "${SENTENCES:-4000}" "$others.jsonl"
    make "$others" mrc "$others.jsonl" --queries "$here/queries.toml"
fi

common=(--lr 5e-5 --warmup 0.1 --eval-every 0 --save-every 100)
f1() { "$bin/train" evaluate "$1" --data "$out/gold/rest" --json -q | "$python" -c 'import json, sys; m = json.load(sys.stdin); print(*(round(100 * m[k], 1) for k in ("precision", "recall", "f1")))'; }
echo "on the sentences for trying settings: precision, recall, F1"
for seed in $seeds; do
    runs=$out/self-training
    stage "$runs/esi-$seed" esi --data "$out/esi" --encoder "$encoder" --epochs 1 --max-steps 375 "${common[@]}" --seed "$seed"
    stage "$runs/teacher-$seed" nee --data "$out/nee" --init "$runs/esi-$seed" --epochs 1 "${common[@]}" --seed "$seed"
    students=(--data "$out/nee" --unlabelled "$others" --relabel keep --init "$runs/esi-$seed" --epochs 2 "${common[@]}" --seed "$seed")
    stage "$runs/student-$seed" nee "${students[@]}" --restart
    stage "$runs/continued-$seed" nee "${students[@]}"
    for run in teacher student continued; do echo "$run, seed $seed: $(f1 "$runs/$run-$seed")"; done
done
