"""The measurements that need a GPU, on real checkpoints of one architecture.

    python -m bench.gpu --model FOLDER --other FOLDER [--full]

FOLDER and the other one are checkpoints of a training (say, steps of a 7B model). Measured are the
sweep over both and the overhead with FOLDER, as on the CPU; the time of a swap in place between
them; and, for docs/performance.md, what seeds cost, what prefix caching brings, and 256 samples of
a problem in one request against chunks of 16 and single requests. Without a GPU it ends with 2.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import overhead, sweep
from bench.peers.bare import BareEngine, Work
from bench.report import Figure, Report
from bench.workload import MAX_MODEL_LEN, Sampling, add_data, on_gpu, questions
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.worker.engines.vllm import VllmEngine

SWAPS = 5
SWAP_TARGET = 0.2  # of a cold start
ROUNDS = 3
LENGTH = 1024
MANY = Sampling(samples=256, max_tokens=256)
SOME = Sampling(samples=16, max_tokens=LENGTH)
PROBLEMS = 8


async def measure_swaps(model: Path, other: Path) -> tuple[float, list[float]]:
    """Seconds of a cold start, and of swaps to and fro; the first one proves itself."""
    specs = [inspect_checkpoint(model), inspect_checkpoint(other)]
    engine = VllmEngine({})
    try:
        began = time.perf_counter()
        await engine.start(specs[0], LENGTH)
        start = time.perf_counter() - began
        swaps = []
        for number in range(SWAPS):
            began = time.perf_counter()
            await engine.swap(specs[(number + 1) % 2])
            swaps.append(time.perf_counter() - began)
    finally:
        await engine.close()
    return start, swaps


def measure_engine(folder: Path, model: Path) -> dict[str, Any]:
    """Tokens a second of the bare engine in several ways, each the better of two turns."""
    add_data(folder / "data", {"math": PROBLEMS})
    asked = questions(folder / "data", "math", PROBLEMS)
    ways = {
        "256 samples as 256 requests": Work(asked, MANY, seed=1),
        "256 samples in 16 requests of 16": Work(asked, MANY, seed=1, per_request=16),
        "256 samples in one request": Work(asked, MANY, seed=1, per_request=256),
        "seeded": Work(asked, SOME, seed=1),
        "unseeded": Work(asked, SOME, seed=None),
    }
    rates: dict[str, Any] = {}
    for caching in (True, False):
        arguments = {"enable_prefix_caching": caching, "max_model_len": MAX_MODEL_LEN}
        with BareEngine(model, folder / "bare.log", arguments) as engine:
            engine.run(Work(asked, Sampling(samples=1, max_tokens=8), seed=0))
            found = {name: [engine.run(work) for _ in range(2)] for name, work in ways.items()}
        rates["prefix caching" if caching else "no prefix caching"] = {
            name: round(max(done.output_tokens / done.seconds for done in runs), 1)
            for name, runs in found.items()
        }
    return rates


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a checkpoint, for example of a 7B model")
    parser.add_argument("--other", type=Path, help="another one of the same training")
    parser.add_argument("--full", action="store_true", help="lm-eval on every checkpoint")
    options = parser.parse_args()
    if not on_gpu():
        print("bench.gpu: torch finds no GPU here, so nothing was measured.", file=sys.stderr)
        print("  Run it on a machine with one; `make bench` measures the CPU.", file=sys.stderr)
        return 2
    if options.model is None or options.other is None:
        parser.error("name two checkpoints of one architecture with --model and --other")
    # Each part in its turn: an engine takes most of the card's memory.
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start, swaps = asyncio.run(measure_swaps(options.model, options.other))
        engine = measure_engine(folder / "engine", options.model)
        pair = [options.model, options.other]
        swept, sweep_details = sweep.measure(folder / "sweep", pair, full=options.full)
        sampling = Sampling(overhead.SAMPLING.samples, LENGTH)
        cost, cost_details = overhead.measure(folder / "overhead", options.model, sampling, ROUNDS)
    swap = Figure(
        "swap in place against a cold start", min(swaps[1:]) / start, SWAP_TARGET, "lower", "x"
    )
    details = {
        "device": _device(),
        "cold_start_seconds": round(start, 1),
        "swap_seconds": [round(seconds, 2) for seconds in swaps],
        "tokens_per_second": engine,
        "sweep": sweep_details,
        "overhead": cost_details,
    }
    return Report("gpu", [swap, *swept, *cost], details).publish()


def _device() -> str:
    import torch  # noqa: PLC0415

    return str(torch.cuda.get_device_name())


if __name__ == "__main__":
    sys.exit(main())
