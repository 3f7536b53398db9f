"""Work: jobs, their evaluations, shards, events, workers, the dispatcher's epochs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from evalsvc.store.models.base import Base, BigInt, now
from evalsvc.store.models.results import Evaluation
from evalsvc.store.states import DispatcherState, JobState, ShardState


class Job(Base):
    """One submission."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key"),
        Index("ix_jobs_state_created_at", "state", "created_at"),
        Index("ix_jobs_created_at_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # sorts by time of submission
    owner: Mapped[str] = mapped_column(default="local")  # name of the key, "local" without keys
    idempotency_key: Mapped[str | None]
    request: Mapped[dict[str, Any]]
    request_hash: Mapped[str]
    state: Mapped[str] = mapped_column(default=JobState.QUEUED)
    priority: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoints.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    evaluations: Mapped[list["JobEvaluation"]] = relationship(
        back_populates="job", order_by="JobEvaluation.ordinal"
    )


class JobEvaluation(Base):
    """An evaluation requested by a job; several jobs may share one."""

    __tablename__ = "job_evaluations"
    __table_args__ = (Index("ix_job_evaluations_evaluation_id", "evaluation_id"),)

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    samples: Mapped[int]  # n requested by this job
    ks: Mapped[list[Any]]
    problems: Mapped[list[Any] | None]  # row indices, or NULL for all

    job: Mapped[Job] = relationship(back_populates="evaluations")
    evaluation: Mapped[Evaluation] = relationship()


class Shard(Base):
    """A slice of an evaluation. `ordinal` counts within the evaluation; lower ones go first."""

    __tablename__ = "shards"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "ordinal"),
        # For the dispatcher: the first ready shard of this evaluation.
        Index("ix_shards_state_evaluation_id_ordinal", "state", "evaluation_id", "ordinal"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    problems: Mapped[list[Any]]  # row indices
    sample_start: Mapped[int]
    sample_stop: Mapped[int]
    size: Mapped[int]  # samples
    state: Mapped[str] = mapped_column(default=ShardState.READY)
    attempts: Mapped[int] = mapped_column(default=0)  # times it was sent to a worker
    deaths: Mapped[int] = mapped_column(default=0)  # workers that died while it ran on them
    samples_done: Mapped[int] = mapped_column(default=0)  # judged so far, while it runs
    epoch: Mapped[int | None]
    worker_id: Mapped[str | None]
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    artifact: Mapped[str | None]  # transcript, relative to the artifact store's root
    artifact_bytes: Mapped[int] = mapped_column(BigInt, default=0)
    artifact_sha256: Mapped[str | None]
    output_tokens: Mapped[int] = mapped_column(BigInt, default=0)
    seconds: Mapped[float | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    evaluation: Mapped[Evaluation] = relationship()


class Event(Base):
    """Every transition and message for users, in order. Event streams read this."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_job_id_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str]  # e.g. job.done, shard.failed, worker.died, weights.swapped, key.created
    job_id: Mapped[str | None]
    evaluation_id: Mapped[str | None]
    shard_id: Mapped[str | None]
    worker_id: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class WorkerRecord(Base):
    """A worker's last report; for display, never to decide who owns a shard."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    state: Mapped[str]
    status: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Throughput(Base):
    """Recent speed of a kind of shard; later shards are sized by it."""

    __tablename__ = "throughputs"

    engine: Mapped[str] = mapped_column(primary_key=True)
    architecture_hash: Mapped[str] = mapped_column(primary_key=True)
    benchmark: Mapped[str] = mapped_column(primary_key=True)
    max_tokens: Mapped[int] = mapped_column(primary_key=True)
    samples_per_second: Mapped[float]  # of one shard while others run on the same worker
    tokens_per_second: Mapped[float]
    shards: Mapped[int] = mapped_column(default=0)  # how many were measured
    updated_at: Mapped[datetime] = mapped_column(default=now)


class DispatcherEpoch(Base):
    """One row per start of a dispatcher; only the newest one's results count."""

    __tablename__ = "dispatcher_epochs"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    holder: Mapped[str]  # host and process, for the error that a second dispatcher gets
    state: Mapped[str] = mapped_column(default=DispatcherState.RUNNING)
    reason: Mapped[str | None]  # why it is paused
    remedy: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
