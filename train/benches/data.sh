#!/usr/bin/env bash
# Makes the data of experiments.py: WikiGold with two excerpts of English Wikipedia, WNUT 2017, and Chinese e-commerce titles.
#
#   data.sh DATA OUT      DATA holds dumps/, ner/ and gazetteers/; a second call keeps what OUT holds
#
# Environment: that of common.sh; LISTS=no: without the lists of DATA/gazetteers for English names
here=$(dirname "$0")
. "$here/common.sh"
g=$data/gazetteers

# WikiGold: triples of links, of names, and gold ones; sentences without labels.
wikigold=$out/wikigold queries=$here/wikigold/queries.toml four=$here/wikigold/four-queries.toml
make "$wikigold/pages" pages "$data"/dumps/enwiki-*.bz2 --skip-damaged
lists=() regions=()
if [ "${LISTS:-yes}" = yes ]; then
    lists=(--known "given-names=$g/names/first-names.txt" --known "rare-given-names=$g/names/en-names.txt" --known "family-names=$g/names/names.txt"
        --known "regions=$g/world-cities.csv:country" --known "regions=$g/world-cities.csv:subcountry" --known "places=$g/world-cities.csv:name"
        --known "companies=$g/companies/sp500.csv:Security")
    regions=(--gazetteer "LOC=$here/wikigold/places.txt" --gazetteer "LOC=$g/world-cities.csv:country")
fi
make "$wikigold/names" names pages "$wikigold/pages" "${lists[@]}"
make "$wikigold/esi" esi "$wikigold/pages" --queries "$here/wikigold/entity.toml" --repeat-mentions --min-entities 2 --max-chars 200
make "$wikigold/nee" nee "$wikigold/pages" --queries "$four" --names "$wikigold/names" "${regions[@]}" --match both --ambiguous drop --repeat-mentions \
    --family-names PER --max-unknown 0 --min-entities 2 --max-chars 200
make "$wikigold/all" nee "$wikigold/pages" --queries "$queries" --names "$wikigold/names" --min-entities 0 --max-chars 200
for folder in all nee; do
    [ -e "$wikigold/$folder.jsonl" ] || run "$bin/prep" export "$wikigold/$folder" --format jsonl -o "$wikigold/$folder.jsonl" --overwrite -q
done
for sample in 4000:1 16000:7; do
    others=$wikigold/others-${sample%:*}
    [ -e "$others.jsonl" ] || run "$python" "$here/wikigold/sample.py" "$wikigold/all.jsonl" "$wikigold/nee.jsonl" "${sample%:*}" "${sample#*:}" "$others.jsonl"
    make "$others" mrc "$others.jsonl" --queries "$queries"
done
[ -e "$wikigold/conll/dev.conll" ] || run "$python" "$here/wikigold/split.py" "$data/ner/wikigold/wikigold.conll.txt" "$wikigold/conll"
for part in train rest test; do make "$wikigold/gold/$part" mrc "$wikigold/conll/$part.conll" --queries "$queries" --ignore-label MISC; done
# All of it, with its four labels: to try settings, trained on most of the sentences that are not of the test, and scored on the others.
make "$wikigold/gold-4/most" mrc "$wikigold"/conll/{train,most}.conll --queries "$four"
make "$wikigold/gold-4/dev" mrc "$wikigold/conll/dev.conll" --queries "$four"
make "$wikigold/gold-4/train" mrc "$wikigold"/conll/{train,rest}.conll --queries "$four"
make "$wikigold/gold-4/test" mrc "$wikigold/conll/test.conll" --queries "$four"

# WNUT 2017.
wnut=$out/wnut17 from=$data/ner/wnut17
[ -e "$wnut/200.conll" ] || run "$python" "$here/draw.py" "$from/wnut17train.conll" 200 "$wnut/200.conll"
[ -e "$wnut/few.conll" ] || run "$python" "$here/draw.py" "$from/wnut17train.conll" 20 "$wnut/few.conll" each
for part in "train $from/wnut17train.conll" "200 $wnut/200.conll" "few $wnut/few.conll" "dev $from/emerging.dev.conll" "test $from/emerging.test.annotated"; do
    make "$wnut/gold/${part%% *}" mrc "${part#* }" --queries "$here/wnut17/queries.toml"
done

# E-commerce titles: links of Chinese Wikipedia for stage 1, the titles of the training set and their gazetteers for stage 2.
ecommerce=$out/ecommerce from=$data/ner/ecommerce
[ -e "$ecommerce/titles.xml" ] || run "$python" "$here/ecommerce/titles.py" "$from/train.txt.bieos" "$ecommerce/titles.xml"
cp "$data/vocab/bert-base-chinese-vocab.txt" "$ecommerce/vocab.txt"
make "$ecommerce/zh" pages "$data/dumps/zhwiki-2018-33pages.xml.bz2"
make "$ecommerce/esi" esi "$ecommerce/zh" --queries "$here/ecommerce/entity.toml" --repeat-mentions
make "$ecommerce/pages" pages "$ecommerce/titles.xml"
names=()
for file in "$g"/ecommerce/brand*.dic; do names+=(--gazetteer "HP=$file"); done
for file in "$g"/ecommerce/product*.dic; do names+=(--gazetteer "HC=$file"); done
make "$ecommerce/nee" nee "$ecommerce/pages" --queries "$here/ecommerce/queries.toml" "${names[@]}" --match both --ambiguous drop
for part in train dev test; do make "$ecommerce/gold/$part" mrc "$from/$part.txt.bieos" --queries "$here/ecommerce/queries.toml"; done
