"""Imported evaluations: replacing their results and their transcript."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from evalsvc.specs import ProblemTally
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Evaluation, ProblemResult, Shard, now
from evalsvc.store.repositories.shards import RecordedTranscript
from evalsvc.store.states import EvaluationState, ShardState

SUMMARY = (
    "problems_seen",
    "samples_seen",
    "samples_correct",
    "samples_truncated",
    "samples_no_answer",
    "samples_failed",
    "output_tokens",
)


def clear(session: Session, evaluation: Evaluation) -> bool:
    """Delete the results of a (locked) evaluation; whether there were any."""
    had = evaluation.samples_seen > 0
    session.execute(delete(ProblemResult).where(ProblemResult.evaluation_id == evaluation.id))
    session.execute(delete(Shard).where(Shard.evaluation_id == evaluation.id))
    for name in SUMMARY:
        setattr(evaluation, name, 0)
    return had


def mark_done(evaluation: Evaluation, *, samples: int, problems: int) -> None:
    """Mark an import as complete."""
    evaluation.samples_wanted, evaluation.problems_wanted = samples, problems
    evaluation.state, evaluation.finished_at = EvaluationState.DONE, now()


def add_transcript(
    session: Session,
    evaluation: Evaluation,
    tallies: Sequence[ProblemTally],
    transcript: RecordedTranscript,
) -> None:
    """Add a finished shard, so that the samples can be read like any others."""
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
