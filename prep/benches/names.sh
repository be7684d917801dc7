#!/usr/bin/env bash
# A million names made of the words of a text on standard input: two or three in a row, so that most are near misses and many are found.
set -euo pipefail
LC_ALL=C grep -oE '\b[A-Za-z]{3,12}\b' | LC_ALL=C awk '
    !($0 in seen) { seen[$0]; word[n++] = $0 }
    END {
        seed = 1
        for (made = 0; made < 1000000;) {
            name = ""
            for (k = 2 + made % 2; k > 0; k--) { seed = seed * 16807 % 2147483647; name = name (name == "" ? "" : " ") word[seed % n] }
            if (!(name in known)) { known[name]; print name; made++ }
        }
    }'
