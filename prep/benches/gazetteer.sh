#!/usr/bin/env bash
# What a million names cost: `prep nee` against `prep esi` on the same dump, time and memory.
#
#   gazetteer.sh [DUMP [NAMES]]     PREP=path/to/prep RUNS=3 COPIES=4 (how often the dump is read in a run)
#
# Without NAMES, a million are made of words of the dump: two or three in a row, so that most are near misses and many are found. Without
# DUMP, the fixture is used, many times over.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
prep=${PREP:-$target/release/prep}
runs=${RUNS:-3}
copies=${COPIES:-4}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

dump=${1:-}
if [ -z "$dump" ]; then
    dump=$folder/dump.xml
    page=$(grep -n -m1 '<page>' fixtures/enwiki.xml | cut -d: -f1)
    head -n $((page - 1)) fixtures/enwiki.xml >"$dump"
    for _ in $(seq 150); do tail -n +"$page" fixtures/enwiki.xml | grep -v '</mediawiki>'; done >>"$dump"
    echo '</mediawiki>' >>"$dump"
fi
names=${2:-}
if [ -z "$names" ]; then
    names=$folder/names.txt
    case $dump in *.bz2) cat=bzcat ;; *.xz) cat=xzcat ;; *.gz) cat=zcat ;; *) cat=cat ;; esac
    $cat "$dump" | bash prep/benches/names.sh >"$names"
fi

# measure NAME COMMAND...: seconds of CPU of the best of several runs, into $cpu
measure() {
    local name=$1 best="" line
    shift
    for _ in $(seq "$runs"); do
        line=$({ /usr/bin/time -f '%U %S %e %M' "$@" >/dev/null; } 2>&1 | tail -n 1)
        best=$(printf '%s\n%s\n' "$best" "$line" | awk 'NF && (min == "" || $1 + $2 < min) { min = $1 + $2; line = $0 } END { print line }')
    done
    cpu=$(echo "$best" | awk '{ print $1 + $2 }')
    echo "$best" | awk -v name="$name" '{ printf "%-28s %6.2f s of CPU  %6.2f s  %5d MB\n", name, $1 + $2, $3, $4 / 1024 }'
}

echo "$(wc -l <"$names") names ($(wc -c <"$names") bytes), dump of $(wc -c <"$dump") bytes $copies times over, $prep"
printf '<mediawiki version="0.11" xml:lang="en"></mediawiki>' >"$folder/empty.xml"
inputs=()
for _ in $(seq "$copies"); do inputs+=("$dump"); done
quiet=(--overwrite -q --skip-damaged --threads 1)
measure "esi" "$prep" esi "${inputs[@]}" -o "$folder/esi" "${quiet[@]}"
esi=$cpu
for match in anchors mentions both; do
    nee=(--queries enwiki --gazetteer "Entity=$names" --match $match "${quiet[@]}")
    measure "loading, --match $match" "$prep" nee "$folder/empty.xml" -o "$folder/empty" "${nee[@]}"
    loading=$cpu
    measure "nee --match $match" "$prep" nee "${inputs[@]}" -o "$folder/nee" "${nee[@]}"
    awk -v esi="$esi" -v nee="$cpu" -v loading="$loading" -v match_="$match" \
        'BEGIN { printf "%-28s %+6.0f %% of the time of esi, loading apart\n", "  " match_ " costs", 100 * (nee - loading - esi) / esi }'
done
