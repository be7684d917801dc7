"""Boundaries of pySBD on the gold sentences, as a table: F1 of boundaries and sentences uncut, on both parts.

    pip install pysbd
    python3 prep/benches/sentences.py
"""

import pathlib

import pysbd
from pysbd.languages import LANGUAGE_CODES

GOLD = pathlib.Path(__file__).parent.parent / "src/sentence/gold"


def ends(sentences):
    """Ends of all sentences but the last, counted in chars that are no white space."""
    lengths, at = [], 0
    for sentence in sentences:
        at += len("".join(sentence.split()))
        lengths.append(at)
    return lengths[:-1]


def score(segmenter, lines):
    right = found = wanted = sentences = cut = 0
    for line in lines:
        gold = line.replace("[[", "").replace("]]", "").split("‖")
        gold_ends = ends(gold)
        found_ends = [end for end in ends(segmenter.segment("".join(gold))) if end]
        right += len(set(gold_ends) & set(found_ends))
        found, wanted, sentences = found + len(found_ends), wanted + len(gold_ends), sentences + len(gold)
        bounds = [0, *gold_ends, 10**9]
        cut += sum(any(a < end < b for end in found_ends) for a, b in zip(bounds, bounds[1:]))
    return 200 * right / max(found + wanted, 1), 100 * (sentences - cut) / sentences


for path in sorted(GOLD.glob("*.txt")):
    if path.stem in LANGUAGE_CODES:
        segmenter = pysbd.Segmenter(language=path.stem, clean=False)
        parts = path.read_text().split("# held out\n")
        results = [score(segmenter, part.splitlines()) for part in parts]
        print("|", path.stem, "|", " | ".join(f"{f1:.1f} | {uncut:.0f}" for f1, uncut in results), "|")
