#!/usr/bin/env python3
"""Writes spacy_symbols.tsv: the strings that spaCy's string store numbers by a fixed list instead of their hash.

  make_spacy_symbols.py > spacy_symbols.tsv

Needs: pip install spacy (3.x).
"""
from spacy.symbols import IDS

for name, number in sorted(IDS.items(), key=lambda item: item[1]):
    if name:
        print(f"{number}\t{name}")
