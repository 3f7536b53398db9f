"""A job for readers: its request, its progress, and the reasons of failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evalsvc.services.limits import MAX_REASONS
from evalsvc.store.database import Session
from evalsvc.store.models import Job, JobEvaluation, Run
from evalsvc.store.repositories import checkpoints, jobs, shards
from evalsvc.store.states import ENDED_JOBS, EvaluationState, JobState


@dataclass(frozen=True)
class JobPart:
    """One benchmark of a job: the evaluation `id`, which other jobs may share."""

    id: str
    benchmark: str
    state: str
    samples: int  # per problem, as this job asked
    problems: int
    ks: list[int]
    samples_done: int
    samples_wanted: int  # over all problems, as this job asked
    error: str | None
    remedy: str | None


@dataclass(frozen=True)
class Progress:
    """Samples done of those wanted, and where the shards stand."""

    samples_done: int
    samples_wanted: int
    fraction: float
    shards: dict[str, int]


@dataclass(frozen=True)
class JobView:
    """A job. `reasons` are the failures that a user must see, each with what to do."""

    id: str
    owner: str
    state: str
    priority: int
    run: str
    method: str
    step: int
    checkpoint: str
    progress: Progress
    evaluations: list[JobPart]
    reasons: list[str]
    error: str | None
    remedy: str | None
    request: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def view_jobs(session: Session, rows: Sequence[Job]) -> list[JobView]:
    """The jobs in the order given."""
    parts: dict[str, list[JobEvaluation]] = {job.id: [] for job in rows}
    for part in jobs.parts_of(session, list(parts)):
        parts[part.job_id].append(part)
    ids = {part.evaluation_id for found in parts.values() for part in found}
    counts = shards.count_by_evaluation(session, sorted(ids))
    asked = checkpoints.of_ids(session, {job.checkpoint_id for job in rows})
    return [
        _view(session, job, asked[job.checkpoint_id].run, parts[job.id], counts) for job in rows
    ]


def view_job(session: Session, job_id: str) -> JobView:
    """One job. Raises NotFound."""
    return view_jobs(session, [jobs.get(session, job_id)])[0]


def _view(
    session: Session,
    job: Job,
    run: Run,
    parts: Sequence[JobEvaluation],
    counts: Mapping[str, Mapping[str, tuple[int, int]]],
) -> JobView:
    shown = [_part(part) for part in parts]
    states: dict[str, int] = {}
    for part in parts:
        for state, (count, _) in counts.get(part.evaluation_id, {}).items():
            states[state] = states.get(state, 0) + count
    return JobView(
        id=job.id,
        owner=job.owner,
        state=job.state,
        priority=job.priority,
        run=run.name,
        method=run.method,
        step=int(job.request.get("step", 0)),
        checkpoint=str(job.request.get("checkpoint", "")),
        progress=_progress(job, shown, states),
        evaluations=shown,
        reasons=_reasons(session, parts, states),
        error=job.error,
        remedy=job.remedy,
        request=job.request,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _part(part: JobEvaluation) -> JobPart:
    row = part.evaluation
    problems = len(part.problems) if part.problems is not None else row.revision.problem_count
    wanted = part.samples * problems
    # Other jobs may want more of the same evaluation: only this job's share counts here.
    done = wanted if row.state == EvaluationState.DONE else min(row.samples_seen, wanted)
    return JobPart(
        id=row.id,
        benchmark=row.benchmark,
        state=row.state,
        samples=part.samples,
        problems=problems,
        ks=[int(k) for k in part.ks],
        samples_done=done,
        samples_wanted=wanted,
        error=row.error,
        remedy=row.remedy,
    )


def _progress(job: Job, parts: Sequence[JobPart], states: dict[str, int]) -> Progress:
    done = sum(part.samples_done for part in parts)
    wanted = sum(part.samples_wanted for part in parts)
    ended = job.state in ENDED_JOBS and job.state == JobState.DONE
    fraction = 1.0 if ended else (done / wanted if wanted else 0.0)
    return Progress(done, wanted, fraction, states)


def _reasons(
    session: Session, parts: Sequence[JobEvaluation], states: Mapping[str, int]
) -> list[str]:
    reasons = []
    for part in parts:
        if part.evaluation.error:
            remedy = part.evaluation.remedy or ""
            reasons.append(f"{part.evaluation.benchmark}: {part.evaluation.error} {remedy}".strip())
    if states.get("failed"):
        ids = [part.evaluation_id for part in parts]
        for shard in shards.failed_of(session, ids, MAX_REASONS):
            text = f"{shard.error or 'failed'} {shard.remedy or ''}".strip()
            if not any(text in reason for reason in reasons):
                reasons.append(f"shard {shard.id}: {text}")
    return reasons[:MAX_REASONS]
