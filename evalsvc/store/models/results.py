"""Results: benchmark revisions, evaluations, results per problem, rescores, overrides."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from evalsvc.store.models.base import Base, BigInt, now
from evalsvc.store.models.training import Checkpoint
from evalsvc.store.states import EvaluationState, RescoreState


class BenchmarkRevision(Base):
    """The rows of a benchmark (or of a part, `name:part`) as they were evaluated."""

    __tablename__ = "benchmark_revisions"
    __table_args__ = (UniqueConstraint("name", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[str]  # content hash of the rows
    problem_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Problem(Base):
    """What the statistics need of a problem. Its text stays with the benchmark's data."""

    __tablename__ = "problems"

    revision_id: Mapped[int] = mapped_column(
        ForeignKey("benchmark_revisions.id", ondelete="CASCADE"), primary_key=True
    )
    problem: Mapped[int] = mapped_column(primary_key=True)  # row index
    problem_id: Mapped[str]
    cluster: Mapped[str]
    part: Mapped[str | None]
    level: Mapped[str | None]
    subject: Mapped[str | None]
    question_type: Mapped[str | None]


class Evaluation(Base):
    """Checkpoint x benchmark revision x protocol. Its id is the hash of these and the engine."""

    __tablename__ = "evaluations"
    __table_args__ = (
        Index("ix_evaluations_checkpoint_id", "checkpoint_id"),
        Index("ix_evaluations_benchmark", "benchmark", "created_at"),
        Index("ix_evaluations_state", "state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoints.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("benchmark_revisions.id"))
    benchmark: Mapped[str]  # name or name:part
    protocol: Mapped[dict[str, Any]]
    protocol_hash: Mapped[str]
    engine: Mapped[str]  # vllm, transformers, openai, replay, or import:FORMAT
    engine_options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default=EvaluationState.PENDING)
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    samples_wanted: Mapped[int]  # n per problem, the largest requested by any job
    problems_wanted: Mapped[int]  # number of problems requested by any job
    verifier: Mapped[str | None]
    provenance: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # Increases with every change of the results: caches of statistics are keyed by it.
    version: Mapped[int] = mapped_column(default=0)
    # Summary, updated with the results, so that lists need not read every problem.
    problems_seen: Mapped[int] = mapped_column(default=0)
    samples_seen: Mapped[int] = mapped_column(default=0)
    samples_correct: Mapped[int] = mapped_column(default=0)
    samples_truncated: Mapped[int] = mapped_column(default=0)
    samples_no_answer: Mapped[int] = mapped_column(default=0)
    samples_failed: Mapped[int] = mapped_column(default=0)  # verifier failures
    output_tokens: Mapped[int] = mapped_column(BigInt, default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]

    checkpoint: Mapped[Checkpoint] = relationship()
    revision: Mapped[BenchmarkRevision] = relationship()


class ProblemResult(Base):
    """The samples of one problem as bit masks (little-endian bytes): bit i is sample i.

    n and c are the population counts of `sampled` and `correct`; they are stored as columns
    because the statistics of 5,000 problems read only these two.
    """

    __tablename__ = "problem_results"

    evaluation_id: Mapped[str] = mapped_column(
        ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True
    )
    problem: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
    c: Mapped[int]
    sampled: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    correct: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    truncated: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    no_answer: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    failed: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    tokens: Mapped[int] = mapped_column(BigInt, default=0)
    tokens_correct: Mapped[int] = mapped_column(BigInt, default=0)
    error: Mapped[str | None]  # why this problem could not be asked at all


class Rescore(Base):
    """A second grading of an evaluation's transcripts by another verifier version."""

    __tablename__ = "rescores"
    __table_args__ = (Index("ix_rescores_evaluation_id", "evaluation_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(default=RescoreState.RUNNING)
    verifier_before: Mapped[str]
    verifier_after: Mapped[str]
    judged: Mapped[int] = mapped_column(default=0)  # samples judged so far
    total: Mapped[int]
    flipped: Mapped[int] = mapped_column(default=0)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class RescoredSample(Base):
    """One sample whose verdict a rescore changed; unchanged verdicts are not repeated here."""

    __tablename__ = "rescored_samples"

    rescore_id: Mapped[str] = mapped_column(
        ForeignKey("rescores.id", ondelete="CASCADE"), primary_key=True
    )
    problem: Mapped[int] = mapped_column(primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True)
    verdict_before: Mapped[str]
    verdict_after: Mapped[str]
    rule_before: Mapped[str]
    rule_after: Mapped[str]
    extracted_after: Mapped[str | None]


class VerdictOverride(Base):
    """A manual verdict on one sample, with its author and reason. The newest one counts."""

    __tablename__ = "verdict_overrides"
    __table_args__ = (Index("ix_verdict_overrides_sample", "evaluation_id", "problem", "sample"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    problem: Mapped[int]
    sample: Mapped[int]
    correct: Mapped[bool]
    who: Mapped[str]
    why: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
