"""TRL and transformers: evaluate every saved checkpoint, and train with A-GRAE.

    EvaluationCallback(run="grpo-seed0", benchmarks=["aime2025", "amc23"]).attach(trainer)

    class Trainer(AsymmetricAdvantages, GRPOTrainer): ...

The callback works with every transformers Trainer and never raises into it. The mix-in works with
TRL 1.16's GRPOTrainer and its grpo, dapo and dr_grpo losses.
"""

import logging
import queue
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from transformers import Trainer, TrainerCallback

from evalsvc.settings import load_settings
from evalsvc.specs import Announcement
from evalsvc.trainers.agrae import Level, asymmetric_advantages
from evalsvc.trainers.announcer import POLL_SECONDS, Announcer
from evalsvc.trainers.limits import MAX_WAITING
from evalsvc.trainers.outbox import PRIVATE_FOLDER

log = logging.getLogger("evalsvc.trainers")


class EvaluationCallback(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
    """Has each saved checkpoint evaluated, and logs the results in the trainer when they arrive.

    It never raises into the training and never blocks it for a second.

    Args:
        run: name of the training run; by default the trainer's `run_name`, else its output folder.
        method: e.g. "GRPO + A-GRAE" (`evalsvc.methods` knows the paper's names).
        benchmarks: what to evaluate on; `protocol` and `samples` as of `evalsvc submit`.
        base_model: by default the name that the model was loaded under.
        server: by default EVALSVC_SERVER, else this machine.
        key: by default EVALSVC_KEY, else none.
        max_waiting: at most so many checkpoints are pinned for evaluation at a time. Beyond that
            the oldest one that the server has not taken is recorded as skipped.
        wait_at_end_seconds: wait so long for the last results when the training ends.
        poll_seconds: time between two questions to the server for results.

    Examples:
        Any transformers Trainer; `trainer` is yours.

        >>> from evalsvc.trainers.trl import EvaluationCallback
        >>> callback = EvaluationCallback(
        ...     run="qwen-grpo-seed0",
        ...     method="GRPO",
        ...     benchmarks=["aime2025", "amc23"],
        ...     protocol="paper",
        ...     samples=16,
        ... ).attach(trainer)
        >>> callback in trainer.callback_handler.callbacks
        True
    """

    def __init__(
        self,
        run: str | None = None,
        method: str = "GRPO",
        benchmarks: Sequence[str] = ("smoke",),
        *,
        protocol: str = "quick",
        samples: int | None = None,
        base_model: str | None = None,
        server: str | None = None,
        key: str | None = None,
        max_waiting: int = MAX_WAITING,
        wait_at_end_seconds: float = 0.0,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._run = run
        self._method = method
        self._benchmarks = tuple(benchmarks)
        self._protocol = protocol
        self._samples = samples
        self._base_model = base_model
        self._server = server
        self._key = key
        self._max_waiting = max_waiting
        self._wait_at_end_seconds = wait_at_end_seconds
        self._poll_seconds = poll_seconds
        self._announcer: Announcer | None = None
        self._trainer: Trainer | None = None
        self._results: queue.Queue[dict[str, float]] = queue.Queue()

    def attach(self, trainer: Trainer) -> Self:
        """Add the callback to a trainer. Results then also reach its W&B, TensorBoard and so on.

        Given as `callbacks=[...]` instead it does the same, but as transformers does not tell a
        callback its trainer, results only reach the log history (trainer_state.json).
        """
        trainer.add_callback(self)
        self._trainer = trainer
        return self

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the threads, which also send what an earlier run of this training left behind."""
        if state.is_world_process_zero:
            self._guarded(self._start, args, state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Pin and announce the checkpoint that has just been written."""
        if state.is_world_process_zero:
            self._guarded(self._announce, args, state, kwargs.get("model"))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log the results that have arrived; the results' own step is in the log line."""
        if state.is_world_process_zero:
            self._guarded(self._report, args, state)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Wait for the last results as long as was asked for, and log them."""
        if state.is_world_process_zero:
            self._guarded(self._finish, args, state)

    def _guarded(self, act: Any, *arguments: Any) -> None:
        """Log what goes wrong: an evaluation must never end a training."""
        try:
            act(*arguments)
        except Exception:
            log.exception("The evaluation hook failed; the training continues")

    def _start(self, args: Any, state: Any) -> Announcer:
        if self._announcer is None:
            settings = load_settings()
            self._announcer = Announcer(
                self._server or settings.resolved_server,
                self._key or settings.key or None,
                Path(args.output_dir) / PRIVATE_FOLDER,
                max_waiting=self._max_waiting,
                on_result=lambda announced, scores: self._results.put(
                    {**scores, "eval_checkpoint_step": float(announced.step)}
                ),
                poll_seconds=self._poll_seconds,
            )
        return self._announcer

    def _announce(self, args: Any, state: Any, model: Any) -> None:
        step = int(state.global_step)
        path = Path(args.output_dir) / f"checkpoint-{step}"
        announcement = Announcement(
            path=str(path.absolute()),
            run=self._run or getattr(args, "run_name", None) or path.parent.absolute().name,
            method=self._method,
            step=step,
            base_model=self._base_model or _loaded_from(model),
            seed=args.seed,
            trainer="trl",
            benchmarks=self._benchmarks,
            protocol=self._protocol,
            samples=self._samples,
        )
        self._start(args, state).announce(announcement)

    def _report(self, args: Any, state: Any) -> None:
        while True:
            try:
                scores = self._results.get_nowait()
            except queue.Empty:
                return
            if self._trainer is None:
                state.log_history.append({**scores, "step": state.global_step})
            else:
                # Not the subclass's own `log`: TRL's would also flush its half-filled averages.
                Trainer.log(self._trainer, scores)

    def _finish(self, args: Any, state: Any) -> None:
        announcer = self._start(args, state)
        if self._wait_at_end_seconds and not announcer.wait_until_idle(self._wait_at_end_seconds):
            log.warning("Some evaluations have not ended; their results are on the server")
        announcer.finish()
        self._report(args, state)
        self._announcer = None


class AsymmetricAdvantages:
    """Mix-in before TRL's GRPOTrainer: A-GRAE's advantages in place of GRPO's.

    Takes two further keyword arguments: `agrae_alpha` (α of equation 13) and `agrae_level` ("full",
    "sample", "group", or "none" for GRPO with the same standard deviation, the fair baseline).
    `scale_rewards="none"` leaves out the standard deviation, as Dr.GRPO does. The weighted sum of
    the rewards must lie in [0, 1].
    """

    def __init__(
        self, *args: Any, agrae_alpha: float = 1.0, agrae_level: Level = "full", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._agrae_alpha = agrae_alpha
        self._agrae_level = agrae_level
        self._agrae_rewards: torch.Tensor | None = None
        config: Any = self.args  # type: ignore[attr-defined]
        if config.multi_objective_aggregation != "sum_then_normalize":
            raise ValueError(
                "A-GRAE needs one success rate per prompt: set "
                'multi_objective_aggregation="sum_then_normalize"'
            )
        if self.scale_rewards == "batch":  # type: ignore[attr-defined]
            raise ValueError('A-GRAE scales by group or not at all: set scale_rewards="group"')

    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Keep the rewards, which are gathered over all processes: ω is the whole batch's."""
        self._agrae_rewards = super()._calculate_rewards(*args, **kwargs)  # type: ignore[misc]
        return self._agrae_rewards

    def _generate_and_score_completions(self, inputs: list[Any]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)  # type: ignore[misc]
        trainer: Any = self
        if not trainer.model.training or self._agrae_rewards is None:
            return output
        per_function = self._agrae_rewards
        rewards = (per_function * trainer.reward_weights.to(per_function.device)).nansum(dim=1)
        rewards[torch.isnan(per_function).all(dim=1)] = torch.nan
        advantages = asymmetric_advantages(
            rewards,
            trainer.num_generations,
            self._agrae_alpha,
            level=self._agrae_level,
            normalise_std=trainer.scale_rewards != "none",
        )
        self._show(advantages)
        local = output["advantages"].shape[0]
        first = trainer.accelerator.process_index * local
        output["advantages"] = advantages[first : first + local].to(output["advantages"].dtype)
        return output

    def _show(self, advantages: torch.Tensor) -> None:
        """Replace this batch's advantages in TRL's table of completions."""
        shown = self._logs["advantages"]  # type: ignore[attr-defined]
        for _ in range(min(len(shown), len(advantages))):
            shown.pop()
        shown.extend(advantages.tolist())


def _loaded_from(model: Any) -> str | None:
    name = getattr(getattr(model, "config", None), "_name_or_path", None)
    return str(name) if name else None
