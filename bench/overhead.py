"""Cost of the service: its tokens/s against a bare AsyncLLM with the same requests.

    python -m bench.overhead [--checkpoint FOLDER] [--rounds N]

Both engines stay up; they take turns with the same prompts, samples and seeds, so that both
generate the same tokens while the other idles. Ours does everything: HTTP, database, feeding,
verification, transcripts; the bare one only generates. The figure is the median of the rounds'
ratios. A round takes enough samples to last most of a minute on this machine: in shorter ones the
readings of the batch, each up to a second old, mostly show the start. The default model is a random
Llama of 29 million parameters; `--checkpoint` takes a real one (`python -m evalsvc.demo smollm2`).
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.peers.bare import BareEngine, Done, Work
from bench.report import Figure, Report
from bench.service import FillWatch, Ran, Service, service
from bench.workload import Question, Sampling, add_data, engine_batch, questions
from evalsvc.demo.model import build_model, save

TARGET = 0.97
BELOW_TARGET = 0.05
LAYERS, HEADS = 8, 16
BENCHMARKS: Mapping[str, int] = {"aime2025": 30, "math": 50}
SAMPLING = Sampling(samples=4, max_tokens=64)  # the minimum
ROUNDS, ROUND_SECONDS = 7, 45.0


def bare_round(engine: BareEngine, asked: list[Question], sampling: Sampling, seed: int) -> Done:
    return engine.run(Work(asked, sampling, seed))


def long_enough(engine: BareEngine, asked: list[Question], sampling: Sampling) -> Sampling:
    """`sampling` with enough samples for a round of a warm engine to take `ROUND_SECONDS`."""
    done = bare_round(engine, asked, replace(sampling, samples=1), seed=0)
    samples = math.ceil(ROUND_SECONDS / done.seconds)
    return replace(sampling, samples=max(sampling.samples, samples))


def our_round(
    running: Service, checkpoint: Path, sampling: Sampling, seed: int, total: int
) -> tuple[Ran, FillWatch]:
    with FillWatch(running, engine_batch(), total) as watch:
        ran = running.evaluate([checkpoint], BENCHMARKS, sampling, seed)
    return ran, watch


def measure(
    folder: Path,
    checkpoint: Path,
    sampling: Sampling,
    rounds: int,
    engine_options: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[list[Figure], dict[str, Any]]:
    """The figures and the details behind them. Both engines get `engine_options`."""
    add_data(folder / "data", BENCHMARKS)
    asked = [q for name, n in BENCHMARKS.items() for q in questions(folder / "data", name, n)]
    ratios, below, ours, bare = [], [], [], []
    with (
        service(folder / "data", engine_options) as running,
        BareEngine(checkpoint, folder / "bare.log", engine_options) as engine,
    ):
        warm = Sampling(samples=1, max_tokens=8)
        bare_round(engine, asked, warm, seed=0)
        our_round(running, checkpoint, warm, seed=0, total=len(asked))
        sampling = long_enough(engine, asked, sampling)
        total = len(asked) * sampling.samples
        for seed in range(1, rounds + 1):
            turns = ["ours", "bare"] if seed % 2 else ["bare", "ours"]
            for turn in turns:
                if turn == "ours":
                    ran, watch = our_round(running, checkpoint, sampling, seed, total)
                else:
                    done = bare_round(engine, asked, sampling, seed)
            ours.append(ran.output_tokens / ran.seconds)
            bare.append(done.output_tokens / done.seconds)
            ratios.append(ours[-1] / bare[-1])
            below.append(watch.share_below)
            print(
                f"  round {seed}: ours {ours[-1]:.0f}, bare {bare[-1]:.0f} tokens/s "
                f"({ratios[-1]:.3f}); batch below 90%: {below[-1]:.1%} of {len(watch.readings)} s",
                flush=True,
            )
    details = {
        "requests": total,
        "max_tokens": sampling.max_tokens,
        "output_tokens_a_round": done.output_tokens,
        "ours_tokens_per_second": [round(rate, 1) for rate in ours],
        "bare_tokens_per_second": [round(rate, 1) for rate in bare],
        "ratios": [round(ratio, 4) for ratio in ratios],
        "share_of_time_batch_below_90_percent": [round(share, 4) for share in below],
    }
    figures = [
        Figure(
            what="tokens/s of the service, everything on",
            value=statistics.median(ratios),
            target=TARGET,
            better="higher",
            unit="x",
            how=f"bare AsyncLLM, median of {len(ratios)} rounds in turns",
        ),
        Figure(
            what="time with the batch below 90% of what waited",
            value=statistics.median(below),
            target=BELOW_TARGET,
            better="lower",
            how=f"read every second, median of {len(below)} rounds",
        ),
    ]
    return figures, details


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="a model; default: a random Llama")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--max-tokens", type=int, default=SAMPLING.max_tokens)
    options = parser.parse_args()
    sampling = Sampling(SAMPLING.samples, options.max_tokens)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checkpoint = options.checkpoint
        if checkpoint is None:
            checkpoint = folder / "llama"
            save(build_model(seed=0, layers=LAYERS, heads=HEADS), checkpoint)
        figures, details = measure(folder, checkpoint, sampling, options.rounds)
    details["model"] = "given" if options.checkpoint else f"random Llama, {LAYERS} layers"
    return Report("overhead", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
