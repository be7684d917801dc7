#!/usr/bin/env python3
"""Draws sentences without their entities: what self-training labels.

  sample.py ALL.jsonl LABELLED.jsonl COUNT SEED OUT.jsonl      {text, entities} a line, as `prep export --format jsonl` writes it

Each sentence once, of 40 to 200 chars, with an upper-case letter after its first char, and none of LABELLED. The same files and seed give the same sample.
"""
import json
import random
import sys


def texts(path):
    with open(path, encoding="utf-8") as lines:
        return dict.fromkeys(json.loads(line)["text"] for line in lines)


def main():
    everything, labelled, count, seed, out = sys.argv[1:]
    known = texts(labelled)
    found = [text for text in texts(everything) if text not in known and 40 <= len(text) <= 200 and any(map(str.isupper, text[1:]))]
    random.Random(int(seed)).shuffle(found)
    with open(out, "w", encoding="utf-8") as lines:
        for text in found[: int(count)]:
            lines.write(json.dumps({"text": text, "entities": []}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
