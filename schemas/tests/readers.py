#!/usr/bin/env python3
"""Reads shards of several row groups with other programs, whole and as a stream, by file and by folder.

    readers.py PREP        PREP: path of the program, such as target/debug/prep

Needs pyarrow, pandas, polars, duckdb and datasets; what is missing is reported as skipped. Exit code 1 if a reader fails or
finds another number of rows than the manifest says, 2 if none could run.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIES = 300


def make_folders(prep: str, out: Path) -> list[Path]:
    """A folder of pages and one of triples, of more than 10,000 rows each, made of the fixture again and again."""
    dump = (ROOT / "fixtures/enwiki.xml").read_text()
    first, end = dump.index("<page>"), dump.rindex("</page>") + len("</page>\n")
    (out / "dump.xml").write_text(dump[:first] + dump[first:end] * COPIES + dump[end:])
    for command in ["pages", "esi"]:
        subprocess.run([prep, command, "dump.xml", "-o", command, "--quiet"], check=True, cwd=out)
    return [out / "pages", out / "esi"]


def readers(folder: str, file: str):
    """Name, package and function of each reader; the function returns the number of rows that it finds."""

    def pyarrow_file():
        import pyarrow.parquet as pq

        return pq.ParquetFile(file).read().num_rows

    def pyarrow_batches():
        import pyarrow.parquet as pq

        return sum(len(batch.to_pylist()) for batch in pq.ParquetFile(file).iter_batches(1000))

    def pyarrow_folder():
        import pyarrow.parquet as pq

        return pq.read_table(folder).num_rows

    def pyarrow_dataset():
        import pyarrow.dataset as ds

        return sum(batch.num_rows for batch in ds.dataset(folder, format="parquet").to_batches())

    def pandas_folder():
        import pandas as pd

        return len(pd.read_parquet(folder))

    def polars_eager():
        import polars as pl

        return pl.read_parquet(f"{folder}/*.parquet").height

    def polars_lazy():
        import polars as pl

        return pl.scan_parquet(f"{folder}/*.parquet").collect().height

    def polars_streaming():
        import polars as pl

        return pl.scan_parquet(f"{folder}/*.parquet").collect(engine="streaming").height

    def polars_folder():
        import polars as pl

        return pl.scan_parquet(folder, hidden_file_prefix="_").collect().height

    def duckdb_glob():
        import duckdb

        return len(duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'").fetchall())

    def duckdb_folder():
        import duckdb

        return duckdb.sql(f"SELECT count(*) FROM read_parquet('{folder}')").fetchall()[0][0]

    def datasets_files():
        from datasets import load_dataset

        return load_dataset("parquet", data_files=f"{folder}/*.parquet", split="train").num_rows

    def datasets_streaming():
        from datasets import load_dataset

        rows = load_dataset("parquet", data_files=f"{folder}/*.parquet", split="train", streaming=True)
        return sum(1 for _ in rows)

    return [
        ("ParquetFile.read", "pyarrow", pyarrow_file),
        ("ParquetFile.iter_batches", "pyarrow", pyarrow_batches),
        ("read_table of the folder", "pyarrow", pyarrow_folder),
        ("dataset of the folder", "pyarrow", pyarrow_dataset),
        ("read_parquet of the folder", "pandas", pandas_folder),
        ("read_parquet", "polars", polars_eager),
        ("scan_parquet", "polars", polars_lazy),
        ("scan_parquet, streaming", "polars", polars_streaming),
        ("scan_parquet of the folder", "polars", polars_folder),
        ("SELECT from a pattern", "duckdb", duckdb_glob),
        ("read_parquet of the folder", "duckdb", duckdb_folder),
        ("load_dataset", "datasets", datasets_files),
        ("load_dataset, streaming", "datasets", datasets_streaming),
    ]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    ran, failed = 0, 0
    with tempfile.TemporaryDirectory() as out:
        os.environ["HF_HOME"] = str(Path(out) / "hf")
        for folder in make_folders(str(Path(sys.argv[1]).resolve()), Path(out)):
            shards = json.loads((folder / "_manifest.json").read_text())["shards"]
            rows = sum(shard["rows"] for shard in shards)
            assert len(shards) == 1 and rows > 10_000, "one shard of several row groups"
            for name, package, read in readers(str(folder), str(folder / shards[0]["file"])):
                if find_spec(package) is None:
                    print(f"{folder.name}: {package} {name}: skipped, {package} is not installed")
                    continue
                ran += 1
                try:
                    found = read()
                except Exception as error:  # whatever a reader throws is what is looked for
                    found = f"{type(error).__name__}: {error}"
                failed += found != rows
                print(f"{folder.name}: {package} {name}: {'ok' if found == rows else f'FAILED, {found} instead of {rows} rows'}")
    print(f"{ran} readers ran, {failed} failed")
    return 1 if failed else 0 if ran else 2


if __name__ == "__main__":
    sys.exit(main())
