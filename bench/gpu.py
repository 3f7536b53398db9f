"""The measurements that need a GPU, on two checkpoints of one architecture.

    python -m bench.gpu [PART ...] [--model FOLDER --other FOLDER]

Without --model and --other two random checkpoints of Qwen2.5-7B's shape are made first. The parts,
each with its own `bench/results/gpu-PART.json`:

swap      seconds of a swap in place between the two, against a cold start
overhead  tokens/s of the service against a bare AsyncLLM, as in bench.overhead
engine    what seeds cost, what prefix caching brings, and 256 samples of a problem in one request
          against requests of 16 and of one: figures for docs/performance.md, without a target
sweep     both checkpoints on three benchmarks against lm-eval, as in bench.sweep

Without a GPU it prints a message and exits with 2.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
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
LENGTH = 512
# Two engines share the GPU in `overhead`; both get the same share.
HALF_A_CARD = {"gpu_memory_utilization": 0.45, "max_model_len": MAX_MODEL_LEN}
PROBLEMS = 4
MANY = Sampling(samples=256, max_tokens=128)
SOME = Sampling(samples=128, max_tokens=256)
TURNS = 2

Measured = tuple[list[Figure], dict[str, Any]]
Part = Callable[[Path, Sequence[Path]], Measured]


def measure_swap(_: Path, models: Sequence[Path]) -> Measured:
    """A cold start, then swaps back and forth; each is verified."""
    start, swaps = asyncio.run(_swaps(models))
    figure = Figure(
        "swap in place against a cold start", min(swaps[1:]) / start, SWAP_TARGET, "lower", "x"
    )
    details = {
        "cold_start_seconds": round(start, 1),
        "swap_seconds": [round(seconds, 2) for seconds in swaps],
        "size_gb": round(inspect_checkpoint(models[0]).size_bytes / 1e9, 1),
    }
    return [figure], details


async def _swaps(models: Sequence[Path]) -> tuple[float, list[float]]:
    specs = [inspect_checkpoint(model) for model in models]
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


def measure_overhead(folder: Path, models: Sequence[Path]) -> Measured:
    sampling = Sampling(overhead.SAMPLING.samples, LENGTH)
    return overhead.measure(folder, models[0], sampling, ROUNDS, HALF_A_CARD)


def measure_engine(folder: Path, models: Sequence[Path]) -> Measured:
    """Tokens/s of the bare engine in several ways, each the best of a few turns."""
    add_data(folder / "data", {"math": PROBLEMS})
    asked = questions(folder / "data", "math", PROBLEMS)
    single = {"256 samples as 256 requests": Work(asked, MANY, seed=1)}
    ways = single | {
        "256 samples in 16 requests of 16": Work(asked, MANY, seed=1, per_request=16),
        "256 samples in one request": Work(asked, MANY, seed=1, per_request=256),
        "seeded": Work(asked, SOME, seed=1),
        "unseeded": Work(asked, SOME, seed=None),
    }
    rates = {
        "prefix caching": _rates(folder, models[0], ways, caching=True),
        "no prefix caching": _rates(folder, models[0], single, caching=False),
    }
    return [], {"tokens_per_second": rates}


def _rates(
    folder: Path, model: Path, ways: Mapping[str, Work], *, caching: bool
) -> dict[str, float]:
    arguments = {"enable_prefix_caching": caching, "max_model_len": MAX_MODEL_LEN}
    with BareEngine(model, folder / "bare.log", arguments) as engine:
        for work in ways.values():  # the first use compiles kernels
            engine.run(Work(work.questions, Sampling(16, 8), seed=0, per_request=work.per_request))
        found = {name: [engine.run(work) for _ in range(TURNS)] for name, work in ways.items()}
    return {
        name: round(max(done.output_tokens / done.seconds for done in runs), 1)
        for name, runs in found.items()
    }


def measure_sweep(folder: Path, models: Sequence[Path]) -> Measured:
    return sweep.measure(folder, models, full=True)


PARTS: Mapping[str, Part] = {
    "swap": measure_swap,
    "overhead": measure_overhead,
    "engine": measure_engine,
    "sweep": measure_sweep,
}


def make_models(folder: Path) -> list[Path]:
    """Two random 7B checkpoints, made in a process that frees the GPU afterwards."""
    models = [folder / "step-0", folder / "step-1"]
    command = [sys.executable, "-m", "bench.random_qwen", *map(str, models)]
    subprocess.run(command, check=True)
    return models


def run_part(name: str, folder: Path, models: Sequence[Path]) -> int:
    import torch  # noqa: PLC0415

    folder.mkdir()
    figures, details = PARTS[name](folder, models)
    for line in details.items() if not figures else ():
        print(*line, flush=True)
    device = str(torch.cuda.get_device_name())
    return Report(f"gpu-{name}", figures, {"device": device} | details).publish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--model", type=Path, help="a checkpoint; default: a random 7B model")
    parser.add_argument("--other", type=Path, help="another one of the same training")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    if (options.model is None) != (options.other is None):
        parser.error("name two checkpoints of one architecture with --model and --other")
    if not on_gpu():
        print("bench.gpu: torch finds no GPU here, so nothing was measured.", file=sys.stderr)
        print("  Run it on a machine with one; `make bench` measures the CPU.", file=sys.stderr)
        return 2
    # One part at a time: an engine takes most of the GPU's memory.
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        models = [options.model, options.other] if options.model else make_models(folder)
        return max(run_part(part, folder / part, models) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
