"""What the evaluation callback costs a training: the same steps with it and without it, in turns.

`python -m bench.hook` trains a small model with TRL's GRPOTrainer in one process. Each pair is one
training with the callback and one without, in alternating order; the figure is the median of the
pairs' ratios of wall time. The server answers in one series and hangs in the other.
"""

import argparse
import http.server
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def training_seconds(model: Path, folder: Path, url: str | None) -> float:
    """Wall time of a training's steps and saves; the model is loaded before."""
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
    return ended[-1] - ended[1]  # from the second step on: the first one warms up


def ratios(model: Path, folder: Path, pairs: int, *, hangs: bool) -> list[float]:
    found = []
    with server(hangs) as url:
        for pair in range(pairs):
            order = (url, None) if pair % 2 else (None, url)
            seconds = {
                side: training_seconds(model, folder / f"{hangs}-{pair}-{side is None}", side)
                for side in order
            }
            found.append(seconds[url] / seconds[None])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7, help="of each series")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save(build_model(seed=0), folder / "model")
        training_seconds(folder / "model", folder / "warm-up", None)
        series = {
            name: ratios(folder / "model", folder, options.pairs, hangs=hangs)
            for name, hangs in (("answers", False), ("hangs", True))
        }
    figures = [
        Figure(
            what=f"training with the callback, the server {name}",
            value=statistics.median(found),
            target=TARGET,
            better="lower",
            unit="x",
            how=f"wall time against none, median of {len(found)} pairs",
        )
        for name, found in series.items()
    ]
    return Report("hook", figures, {"ratios": series}).publish()


if __name__ == "__main__":
    sys.exit(main())
