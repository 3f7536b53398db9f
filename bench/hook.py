"""What the evaluation callback costs a training: the same steps with it and without it, in turns.

`python -m bench.hook` trains a small model with TRL's GRPOTrainer in one process. Each pair is one
training with the callback and one without, in alternating order. A training's time is the sum over
its steps, each step the median of that step in all trainings of its side: a machine that others use
makes single steps slow, on both sides alike, and their sum would drown 2%. The server answers in
one series and hangs in the other.
"""

import argparse
import http.server
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.report import Figure, Report
from evalsvc.demo.model import build_model, save
from evalsvc.trainers.trl import EvaluationCallback
from examples.grpo_vs_agrae.training import Trainer, configuration, is_correct, problems

TARGET = 1.02
STEPS, SAVE_STEPS = 20, 5


@contextmanager
def server(hangs: bool) -> Iterator[str]:
    """Takes each announcement, or never answers."""
    stop = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if hangs:
                stop.wait(120)
            body = b'{"job_id": null}'
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}"
    finally:
        stop.set()
        listener.shutdown()


def step_seconds(model: Path, folder: Path, url: str | None) -> list[float]:
    """Wall time of each step with its save, but of the first, which warms up."""
    trainer = Trainer(
        model=str(model),
        reward_funcs=is_correct,
        args=configuration(folder, seed=0, steps=STEPS, save_steps=SAVE_STEPS),
        train_dataset=problems(STEPS * 8, seed=0),
    )
    if url is not None:
        EvaluationCallback(run="bench", server=url).attach(trainer)
    ended: list[float] = []
    step = trainer.callback_handler.on_step_end

    def note(*arguments: object) -> object:
        control = step(*arguments)
        ended.append(time.perf_counter())
        return control

    trainer.callback_handler.on_step_end = note
    trainer.train()
    ended.append(time.perf_counter())  # what follows the last step: its save, the end
    return [later - earlier for earlier, later in itertools.pairwise(ended)]


@dataclass(frozen=True)
class Series:
    """Step times of trainings in pairs: [pair][step], in seconds."""

    with_it: list[list[float]]
    without: list[list[float]]

    @property
    def ratio(self) -> float:
        return _typical(self.with_it) / _typical(self.without)

    @property
    def pairs(self) -> list[float]:
        """Of each pair by itself: how noisy the machine was."""
        both = zip(self.with_it, self.without, strict=True)
        return [round(sum(one) / sum(other), 3) for one, other in both]


def _typical(trainings: list[list[float]]) -> float:
    """Seconds of a training whose every step takes its median."""
    return float(sum(statistics.median(step) for step in zip(*trainings, strict=True)))


def measure(model: Path, folder: Path, pairs: int, *, hangs: bool) -> Series:
    series = Series([], [])
    with server(hangs) as url:
        for pair in range(pairs):
            sides = [(url, series.with_it), (None, series.without)]
            for side, times in sides if pair % 2 else reversed(sides):
                place = folder / f"{hangs}-{pair}-{side is None}"
                times.append(step_seconds(model, place, side))
    return series


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7, help="of each series")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save(build_model(seed=0), folder / "model")
        step_seconds(folder / "model", folder / "warm-up", None)
        series = {
            name: measure(folder / "model", folder, options.pairs, hangs=hangs)
            for name, hangs in (("answers", False), ("hangs", True))
        }
    figures = [
        Figure(
            what=f"training with the callback, the server {name}",
            value=found.ratio,
            target=TARGET,
            better="lower",
            unit="x",
            how=f"wall time against none, medians of each step in {options.pairs} pairs",
        )
        for name, found in series.items()
    ]
    details = {"ratios_of_single_pairs": {name: found.pairs for name, found in series.items()}}
    return Report("hook", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
