"""Six checkpoints of one architecture on three text benchmarks: the service against its peers.

    python -m bench.sweep [--full]

Ours is `evalsvc up` with the real vLLM, jobs over REST, from submission to the last result: cold
(the clock starts with the service's process) and warm (another checkpoint of the architecture is
loaded). The peers get the same prompts, samples and lengths. One is lm-eval with its vLLM backend,
one process per checkpoint. The other is a bare loop over one resident vLLM, which loads the weights
of each checkpoint in place, drains after each benchmark, and scores and stores nothing. Both peers
run on two checkpoints (lm-eval on one before and one after ours) and are scaled to six; `--full`
runs them on all six.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers import lm_eval
from bench.peers.bare import BareEngine, Work
from bench.report import Figure, Report
from bench.service import FillWatch, Ran, service
from bench.workload import (
    BENCHMARKS,
    Question,
    Sampling,
    add_data,
    engine_batch,
    make_checkpoints,
    questions,
)

CHECKPOINTS = 6
SAMPLING = Sampling(samples=4, max_tokens=64)
WARM_TARGET, COLD_TARGET = 0.2, 0.35


@dataclass(frozen=True)
class Stage:
    """The folders and inputs of the bench."""

    folder: Path
    checkpoints: Sequence[Path]
    asked: dict[str, list[Question]]

    @property
    def samples(self) -> int:
        """Of all checkpoints."""
        each = sum(len(found) for found in self.asked.values()) * SAMPLING.samples
        return each * len(self.checkpoints)


def prepare(folder: Path, checkpoints: Sequence[Path]) -> Stage:
    """Checkpoints (random ones by default), rows, lm-eval's tasks and its environment: untimed."""
    data = folder / "data"
    add_data(data, BENCHMARKS)
    asked = {name: questions(data, name, first) for name, first in BENCHMARKS.items()}
    (folder / "tasks").mkdir()
    lm_eval.write_tasks(folder / "tasks", asked, SAMPLING)
    lm_eval.environment()
    made = checkpoints or make_checkpoints(folder / "checkpoints", CHECKPOINTS)
    return Stage(folder, made, asked)


def run_lm_eval(stage: Stage, checkpoints: Sequence[Path]) -> list[float]:
    """Seconds of each checkpoint."""
    tasks = stage.folder / "tasks"
    return [lm_eval.evaluate(path, tasks, stage.asked) for path in checkpoints]


def run_loop(stage: Stage, checkpoints: Sequence[Path]) -> tuple[float, float]:
    """(seconds until the peer is up, seconds of its loop): swapped in place, drained each time."""
    began = time.perf_counter()
    with BareEngine(stage.checkpoints[-1], stage.folder / "loop.log") as engine:
        up = time.perf_counter() - began
        began = time.perf_counter()
        for checkpoint in checkpoints:
            for asked in stage.asked.values():
                engine.run(Work(asked, SAMPLING, seed=0, reload=str(checkpoint)))
        return up, time.perf_counter() - began


def run_ours(stage: Stage) -> tuple[Ran, Ran, dict[str, Any]]:
    """Cold, then warm; a new seed each time, so that no result is reused."""
    began = time.time()
    with service(stage.folder / "data") as running:
        cold = running.evaluate(stage.checkpoints, BENCHMARKS, SAMPLING, seed=0, since=began)
        with FillWatch(running, engine_batch(), stage.samples) as watch:
            warm = running.evaluate(stage.checkpoints, BENCHMARKS, SAMPLING, seed=1)
        status = running.worker()
    details = {
        "share_of_time_batch_below_90_percent": round(watch.share_below, 3),
        "swaps": status.get("swaps"),
        "cold_starts": status.get("cold_starts"),
        "last_swap_seconds": status.get("last_swap_seconds"),
    }
    return cold, warm, details


def measure(
    folder: Path, checkpoints: Sequence[Path] = (), *, full: bool = False
) -> tuple[list[Figure], dict[str, Any]]:
    """The figures and the details behind them. `checkpoints` share one architecture."""
    stage = prepare(folder, checkpoints)
    count = len(stage.checkpoints)
    before = stage.checkpoints[: count // 2 if full else 1]
    after = stage.checkpoints[count // 2 if full else count - 1 :]
    peer = run_lm_eval(stage, before)
    cold, warm, details = run_ours(stage)
    loop_up, looped = run_loop(stage, [*before, *after])
    peer += run_lm_eval(stage, after)
    whole = statistics.mean(peer) * count
    loop = looped / len(peer) * count
    beside = f"lm-eval {lm_eval.VERSION}, run on {len(peer)} of {count} checkpoints"
    figures = [
        Figure(
            "sweep of checkpoints, worker up",
            warm.seconds / whole,
            WARM_TARGET,
            "lower",
            "x",
            beside,
        ),
        Figure(
            "sweep of checkpoints, from cold",
            cold.seconds / whole,
            COLD_TARGET,
            "lower",
            "x",
            beside,
        ),
    ]
    print(
        f"  lm-eval {whole:.0f} s, a kept vLLM {loop:.1f} s (+ {loop_up:.0f} s start), "
        f"ours {warm.seconds:.1f} s warm, {cold.seconds:.0f} s cold",
        flush=True,
    )
    details |= {
        "checkpoints": count,
        "samples": stage.samples,
        "samples_done": cold.samples,
        "output_tokens": cold.output_tokens,
        "lm_eval_seconds_a_checkpoint": [round(seconds, 1) for seconds in peer],
        "kept_vllm_seconds": {"start": round(loop_up, 1), "loop": round(loop, 1)},
        "ours_warm_over_kept_vllm": round(warm.seconds / loop, 2),
        "ours_cold_over_kept_vllm_with_its_start": round(cold.seconds / (loop_up + loop), 2),
        "ours_cold_seconds": round(cold.seconds, 1),
        "ours_warm_seconds": round(warm.seconds, 1),
    }
    return figures, details


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the peers on all checkpoints")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures, details = measure(Path(temporary), full=options.full)
    return Report("sweep", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
