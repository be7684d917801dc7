#!/usr/bin/env bash
# How `prep` scales with threads, beside `lbzip2`, `pigz` and `zstd`, where these are installed.
#
#   scale.sh FOLDER     PREP=path/to/prep MEGABYTES=500 THREADS="1 2 4 8 16" RUNS=3
#   scale.sh FOLDER --timings    instead: the CPU time of each kind of thread, at all cores
#
# It needs the binary, this folder's checkout or the dump SOURCE, bash and the usual tools; nothing else. FOLDER keeps the dump that it makes:
# the pages of SOURCE (fixtures/enwiki.xml), again and again, as XML, in bzip2 (one stream), and in eight parts each of gzip and zstd.
set -euo pipefail
folder=$(realpath -m "$1")
mode=${2:-scale}
here=$(dirname "$(realpath "$0")")
prep=$(realpath "${PREP:-$here/../../target/release/prep}")
source=${SOURCE:-$here/../../fixtures/enwiki.xml}
megabytes=${MEGABYTES:-500}
runs=${RUNS:-3}
read -ra threads <<<"${THREADS:-1 2 4 8 16}"
parts=8
mkdir -p "$folder"
cd "$folder"
has() { command -v "$1" >/dev/null; }

# One dump of so many megabytes, on standard output.
make_dump() {
    awk -v bytes="$1" -v copy="$2" '
        /<page>/ { inside = 1 }
        !inside && !pages { head = head $0 "\n" }
        inside { page = page $0 "\n" }
        /<\/page>/ { inside = 0; pages++; all[pages] = page; page = "" }
        END {
            printf "%s", head
            for (written = length(head); written < bytes; copy++) for (n = 1; n <= pages; n++) {
                text = all[n]
                sub(/<\/title>/, " (copy " copy ")</title>", text)
                printf "%s", text
                written += length(text)
            }
            print "</mediawiki>"
        }' "$source"
}

if [ ! -f made ]; then
    make_dump $((megabytes * 1000000)) 0 >dump.xml
    if has lbzip2; then lbzip2 -kf dump.xml; else bzip2 -kf dump.xml; fi
    for part in $(seq $parts); do
        make_dump $((megabytes * 1000000 / parts)) $((part * 1000000)) >part.xml
        gzip -c part.xml >"part-$part.xml.gz"
        ! has zstd || zstd -q -f part.xml -o "part-$part.xml.zst"
    done
    rm part.xml
    touch made
fi
[ -f names.txt ] || head -c 40000000 dump.xml | bash "$here/names.sh" >names.txt 2>/dev/null || rm -f names.txt
[ -d pages ] || "$prep" pages dump.xml -o pages -q

trap 'rm -rf "$folder/out"' EXIT
inputs=(dump.xml.bz2 dump.xml "part-*.xml.gz" pages)
! has zstd || inputs+=("part-*.xml.zst")

if [ "$mode" = --timings ]; then
    for input in "${inputs[@]}"; do
        for command in esi pages nee; do
            more=()
            case $command/$input in
            pages/pages) continue ;;
            nee/*) [ -f names.txt ] || continue; more=(--queries enwiki --gazetteer Entity=names.txt --match both) ;;
            esac
            echo "== prep $command $input"
            # shellcheck disable=SC2086 # the pattern names the parts
            "$prep" $command $input -o out --overwrite -q --timings "${more[@]}"
        done
    done
    exit
fi

# Seconds of the best of several runs.
best() {
    local best="" seconds
    for _ in $(seq "$runs"); do
        /usr/bin/time -o time.txt -f %e bash -c "$1" >/dev/null 2>&1
        seconds=$(tail -n 1 time.txt)
        best=$(printf '%s\n%s\n' "$best" "$seconds" | awk 'NF && (min == "" || $1 < min) { min = $1 } END { print min }')
    done
    echo "$best"
}

echo "$(nproc) cores, $(($(stat -c %s dump.xml) / 1000000)) MB of XML, best of $runs, seconds (times as fast as one thread)"
printf '%-34s' threads
printf '%16s' "${threads[@]}"
echo
row() {
    local name=$1 command=$2 first="" seconds
    printf '%-34s' "$name"
    for n in "${threads[@]}"; do
        seconds=$(best "${command//THREADS/$n}")
        first=${first:-$seconds}
        awk -v s="$seconds" -v first="$first" 'BEGIN { printf "%16s", sprintf("%.2f (%.1f)", s, first / (s > 0 ? s : 0.01)) }'
    done
    echo
}
! has lbzip2 || row "lbzip2 -dc, writes nothing" "lbzip2 -nTHREADS -dc dump.xml.bz2"
! has pigz || row "pigz -dc of 8 parts, one after other" "pigz -p THREADS -dc part-*.xml.gz"
! has zstd || row "zstd -dc of 8 parts, one after other" "zstd -q -TTHREADS -dc part-*.xml.zst"
for input in "${inputs[@]}"; do
    row "prep esi $input" "'$prep' esi $input -o out --overwrite -q --threads THREADS --memory ${MEMORY:-2G}"
done
