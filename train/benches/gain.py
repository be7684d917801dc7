#!/usr/bin/env python3
"""Whether a run is better than another on the same sentences: F1 of both, and how far the gain moves with the choice of sentences.

  gain.py GOLD BEFORE AFTER

GOLD: a folder of gold triples; BEFORE, AFTER: what `train evaluate RUN --data GOLD --predictions FILE` wrote of each run. Prints F1 of exact spans of
both, in percent, the gain, and its standard deviation over 1,000 samples of sentences with replacement (paired bootstrap: Berg-Kirkpatrick et al.,
EMNLP 2012). Needs polars.
"""
import json
import random
import statistics
import sys

import polars


def spans_by_sentence(rows):
    found = {}
    for row in rows:
        spans = {(row["label"], span["start"], span["end"]) for span in row["spans"]}
        found.setdefault((row["doc"], row["sentence"]), set()).update(spans)
    return found


def f1(counts):
    right, predicted, gold = map(sum, zip(*counts))
    return 200 * right / max(predicted + gold, 1)


def main(gold, before, after):
    gold = spans_by_sentence(polars.read_parquet(f"{gold}/*.parquet").iter_rows(named=True))
    runs = []
    for file in (before, after):
        with open(file) as lines:
            found = spans_by_sentence(map(json.loads, lines))
        runs.append([(len(spans & found.get(key, set())), len(found.get(key, set())), len(spans)) for key, spans in gold.items()])
    before, after = runs
    random.seed(1)
    gains = []
    for _ in range(1000):
        sample = random.choices(range(len(gold)), k=len(gold))
        gains.append(f1([after[i] for i in sample]) - f1([before[i] for i in sample]))
    print(f"{f1(before):.1f} {f1(after):.1f} gain {f1(after) - f1(before):+.1f} ± {statistics.pstdev(gains):.1f} of {len(gold)} sentences")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
