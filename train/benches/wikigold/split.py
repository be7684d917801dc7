#!/usr/bin/env python3
"""Splits WikiGold by document, always in the same way: 600 sentences for testing, 100 for training, the rest for trying settings.

  split.py wikigold.conll.txt FOLDER      writes test.conll, train.conll and rest.conll; and of the rest, most.conll and dev.conll

Documents are drawn at random. The last document of a part is cut to the part's size; its other sentences are not used.
"""
import pathlib
import random
import sys

PARTS = [("test", 600), ("train", 100)]


def documents(path):
    """Each document as a list of sentences, each of them its lines."""
    for document in pathlib.Path(path).read_text(encoding="utf-8").split("-DOCSTART- O\n"):
        sentences = [sentence for sentence in document.split("\n\n") if sentence.strip()]
        if sentences:
            yield sentences


def main(path, folder):
    rest = list(documents(path))
    random.Random(1).shuffle(rest)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in PARTS:
        sentences = []
        while len(sentences) < size:
            sentences += rest.pop()
        write(folder / f"{name}.conll", sentences[:size])
    rest = [sentence for document in rest for sentence in document]
    write(folder / "rest.conll", rest)
    most = len(rest) * 7 // 10
    write(folder / "most.conll", rest[:most])
    write(folder / "dev.conll", rest[most:])


def write(path, sentences):
    path.write_text("".join(sentence.strip("\n") + "\n\n" for sentence in sentences), encoding="utf-8")
    print(f"{path}: {len(sentences)} sentences")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
