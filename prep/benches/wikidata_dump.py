#!/usr/bin/env python3
"""Makes a dump of Wikidata of any size: the items of a small one, repeated under other numbers.

  wikidata_dump.py real-entities.json.gz GIGABYTES OUT.json

Items of less than 20 kB, properties and lexemes are in it once.
"""
import gzip
import re
import sys

source, gigabytes, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
lines = [line.rstrip(b",\n") for line in gzip.open(source) if line.strip() not in (b"[", b"]")]
repeated = [line for line in lines if b'"type":"item"' in line and len(line) > 20_000]
size, number = 0, 200_000_000
with open(out, "wb") as file:
    file.write(b"[\n" + b",\n".join(line for line in lines if line not in repeated))
    while size < gigabytes * 1e9:
        for line in repeated:
            number += 1
            line = re.sub(rb'"type":"item","id":"Q\d+"', b'"type":"item","id":"Q%d"' % number, line, count=1)
            file.write(b",\n" + line)
            size += len(line) + 2
    file.write(b"\n]\n")
