#!/usr/bin/env python3
"""Runs the Python and SQL examples of `schemas/docs/format.md` on folders that `prep` makes of the fixtures.

    format_examples.py PREP        PREP: path of the program, such as target/debug/prep

Needs polars, duckdb, pandas, pyarrow and datasets: `pip install polars duckdb pandas pyarrow datasets`. An example whose
packages are missing is reported as skipped. Exit code 1 if an example fails, 2 if none could run.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "schemas/docs/format.md"
BLOCK = re.compile(r"^```(python|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def make_folders(prep: str, out: Path) -> None:
    """The folders that the examples read: `demo/pages`, `demo/esi` and `demo/nee` below `out`."""

    def run(*args: str) -> None:
        subprocess.run([prep, "--quiet", *args], check=True, cwd=out)

    (out / "fixtures").symlink_to(ROOT / "fixtures")
    run("pages", "fixtures/enwiki.xml", "-o", "demo/pages")
    run("esi", "demo/pages", "-o", "demo/esi")
    nee = re.search(r"^prep (nee .*)$", GUIDE.read_text(), re.MULTILINE)
    run(*nee.group(1).split())


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    prep = str(Path(sys.argv[1]).resolve())
    guide = GUIDE.read_text()
    ran, failed = 0, 0
    with tempfile.TemporaryDirectory() as out:
        make_folders(prep, Path(out))
        os.chdir(out)
        os.environ["HF_HOME"] = str(Path(out) / "hf")
        for block in BLOCK.finditer(guide):
            language, code = block.groups()
            line = guide.count("\n", 0, block.start()) + 1
            packages = ["duckdb"] if language == "sql" else re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)
            missing = [package for package in packages if find_spec(package) is None]
            if missing:
                print(f"format.md:{line}: skipped, {', '.join(missing)} is not installed")
                continue
            if language == "sql":
                code = f"import duckdb\nrows = duckdb.sql({code!r}).fetchall()\nassert rows, 'no rows'\nprint(rows[:2])"
            result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            ran += 1
            if result.returncode != 0:
                failed += 1
                print(f"format.md:{line}: FAILED\n{result.stdout}{result.stderr}")
            else:
                print(f"format.md:{line}: {language} example ran")
    print(f"{ran} examples ran, {failed} failed")
    return 1 if failed else 0 if ran else 2


if __name__ == "__main__":
    sys.exit(main())
