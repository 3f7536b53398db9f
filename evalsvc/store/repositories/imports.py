"""Evaluations that were imported: their checkpoint, replacing their results, their transcript."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from evalsvc.specs import ProblemTally
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Checkpoint, Evaluation, ProblemResult, Run, Shard, now
from evalsvc.store.states import CheckpointState, EvaluationState, ShardState

SUMMARY = (
    "problems_seen",
    "samples_seen",
    "samples_correct",
    "samples_truncated",
    "samples_no_answer",
    "samples_failed",
    "output_tokens",
)


class TranscriptLike(Protocol):
    """Where a transcript lies."""

    @property
    def path(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...


def checkpoint_at(session: Session, run: Run, step: int) -> Checkpoint:
    """The run's newest checkpoint at a step; one known only by its step if there is none."""
    found = session.scalars(
        select(Checkpoint)
        .where(
            Checkpoint.run_id == run.id,
            Checkpoint.step == step,
            Checkpoint.state == CheckpointState.COMPLETE,
        )
        .order_by(Checkpoint.id.desc())
    ).first()
    if found is not None:
        return found
    made = Checkpoint(
        run_id=run.id, step=step, fingerprint=f"imported:{new_id()}", path="", reason="imported"
    )
    session.add(made)
    session.flush()
    return made


def clear(session: Session, evaluation: Evaluation) -> bool:
    """Take the results of a (locked) evaluation away; whether there were any."""
    had = evaluation.samples_seen > 0
    session.execute(delete(ProblemResult).where(ProblemResult.evaluation_id == evaluation.id))
    session.execute(delete(Shard).where(Shard.evaluation_id == evaluation.id))
    for name in SUMMARY:
        setattr(evaluation, name, 0)
    return had


def mark_done(evaluation: Evaluation, *, samples: int, problems: int) -> None:
    """All that was imported is there."""
    evaluation.samples_wanted, evaluation.problems_wanted = samples, problems
    evaluation.state, evaluation.finished_at = EvaluationState.DONE, now()


def add_transcript(
    session: Session,
    evaluation: Evaluation,
    tallies: Sequence[ProblemTally],
    transcript: TranscriptLike,
) -> None:
    """A finished shard, so that the samples can be read like any others."""
    session.add(
        Shard(
            id=new_id(),
            evaluation_id=evaluation.id,
            ordinal=0,
            problems=[tally.problem for tally in tallies],
            sample_start=0,
            sample_stop=max(tally.n for tally in tallies),
            size=sum(tally.n for tally in tallies),
            state=ShardState.DONE,
            artifact=transcript.path,
            artifact_bytes=transcript.bytes,
            artifact_sha256=transcript.sha256,
            finished_at=now(),
        )
    )
