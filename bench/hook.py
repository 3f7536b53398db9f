"""Cost of the evaluation callback in training: the same steps with and without it, alternating.

`python -m bench.hook` trains a small model with TRL's GRPOTrainer. A block is a save and the steps
up to the next one; every second save is announced, the others are not. A second training does the
same work with the roles swapped, so that each block is run both ways and adjacent blocks are of
both kinds: a machine that is slow for a while slows both. The figure is the wall time of all
announced blocks over that of all others. The server answers in one series and hangs in the other.
Saves come every half second here, far more often than in real training. What the callback's threads
do between saves (one wake-up per second, the end of a hanging request) affects both kinds of blocks
and is not measured.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.answering import answering
from bench.report import Figure, Report
from evalsvc.demo.model import build_model, save
from evalsvc.trainers.trl import EvaluationCallback
from examples.grpo_vs_agrae.training import (
    PROMPTS_PER_STEP,
    Trainer,
    configuration,
    is_correct,
    problems,
)

TARGET = 1.02
SAVE_STEPS = 5  # per block
RESAMPLES = 2_000


class EverySecond(EvaluationCallback):
    """Announces only even or only odd saves; the others run as without a callback."""

    def __init__(self, url: str, parity: int) -> None:
        super().__init__(run="bench", server=url)
        self._parity = parity

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step // SAVE_STEPS % 2 == self._parity:
            super().on_save(args, state, control, **kwargs)


def block_seconds(model: Path, folder: Path, url: str, parity: int, blocks: int) -> np.ndarray:
    """Wall time of each block, from the first save on; block b begins with save b + 1."""
    steps = (blocks + 1) * SAVE_STEPS
    trainer = Trainer(
        model=str(model),
        reward_funcs=is_correct,
        args=configuration(folder, seed=0, steps=steps, save_steps=SAVE_STEPS),
        train_dataset=problems(steps * PROMPTS_PER_STEP, seed=0),
    )
    EverySecond(url, parity).attach(trainer)
    ended: list[float] = []
    step = trainer.callback_handler.on_step_end

    def note(*arguments: object) -> object:
        control = step(*arguments)
        ended.append(time.perf_counter())  # saving comes after this
        return control

    trainer.callback_handler.on_step_end = note
    trainer.train()
    return np.diff(np.asarray(ended)[SAVE_STEPS - 1 :: SAVE_STEPS])


def with_and_without(model: Path, blocks: int, *, hangs: bool) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each block with its save announced, and without."""
    with answering(hangs=hangs) as url, tempfile.TemporaryDirectory() as folder:
        odd, even = (
            block_seconds(model, Path(folder, f"{parity}"), url, parity, blocks)
            for parity in (1, 0)
        )
    announced = np.arange(1, blocks + 1) % 2 == 1  # in the first training
    return np.where(announced, odd, even), np.where(announced, even, odd)


def ratio_and_error(on: np.ndarray, off: np.ndarray) -> tuple[float, float]:
    """Ratio of the sums, and its standard error by resampling pairs of neighbours."""
    pairs = len(on) // 2
    on_pairs, off_pairs = (side[: 2 * pairs].reshape(pairs, 2).sum(axis=1) for side in (on, off))
    drawn = np.random.default_rng(0).integers(0, pairs, (RESAMPLES, pairs))
    resampled = on_pairs[drawn].sum(axis=1) / off_pairs[drawn].sum(axis=1)
    return float(on.sum() / off.sum()), float(resampled.std())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=100, help="of each training")
    blocks: int = parser.parse_args().blocks
    figures, details = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        model = Path(temporary, "model")
        save(build_model(seed=0), model)
        with_and_without(model, 2, hangs=False)  # imports and first-run costs
        for name, hangs in (("answers", False), ("hangs", True)):
            on, off = with_and_without(model, blocks, hangs=hangs)
            ratio, error = ratio_and_error(on, off)
            how = f"wall time against none, {blocks} saves each way, +-{error:.4f}"
            what = f"training with the callback, the server {name}"
            figures.append(Figure(what, ratio, TARGET, "lower", "x", how))
            details[name] = {
                "standard_error": round(error, 4),
                "milliseconds_a_save": round(1000 * float((on - off).mean()), 2),
                "seconds_a_block": round(float(off.mean()), 4),
            }
    return Report("hook", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
