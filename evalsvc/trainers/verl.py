"""verl 0.9: evaluate every saved checkpoint.

    trainer.checkpoint_callback_class=evalsvc.trainers.verl.EvaluationCallback
    +trainer.evalsvc.benchmarks=[aime2025,amc23]  +trainer.evalsvc.method="GRPO + A-GRAE"

Runs on the driver. verl ends the training if a callback raises, so this one never does. Sharded
checkpoints are merged in the background by verl's own merger; with `hf_model` in the checkpoint's
`save_contents` nothing needs merging. Older versions have no callbacks: use `evalsvc watch`.
"""

import atexit
import logging
import time
from pathlib import Path
from typing import Any

from verl.trainer.ppo.checkpoint_callback import CheckpointCallback

from evalsvc.checkpoints.pinning import CheckpointVanished
from evalsvc.errors import CheckpointError
from evalsvc.settings import load_settings
from evalsvc.specs import Announcement
from evalsvc.trainers.announcer import Announcer
from evalsvc.trainers.layouts.verl import inspect_step
from evalsvc.trainers.outbox import PRIVATE_FOLDER
from evalsvc.trainers.preparation import Prepared, prepare

log = logging.getLogger("evalsvc.trainers")
WRITING_SECONDS = 3600.0  # an asynchronous save may take so long
LOOK_SECONDS = 2.0
FLUSH_SECONDS = 900.0  # when the driver ends: the last checkpoint may still be merged
METHODS = {"agrae": "GRPO + A-GRAE", "grpo": "GRPO"}
OPTIONS = frozenset({"run", "method", "benchmarks", "protocol", "samples", "seed", "server"})


class EvaluationCallback(CheckpointCallback):  # type: ignore[misc]  # verl has no types
    """Announces each saved checkpoint. `+trainer.evalsvc.NAME=VALUE` sets the options:

    run (default: the experiment's name), method (default: from the advantage estimator),
    benchmarks (default: [smoke]), protocol, samples, seed, server (default: EVALSVC_SERVER). The
    key is taken from EVALSVC_KEY only, because verl logs its configuration.

    Examples:
        verl makes the callback itself, from `trainer.checkpoint_callback_class`; `config` is
        verl's configuration, here with `+trainer.evalsvc.benchmarks=[aime2025,amc23]`.

        >>> from pathlib import Path
        >>> from evalsvc.trainers.verl import EvaluationCallback, announcement
        >>> callback = EvaluationCallback(config)
        >>> announcement(callback.config, Path("/runs/grpo/global_step_20"), 20).benchmarks
        ('aime2025', 'amc23')
    """

    def __init__(self, config: Any = None) -> None:
        super().__init__(config=config)
        self._announcer: Announcer | None = None

    def on_save(
        self,
        trainer: Any,
        global_step: int,
        checkpoint_dir: str,
        async_save: bool = False,
        **kwargs: Any,
    ) -> None:
        """Announce the checkpoint; with `async_save` it may not be completely written yet."""
        try:
            folder = Path(checkpoint_dir).absolute()
            announcer = self._started(folder.parent)
            private = folder.parent / PRIVATE_FOLDER
            announcer.announce(
                announcement(self.config, folder, int(global_step)),
                lambda: prepared_when_written(int(global_step), folder, private),
            )
        except Exception:  # an evaluation must never end a training
            log.exception("The evaluation hook failed; the training continues")

    def _started(self, root: Path) -> Announcer:
        if self._announcer is None:
            settings = load_settings()
            server = str(_options(self.config).get("server") or settings.resolved_server)
            self._announcer = Announcer(server, settings.key or None, root / PRIVATE_FOLDER)
            atexit.register(self._announcer.flush, FLUSH_SECONDS)
        return self._announcer


def announcement(config: Any, folder: Path, step: int) -> Announcement:
    """The announcement of a checkpoint. Raises ValueError for an unknown option."""
    options = _options(config)
    if unknown := set(options) - OPTIONS:
        raise ValueError(f"trainer.evalsvc has no {sorted(unknown)}; known: {sorted(OPTIONS)}")
    estimator = str(config.algorithm.adv_estimator)
    return Announcement(
        path=str(folder),
        run=str(options.get("run") or config.trainer.experiment_name),
        method=str(options.get("method") or METHODS.get(estimator, estimator)),
        step=step,
        base_model=str(config.actor_rollout_ref.model.path),
        seed=options.get("seed"),
        trainer="verl",
        benchmarks=tuple(options.get("benchmarks") or ("smoke",)),
        protocol=options.get("protocol"),
        samples=options.get("samples"),
    )


def prepared_when_written(step: int, folder: Path, private: Path) -> Prepared:
    """Wait until everything is written, then merge if needed. Raises CheckpointError."""
    deadline = time.monotonic() + WRITING_SECONDS
    while not (seen := inspect_step(step, folder)).complete:
        if not folder.exists():
            raise CheckpointVanished(f"{folder} was removed before it was complete.")
        if time.monotonic() >= deadline:
            raise CheckpointError(f"Not complete after {WRITING_SECONDS:g} s: {seen.reason}")
        time.sleep(LOOK_SECONDS)
    return prepare(seen, private)


def _options(config: Any) -> Any:
    return config.trainer.get("evalsvc") or {}
