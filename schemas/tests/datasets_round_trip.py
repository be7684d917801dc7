#!/usr/bin/env python3
"""CoNLL corpora as Parquet of Hugging Face `datasets`, through `prep mrc` and `prep export --format hf`, and back: nothing changes.

    datasets_round_trip.py PREP FILE QUERIES [FILE QUERIES]...

PREP: path of the program, such as target/debug/prep. FILE: a CoNLL file with a token and a tag a line. QUERIES: its query set.
Needs datasets. Exit code 1 if features or rows differ.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Sequence, Value, load_dataset


def read_conll(path: str) -> tuple[list[list[str]], list[list[str]]]:
    """Tokens and tags of each sentence, as `prep mrc` divides lines."""
    tokens, tags = [[]], [[]]
    for line in Path(path).read_text(encoding="utf-8").split("\n"):
        columns = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or "-DOCSTART-" in line.split():
            if tokens[-1]:
                tokens.append([])
                tags.append([])
            continue
        tokens[-1].append(columns[0].strip() or columns[0])
        tags[-1].append(columns[-1].strip())
    return [words for words in tokens if words], [row for row in tags if row]


def check(prep: str, file: str, queries: str, out: Path) -> bool:
    """Whether the rows of a file come back, from Parquet and from JSON lines."""
    tokens, tags = read_conll(file)
    # An order of names that no query set has.
    names = ["O", *sorted({tag for row in tags for tag in row} - {"O"}, reverse=True)]
    features = Features(
        {"id": Value("string"), "tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=names))}
    )
    rows = {
        "id": [str(number) for number in range(len(tokens))],
        "tokens": tokens,
        "ner_tags": [[names.index(tag) for tag in row] for row in tags],
    }
    original = Dataset.from_dict(rows, features=features)
    original.to_parquet(out / "in.parquet")
    run = lambda *args: subprocess.run([prep, *map(str, args)], check=True, cwd=out)
    run("mrc", "in.parquet", "-o", "gold", "--queries", queries, "--quiet", "--strict", "--overwrite")
    run("export", "gold", "--format", "hf", "-o", "back.parquet", "--quiet", "--overwrite")
    run("export", "gold", "--format", "hf", "-o", "back.jsonl", "--quiet", "--overwrite")
    back = load_dataset("parquet", data_files=str(out / "back.parquet"), split="train", cache_dir=str(out / "cache"))
    lines = load_dataset("json", data_files=str(out / "back.jsonl"), split="train", cache_dir=str(out / "cache"))
    same = back.features == original.features and back.to_dict() == original.to_dict()
    same_lines = lines["tokens"][:] == tokens and lines["ner_tags"][:] == tags
    print(f"{file}: {len(tokens)} rows, {'equal' if same and same_lines else 'DIFFERENT'}")
    if not same:
        print(back.features, original.features)
        differing = [row for row in range(len(tokens)) if row >= len(back) or back[row] != original[row]]
        print(f"{len(differing)} rows differ, the first: {differing[:1]}")
        for row in differing[:1]:
            print(original[row], back[row] if row < len(back) else None)
    return same and same_lines


def main() -> int:
    prep = str(Path(sys.argv[1]).resolve())
    pairs = list(zip(sys.argv[2::2], sys.argv[3::2]))
    results = []
    for file, queries in pairs:
        with tempfile.TemporaryDirectory() as out:
            results.append(check(prep, file, queries, Path(out)))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
