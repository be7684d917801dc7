#!/usr/bin/env python3
"""Draws sentences of a tagged file, always the same.

  draw.py TAGGED COUNT OUT      a token a line, sentences between blank lines
"""
import pathlib
import random
import re
import sys


def main(tagged, count, out):
    text = pathlib.Path(tagged).read_text(encoding="utf-8").replace("\r", "")
    sentences = [sentence.strip("\n") for sentence in re.split(r"\n[ \t]*\n", text) if sentence.strip()]
    random.Random(1).shuffle(sentences)
    path = pathlib.Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(sentences[: int(count)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
