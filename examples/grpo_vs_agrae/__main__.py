"""`make example`: train GRPO and A-GRAE on the CPU, evaluate each checkpoint, compare.

A service of its own is started on a free port (its data: var/example), three seeds of each method
are trained one after the other, and each checkpoint is evaluated while the next ones are trained.
What this can show: that everything works together, end to end. What it cannot show: that one
method is better; half a million parameters and eighty steps say nothing about 7B models.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalsvc.client import ENDED, Client
from evalsvc.demo.checkpoints import demo_checkpoints
from evalsvc.demo.training import Recipe

METHODS = ("grpo", "agrae")  # baseline, candidate
BASE_STEPS = 600
START_SECONDS = 120.0
TRAINING_SECONDS = 900.0
EVALUATION_SECONDS = 900.0
# Waiting threads must sleep and not spin: training and evaluation share the cores.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "EVALSVC_LOG_LEVEL": "warning"}


def main() -> int:
    """Run the whole example; 0 if every checkpoint was evaluated and the comparison spoke."""
    parser = argparse.ArgumentParser(prog="python -m examples.grpo_vs_agrae", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var/example"))
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each method, at least 2")
    parser.add_argument("--steps", type=int, default=80, help="of each training")
    parser.add_argument("--engine", default="vllm", help="vllm or transformers")
    options = parser.parse_args()
    if options.seeds < 2 or options.steps < 2:
        parser.error("methods are compared over at least 2 seeds, curves over at least 2 steps")
    began = time.monotonic()
    os.environ.update({**ENVIRONMENT, **os.environ})
    say("The model to start from: a tiny Llama that has learned sums for a while")
    base = demo_checkpoints(options.data / "base", Recipe(steps=(BASE_STEPS,)))[BASE_STEPS]
    runs = options.data / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    with service(options.data / "service", options.engine) as url:
        say(f"The service listens on {url}; open it in a browser to watch the curves grow")
        for seed in range(options.seeds):
            for method in METHODS:
                output = runs / f"{method}-seed{seed}"
                train(method, seed, base, output, url=url, steps=options.steps)
        with Client(url, key="") as client:
            say("Waiting for the last evaluations")
            wait_for_jobs(client, expected=options.seeds * len(METHODS) * 2)
            report(client, options.seeds, options.steps)
    say(f"Done in {(time.monotonic() - began) / 60:.1f} minutes; the data stay in {options.data}")
    return 0


def train(method: str, seed: int, base: Path, output: Path, *, url: str, steps: int) -> None:
    """One training in a process of its own; its log goes beside its checkpoints."""
    output.mkdir(parents=True)
    begin = time.monotonic()
    command = [sys.executable, "-m", "examples.grpo_vs_agrae.training"]
    command += ["--method", method, "--seed", str(seed), "--base", str(base)]
    command += ["--output", str(output), "--steps", str(steps), "--save-steps", str(steps // 2)]
    with (output / "training.log").open("w") as log:
        done = subprocess.run(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "EVALSVC_SERVER": url},
            timeout=TRAINING_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"The training failed: {output / 'training.log'} says why.")
    say(f"Trained {method}, seed {seed}: {time.monotonic() - begin:.0f} s")


def wait_for_jobs(client: Client, expected: int) -> None:
    """Wait until so many jobs have ended, all of them well."""
    deadline = time.monotonic() + EVALUATION_SECONDS
    while True:
        jobs = client.get("/v1/jobs", {"limit": 100})["items"]
        if len(jobs) >= expected and all(job["state"] in ENDED for job in jobs):
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(jobs)} of {expected} jobs are there, not all have ended.")
        time.sleep(1)
    for job in jobs:
        if job["state"] != "done":
            raise SystemExit(f"{job['run']}, step {job['step']}: {job['reasons'] or job['error']}")


def report(client: Client, seeds: int, steps: int) -> None:
    """The curves, one comparison per seed, and the two methods over all seeds."""
    print("\npass@1 by training step")
    for method in METHODS:
        for seed in range(seeds):
            curve = client.get(f"/v1/runs/{method}-seed{seed}/curve", {"k": 1})["points"]
            steps_seen = ", ".join(f"{p['step']}: {100 * p['value']:.1f}%" for p in curve)
            print(f"  {method}-seed{seed}  {steps_seen}")
    print("\nCheckpoints of the same seed, compared: evalsvc compare")
    for seed in range(seeds):
        sides = [f"{method}-seed{seed}@{steps}" for method in METHODS]
        command = [sys.executable, "-c", "from evalsvc.cli import main; main()", "compare"]
        command += ["--baseline", sides[0], "--candidate", sides[1], "--k", "1", "--k", "16"]
        subprocess.run([*command, "--server", client.server], timeout=120, check=True)
    print("\nThe two methods over all seeds")
    page = client.get("/compare.json", {"baseline": sides[0], "candidate": sides[1]})
    methods = page["methods"]
    print(f"  {methods['sentence'] if methods else page['one_run']}\n")


@contextmanager
def service(data: Path, engine: str) -> Iterator[str]:
    """`evalsvc up` on a free port with data of its own; yields the URL."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    command = [sys.executable, "-c", "from evalsvc.cli import main; main()", "up"]
    with (data.parent / "service.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--engine", engine],
            env={**os.environ, "EVALSVC_DATA": str(data.absolute())},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield wait_for_url(process, data)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_url(process: "subprocess.Popen[bytes]", data: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return str(json.loads((data / "server.json").read_text())["url"])
        except (OSError, ValueError):
            time.sleep(0.2)
    raise SystemExit(f"The service did not start: {data.parent / 'service.log'} says why.")


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
