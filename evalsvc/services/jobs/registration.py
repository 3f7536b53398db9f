"""Recording checkpoints without a job: registered after inspection, or told with a reason."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.services.jobs.admission import CheckpointCache, admit_checkpoint
from evalsvc.settings import Settings
from evalsvc.specs import MAX_SAMPLES, JobRequest, Name
from evalsvc.store.models import Checkpoint
from evalsvc.store.repositories import checkpoints, events
from evalsvc.store.repositories.upserts import insert_missing

_inspected = CheckpointCache()


Told = Literal["waiting", "skipped", "rotated", "abandoned", "failed"]


class Announcement(BaseModel):
    """A checkpoint that a training run wrote: to be evaluated, or the reason why it is not."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "/models/qwen-grpo/checkpoint-100",
                    "run": "qwen-grpo-seed0",
                    "method": "GRPO",
                    "step": 100,
                    "benchmarks": ["aime2025", "amc23"],
                    "protocol": "paper",
                    "samples": 16,
                },
                {
                    "path": "/models/qwen-grpo/checkpoint-150",
                    "run": "qwen-grpo-seed0",
                    "step": 150,
                    "state": "rotated",
                    "reason": "the trainer removed it before it could be pinned",
                },
            ]
        },
    )

    path: str = Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")
    run: Name
    method: Name = "unknown"
    step: int = Field(ge=0, lt=2**31)
    base_model: str | None = Field(default=None, max_length=300)
    seed: int | None = Field(default=None, ge=0, lt=2**31, description="of the training")
    trainer: str | None = Field(default=None, max_length=100, description="e.g. trl, verl")
    benchmarks: list[Name] = Field(default_factory=list, max_length=64)
    protocol: str | None = Field(default=None, max_length=200)
    samples: int | None = Field(default=None, ge=1, le=MAX_SAMPLES)
    state: Told | None = Field(default=None, description="why it is not to be evaluated")
    reason: str | None = Field(default=None, max_length=4000)

    def job_request(self) -> JobRequest:
        """The job that the announcement asks for."""
        return JobRequest(
            checkpoint=self.path,
            run=self.run,
            method=self.method,
            step=self.step,
            base_model=self.base_model,
            train_seed=self.seed,
            config={"trainer": self.trainer} if self.trainer else {},
            benchmarks=tuple(self.benchmarks),
            protocol=self.protocol or "quick",
            samples=self.samples,
        )


def register(session: Session, settings: Settings, announced: Announcement) -> Checkpoint:
    """The checkpoint's row. Raises CheckpointError, PermissionDenied (outside of the roots)."""
    spec = None
    if announced.state is None:
        spec = admit_checkpoint(announced.path, settings.engine, settings, _inspected)
    run = checkpoints.find_or_create_run(
        session,
        announced.run,
        method=announced.method,
        base_model=announced.base_model,
        train_seed=announced.seed,
        config={"trainer": announced.trainer} if announced.trainer else None,
    )
    session.flush()
    if spec is not None:
        return checkpoints.find_or_create_checkpoint(session, run, announced.step, spec)
    assert announced.state is not None, "what is not inspected has a state to tell"
    return _tell(session, run.id, announced, announced.state)


def _tell(session: Session, run_id: int, announced: Announcement, state: str) -> Checkpoint:
    """One row per step for what could not be read; what is told later replaces it."""
    row = {"run_id": run_id, "step": announced.step, "fingerprint": "", "path": announced.path}
    insert_missing(session, Checkpoint, {**row, "state": state, "spec": {}})
    found = session.scalars(
        select(Checkpoint).where(
            Checkpoint.run_id == run_id,
            Checkpoint.step == announced.step,
            Checkpoint.fingerprint == "",
        )
    ).one()
    found.path, found.state, found.reason = announced.path, state, announced.reason
    events.record(
        session,
        f"checkpoint.{state}",
        run=announced.run,
        step=announced.step,
        reason=announced.reason,
    )
    return found
