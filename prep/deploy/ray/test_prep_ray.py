#!/usr/bin/env python3
"""prep_ray.py on a local cluster of two nodes, one of which is killed: the rows are those of one run.

    python test_prep_ray.py PREP        PREP: the program; needs ray and pyarrow, and says so where they are not there
"""
import bz2
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

try:
    import pyarrow.dataset
    import ray
    from ray.cluster_utils import Cluster
except ImportError as error:
    sys.exit(print(f"skipped: {error}"))

HERE = pathlib.Path(__file__).resolve().parent
UNIT = "1M"


def dump(path, megabytes):
    """The fixture's pages again and again, under new titles."""
    text = (HERE / "../../../fixtures/enwiki.xml").read_text()
    head, pages = text[: text.index("<page>")], re.findall(r"<page>.*?</page>", text, re.S)
    copies = megabytes * 1_000_000 // sum(map(len, pages)) + 1
    renamed = (page.replace("</title>", f" {copy}</title>", 1) for copy in range(copies) for page in pages)
    path.write_bytes(bz2.compress((head + "\n".join(renamed) + "\n</mediawiki>\n").encode()))


def rows(folder):
    """All rows in the order of the manifest's shards."""
    shards = json.loads((folder / "_manifest.json").read_text())["shards"]
    return pyarrow.dataset.dataset([str(folder / shard["file"]) for shard in shards], format="parquet").to_table()


def units(parts):
    """Pages of finished units of all parts that still run."""
    count = 0
    for progress in parts.glob("*/_progress.json"):
        try:
            count += json.loads(progress.read_text())["state"]["counters"].get("pages", {}).get("in", 0)
        except FileNotFoundError:
            pass
    return count


def main():
    prep = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        dump(folder / "dump.xml.bz2", 60)
        subprocess.run([prep, "esi", folder / "dump.xml.bz2", "-o", folder / "one", "--unit", UNIT, "-q"], check=True)
        subprocess.run([prep, "plan", folder / "dump.xml.bz2", "--parts", "5", "-o", folder / "plan.json", "-q"], check=True)

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        line = [sys.executable, HERE / "prep_ray.py", "--address", cluster.address, "--plan", folder / "plan.json"]
        line += ["--parts", folder / "parts", "-o", folder / "merged", "--cpus", "1", "--prep", prep, "--", "esi", "--unit", UNIT]
        driver = subprocess.Popen([str(word) for word in line], stdout=subprocess.PIPE, text=True)
        deadline = time.time() + 120
        while units(folder / "parts") < 500:
            assert driver.poll() is None and time.time() < deadline, "no part is under way"
            time.sleep(0.05)
        cluster.remove_node(nodes[1], allow_graceful=False)
        print("killed a node while parts were under way")
        said, _ = driver.communicate(timeout=300)
        print(said, end="")
        assert driver.returncode == 0, driver.returncode
        cluster.shutdown()

        assert rows(folder / "merged").equals(rows(folder / "one")), "rows differ from those of one run"
        one, merged = (json.loads((folder / name / "_manifest.json").read_text()) for name in ("one", "merged"))
        assert all(one[key] == merged[key] for key in ("config", "inputs", "counters")), "manifests differ"
        print(f"{len(rows(folder / 'one'))} rows, the same as of one run")


if __name__ == "__main__":
    main()
