#!/usr/bin/env bash
# What stages 1 to 3 add to fine-tuning on 100 labelled sentences of WikiGold, with a small English encoder and two excerpts of Wikipedia.
#
#   run.sh DATA OUT [data]      DATA holds dumps/enwiki-*.bz2, ner/wikigold/ and gazetteers/; a second call resumes what OUT holds. `data`: no
#                               training, only its data
#
# Environment: that of ../common.sh; LISTS=no: without the lists of DATA/gazetteers
here=$(dirname "$0")
. "$here/../common.sh"

# Data.
make "$out/pages" pages "$data"/dumps/enwiki-*.bz2 --skip-damaged
lists=() regions=()
if [ "${LISTS:-yes}" = yes ]; then
    g=$data/gazetteers
    lists=(--known "given-names=$g/names/first-names.txt" --known "rare-given-names=$g/names/en-names.txt" --known "family-names=$g/names/names.txt"
        --known "regions=$g/world-cities.csv:country" --known "regions=$g/world-cities.csv:subcountry" --known "places=$g/world-cities.csv:name"
        --known "companies=$g/companies/sp500.csv:Security")
    regions=(--gazetteer "LOC=$here/places.txt" --gazetteer "LOC=$g/world-cities.csv:country")
fi
make "$out/names" names pages "$out/pages" "${lists[@]}"
[ -e "$out/wikigold/rest.conll" ] || run "$python" "$here/split.py" "$data/ner/wikigold/wikigold.conll.txt" "$out/wikigold"
for part in train test; do
    make "$out/gold/$part" mrc "$out/wikigold/$part.conll" --queries "$here/queries.toml" --ignore-label MISC
done
make "$out/esi" esi "$out/pages" --queries "$here/entity.toml" --repeat-mentions --min-entities 2 --max-chars 200
make "$out/nee" nee "$out/pages" --queries "$here/queries.toml" --names "$out/names" "${regions[@]}" --match both --ambiguous drop --repeat-mentions --family-names PER \
    --max-unknown 0 --min-entities 2 --max-chars 200

[ "${3:-}" != data ] || exit 0

# Stages 1 to 3.
common=(--warmup 0.1 --eval-every 0 --save-every 100)
stage "$out/runs/esi" esi --data "$out/esi" --encoder "$encoder" --lr 5e-5 --epochs 1 --max-steps 375 "${common[@]}"
stage "$out/runs/nee" nee --data "$out/nee" --init "$out/runs/esi" --lr 5e-5 --epochs 2 "${common[@]}"
stage "$out/runs/fet" fet --data "$out/runs/nee" --init "$out/runs/nee" --lr 2e-5 --epochs 1 "${common[@]}"

# Fine-tuning without pre-training, after stage 1, after stages 1 and 2, and after all three; and the models before fine-tuning.
gold=(--data "$out/gold/train" --lr 1e-4 --epochs 15 "${common[@]}")
f1() { "$bin/train" evaluate "$1" --data "$out/gold/test" --json -q | "$python" -c 'import json, sys; m = json.load(sys.stdin); print(*(round(100 * m[k], 1) for k in ("precision", "recall", "f1")))'; }
echo "on the 600 sentences: precision, recall, F1"
for before in nee fet; do echo "without fine-tuning, after $before: $(f1 "$out/runs/$before")"; done
for seed in $seeds; do
    stage "$out/runs/alone-$seed" finetune --encoder "$encoder" "${gold[@]}" --seed "$seed"
    for before in esi nee fet; do stage "$out/runs/$before-$seed" finetune --init "$out/runs/$before" "${gold[@]}" --seed "$seed"; done
    for before in alone esi nee fet; do echo "$before, seed $seed: $(f1 "$out/runs/$before-$seed")"; done
done
