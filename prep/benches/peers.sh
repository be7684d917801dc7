#!/usr/bin/env bash
# `prep` beside other programs on the same dump, one after the other, the best of several runs.
#
#   peers.sh FOLDER [DUMP...]     PREP=path/to/prep RUNS=3 MEGABYTES=500
#
# FOLDER keeps the dumps made of DUMPs (dumps.py) for the next time. lbzip2 and wikrs are measured where they are installed.
set -euo pipefail
folder=$(realpath -m "$1")
shift
here=$(dirname "$(realpath "$0")")
target=$(cd "$here" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
prep=${PREP:-$target/release/prep}
runs=${RUNS:-3}
[ -f "$folder/multistream-index.txt.bz2" ] || python3 "$here/dumps.py" "$folder" "${MEGABYTES:-500}" "$@"
[ -f "$folder/names.txt" ] || head -c 40000000 "$folder/dump.xml" | bash "$here/names.sh" >"$folder/names.txt"
out=$folder/out
trap 'rm -rf "$out" "$folder/pages"' EXIT

names=() commands=()
add() { names+=("$1"); commands+=("$2"); }
has() { command -v "$1" >/dev/null || { echo "$1 is not installed: skipped" >&2; return 1; }; }
xml="'$folder/dump.xml'" single="'$folder/dump.xml.bz2'" multi="'$folder/multistream.xml.bz2'"
esi="'$prep' esi -q --overwrite -o '$out'"
nee="'$prep' nee -q --overwrite -o '$out' --queries enwiki --gazetteer 'Entity=$folder/names.txt' --match both"
"$prep" pages "$folder/dump.xml" -q --overwrite -o "$folder/pages"

! has lbzip2 || add "lbzip2 -n2 -dc, one stream" "lbzip2 -n2 -dc $single >/dev/null"
add "prep esi, one stream" "$esi $single"
add "prep esi, multistream" "$esi $multi"
if has wikrs; then
    add "wikrs, text only, one stream" "wikrs --input $single --format jsonl >/dev/null"
    add "wikrs, text only, multistream" "wikrs --input $multi --index '$folder/multistream-index.txt.bz2' --format jsonl >/dev/null"
    add "wikrs, text only, plain XML" "wikrs --input $xml --format jsonl >/dev/null"
fi
add "prep esi, plain XML" "$esi $xml"
add "prep nee, a million names, one stream" "$nee $single"
add "prep nee, a million names, plain XML" "$nee $xml"
add "prep esi, folder of pages" "$esi '$folder/pages'"

declare -A best memory
# In turn, so that what else the machine does meets all of them.
for _ in $(seq "$runs"); do
    for at in "${!names[@]}"; do
        read -r seconds cpu kilobytes < <({ /usr/bin/time -f '%e %U+%S %M' bash -c "${commands[at]}" >/dev/null; } 2>&1 | tail -n 1)
        read -r before _ <<<"${best[$at]:-}" || true
        if [ -z "${before:-}" ] || awk "BEGIN { exit !($seconds < $before) }"; then best[$at]="$seconds $cpu"; fi
        [ "${memory[$at]:-0}" -ge "$kilobytes" ] || memory[$at]=$kilobytes
    done
done
size=$(stat -Lc %s "$folder/dump.xml")
base=""
printf '%-40s %8s %10s %8s %7s %6s\n' "$((size / 1000000)) MB of XML, best of $runs" seconds 'CPU' MB/s memory ratio
for at in "${!names[@]}"; do
    read -r seconds cpu <<<"${best[$at]}"
    [ -n "$base" ] || base=$seconds
    awk -v name="${names[at]}" -v s="$seconds" -v cpu="$cpu" -v size="$size" -v m="${memory[$at]}" -v base="$base" \
        'BEGIN { split(cpu, c, "+"); printf "%-40s %8.2f %10.2f %8.0f %5d M %6.2f\n", name, s, c[1] + c[2], size / 1e6 / s, m / 1024, s / base }'
done
