#!/usr/bin/env python3
"""Trains and scores what experiments.toml lists, seed by seed, and prints a table of it.

  experiments.py OUT [--seeds 1,2,3] [--only REGEX] [--jobs N] [--table] [--test]

OUT holds the data that data.sh makes, and gets runs/NAME-SEED, of 90 MB each, and scores/. What is there is kept, and a training that was
stopped is resumed, so that the program can be stopped at any time and called again. --only: experiments whose name matches, with those that they
start from. --jobs: trains several at a time, each on its share of the cores; as many as there are cores take least time in all. --table: trains
nothing, and prints what there is. --test: scores on test sets, in the place of the sets that settings are tried on.

Environment: BIN, the folder of train (target/debug); ENCODER (fixtures/minilm)

An experiment:

  [[experiment]]
  name = "student"
  stage = "nee"                     # esi, nee, fet, finetune
  from = "esi"                      # another experiment, whose run of the same seed it starts from; without it, `encoder`, or ENCODER
  against = "teacher"               # another experiment, whose scores its own are compared with; without it, that of `from`
  data = "wikigold/nee"             # a folder of OUT, or runs/NAME-{seed}/PATH of another experiment
  options = "--recipe tuned"        # {out} and {seed} in it are filled in
  score = ["wikigold/gold/rest"]    # folders of OUT with gold triples, which settings are tried on
  test = ["wikigold/gold/test"]     # others, which are read once, at the end
"""
import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Bench:
    """The runs of all experiments, in one folder."""

    def __init__(self, out, experiments, score_key, jobs):
        self.out = out
        self.score_key = score_key
        self.jobs = jobs
        self.experiments = {experiment["name"]: experiment for experiment in experiments}
        self.train = pathlib.Path(os.environ.get("BIN", ROOT / "target" / "debug")) / "train"
        self.encoder = os.environ.get("ENCODER", ROOT / "fixtures" / "minilm")

    def run_dir(self, name, seed):
        return self.out / "runs" / f"{name}-{seed}"

    def score_file(self, name, seed, gold):
        return self.out / "scores" / f"{name}-{seed}-{gold.replace('/', '-')}.json"

    def needs(self, name):
        """The experiments whose runs an experiment starts from or reads."""
        experiment = self.experiments[name]
        needed = [experiment.get("from"), *re.findall(r"runs/([^/{]+)-\{seed\}", experiment["data"] + experiment.get("options", ""))]
        return [*filter(None, needed)]

    def make_all(self, names, seeds):
        """Trains and scores experiments and all that they need, several at a time."""
        pending = {}
        def add(name, seed):
            for other in self.needs(name):
                add(other, seed)
            pending[name, seed] = None
        for seed in seeds:
            for name in names:
                add(name, seed)
        running, done = {}, set()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            while pending or running:
                ready = [(name, seed) for name, seed in pending if all((other, seed) in done for other in self.needs(name))]
                for run in ready[: self.jobs - len(running)]:
                    del pending[run]
                    running[pool.submit(self.make, *run)] = run
                for future in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    future.result()

    def make(self, name, seed):
        """Trains an experiment, whose needs are there, and scores it."""
        experiment, run = self.experiments[name], self.run_dir(name, seed)
        if not (run / "result.json").exists():
            if (run / "checkpoints").is_dir():
                self.call([self.train, "resume", run, "-q"])
            else:
                start = ["--init", self.run_dir(experiment["from"], seed)] if "from" in experiment else ["--encoder", experiment.get("encoder", self.encoder)]
                options = shlex.split(experiment.get("options", "").format(seed=seed, out=self.out))
                data = self.out / experiment["data"].format(seed=seed)
                command = [self.train, experiment["stage"], "--data", data, *start, "--out", run, "--overwrite", "-q", "--seed", str(seed)]
                self.call([*command, "--eval-every", "0", "--save-every", "200", *options])
            # Three times the size of the weights, and of use to a run that is not finished.
            shutil.rmtree(run / "checkpoints", ignore_errors=True)
        for gold in experiment.get(self.score_key, []):
            file = self.score_file(name, seed, gold)
            if not file.exists():
                scores = self.call([self.train, "evaluate", run, "--data", self.out / gold, "--json", "-q"])
                file.parent.mkdir(exist_ok=True)
                file.with_suffix(".tmp").write_text(scores)
                file.with_suffix(".tmp").rename(file)

    def call(self, command):
        command = [*map(str, command), "--threads", str(max(os.cpu_count() // self.jobs, 1))]
        print("$", shlex.join(command), file=sys.stderr, flush=True)
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def scores(self, name, seeds, gold):
        """The scores of the seeds that are done, by seed."""
        files = {seed: self.score_file(name, seed, gold) for seed in seeds}
        return {seed: json.loads(file.read_text()) for seed, file in files.items() if file.exists()}

    def minutes(self, name, seeds):
        """Minutes of training of the seeds that are done, in the mean."""
        files = [self.run_dir(name, seed) / "metrics.jsonl" for seed in seeds]
        last = [json.loads(file.read_text().splitlines()[-1])["seconds"] for file in files if file.exists()]
        return sum(last) / len(last) / 60 if last else 0.0

    def table(self, names, seeds):
        print("| experiment | scored on | precision, recall | F1 by seed | mean | adds to what it starts from | minutes |")
        print("|---|---|---|---|---|---|---|")
        for name in names:
            experiment = self.experiments[name]
            for gold in experiment.get(self.score_key, []):
                scores = self.scores(name, seeds, gold)
                if not scores:
                    continue
                f1 = {seed: 100 * score["f1"] for seed, score in scores.items()}
                precision, recall = (mean([100 * score[key] for score in scores.values()]) for key in ("precision", "recall"))
                # The scores of the run before, or of the one that the experiment is compared with.
                before = self.scores(experiment.get("against", experiment.get("from", "")), seeds, gold)
                gains = [f1[seed] - 100 * before[seed]["f1"] for seed in f1 if seed in before]
                by_seed = ", ".join(f"{x:.1f}" for x in f1.values())
                gain = with_error(gains, "+.1f") if gains else ""
                print(f"| {name} | {gold} | {precision:.1f}, {recall:.1f} | {by_seed} | {with_error(list(f1.values()), '.1f')} | {gain} | {self.minutes(name, f1):.0f} |")


def mean(values):
    return sum(values) / len(values)


def with_error(values, form):
    """The mean with its standard error."""
    text = format(mean(values), form)
    if len(values) > 1:
        variance = sum((x - mean(values)) ** 2 for x in values) / (len(values) - 1)
        text += f" ± {math.sqrt(variance / len(values)):.1f}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--test", dest="score_key", action="store_const", const="test", default="score")
    args = parser.parse_args()
    bench = Bench(args.out.resolve(), tomllib.loads((HERE / "experiments.toml").read_text())["experiment"], args.score_key, args.jobs)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    names = [name for name in bench.experiments if re.search(args.only, name)]
    if not args.table:
        bench.make_all(names, seeds)
    bench.table(names, seeds)


if __name__ == "__main__":
    main()
