#!/usr/bin/env python3
"""Runs all parts of a plan on a Ray cluster and merges them.

    prep plan enwiki-*.xml.bz2 --parts 64 -o plan.json
    prep_ray.py --plan plan.json --parts parts -o data/esi --cpus 4 -- esi --min-entities 1

What follows `--` is the command of each part, without its inputs and output. All machines see the dumps, the plan and the
folder of parts under the same paths, and have `prep`. A part whose machine is lost goes on elsewhere from its last finished
unit; running the same line again goes on with what is not finished.
"""
import argparse
import json
import subprocess
import sys
import time

import ray


@ray.remote(max_retries=-1)
def run_part(command):
    """Runs `prep` to its end, and gives what it said if it failed."""
    while True:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            return None
        # What a lost worker left may still be writing: its work is not in vain.
        if "another run is writing" not in done.stderr:
            return done.stderr.strip()
        time.sleep(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", required=True, help="file that `prep plan` wrote")
    parser.add_argument("--parts", required=True, help="folder for the parts' folders")
    parser.add_argument("-o", "--output", required=True, help="folder for all of it")
    parser.add_argument("--address", default="auto", help="of the Ray cluster [default: auto]")
    parser.add_argument("--cpus", type=int, default=2, help="cores of a part [default: 2]")
    parser.add_argument("--prep", default="prep", help="the program [default: prep]")
    parser.add_argument("command", nargs="+", help="pages, esi or nee, and options")
    args = parser.parse_args()

    with open(args.plan) as plan:
        count = len(json.load(plan)["parts"])
    folders = [f"{args.parts}/{part}" for part in range(count)]
    ray.init(address=args.address, log_to_driver=False)
    task = run_part.options(num_cpus=args.cpus, scheduling_strategy="SPREAD")
    running = {}
    for part, folder in enumerate(folders):
        which = ["--plan", args.plan, "--part", str(part), "-o", folder]
        command = [args.prep, *args.command, *which, "--resume", "--quiet", "--threads", str(args.cpus)]
        running[task.remote(command)] = part
    failed = []
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        part, error = running.pop(done), ray.get(done)
        print(f"part {part}: {error or 'done'}; {len(running)} of {count} to go", flush=True)
        if error:
            failed.append(part)
    if failed:
        sys.exit(f"error: parts {failed} failed; what is done is kept, and the same line goes on with the rest")
    sys.exit(subprocess.run([args.prep, "merge", *folders, "-o", args.output, "--overwrite"]).returncode)


if __name__ == "__main__":
    main()
