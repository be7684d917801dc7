#!/usr/bin/env python3
"""Draws sentences of a tagged file, always the same.

  draw.py TAGGED COUNT OUT [each]      a token a line, sentences between blank lines

With `each`, sentences are drawn until COUNT hold each label.
"""
import collections
import pathlib
import random
import re
import sys


def main(tagged, count, out, each=None):
    text = pathlib.Path(tagged).read_text(encoding="utf-8").replace("\r", "")
    sentences = [sentence.strip("\n") for sentence in re.split(r"\n[ \t]*\n", text) if sentence.strip()]
    random.Random(1).shuffle(sentences)
    drawn = of_each_label(sentences, int(count)) if each else sentences[: int(count)]
    path = pathlib.Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(drawn) + "\n", encoding="utf-8")


def of_each_label(sentences, count):
    """Sentences until `count` hold each label; those that hold none are left out."""
    drawn, held = [], collections.Counter()
    for sentence in sentences:
        labels = set(re.findall(r"[ \t]B-(\S+)$", sentence, re.MULTILINE))
        if any(held[label] < count for label in labels):
            drawn.append(sentence)
            held.update(labels)
    if not held:
        sys.exit("no tag begins with B-")
    few = {label: number for label, number in held.items() if number < count}
    if few:
        print(f"fewer than {count} sentences: {few}", file=sys.stderr)
    return drawn


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or sys.argv[4:] not in ([], ["each"]):
        sys.exit(__doc__)
    main(*sys.argv[1:])
