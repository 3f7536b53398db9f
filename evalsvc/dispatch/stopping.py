"""Stopping early: a job that asked whether its checkpoint beats another ends when that is known.

Both evaluations' samples are paired by number, and the pairs counted by a test that may be looked
at after every shard (docs/decisions/0203). Only whole rounds count, in which every problem has as
many samples, so that what is kept is balanced. A job's error rate is shared among its benchmarks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from evalsvc.errors import UsageError
from evalsvc.imports import COUNTS_FORMAT
from evalsvc.specs import JobRequest, StopEarly
from evalsvc.statistics import other_problems_test, sequential_sign_test
from evalsvc.store.models import Evaluation, Job, JobEvaluation
from evalsvc.store.repositories import browsing, demand, events, results, shards
from evalsvc.store.repositories.browsing import EvaluationFilter
from evalsvc.store.repositories.results import Masks
from evalsvc.store.states import LIVE_JOBS, OPEN_SHARDS, JobState, ShardState

COUNTS_ENGINE = f"import:{COUNTS_FORMAT}"


def check(session: Session, request: JobRequest) -> None:
    """Refuses a job that can never stop. Raises NotFound (no such run), UsageError."""
    if request.stop_early is None:
        return
    run, step = browsing.parse_side(session, request.stop_early.baseline)
    if (run, step) in ((request.run, None), (request.run, request.step)):
        raise UsageError(
            "stop_early: the baseline is the checkpoint itself.",
            "Name another RUN or RUN@STEP that is evaluated on the same benchmarks.",
        )


def stop_if_known(session: Session, evaluation: Evaluation) -> None:
    """Ends the sampling of a (locked) evaluation for live jobs whose question is answered."""
    for part in _asking(session, evaluation):
        asked = StopEarly.model_validate(part.job.request["stop_early"])
        rounds = _whole_rounds(session, evaluation, part)
        baseline = _baseline(session, evaluation, asked)
        if not rounds or baseline is None:
            continue
        pairs = _pairs(session, (baseline, evaluation), asked, rounds)
        alpha = _share(session, part, asked)
        wins, losses = [won for won, _ in pairs], [lost for _, lost in pairs]
        found = sequential_sign_test(sum(wins), sum(losses), alpha=alpha)
        if found.stop:
            # A look is possible whenever another block of k is whole.
            others = other_problems_test(wins, losses, max(rounds // asked.k, 1), alpha=alpha)
            told = {
                "baseline": baseline.id,
                "samples": rounds,
                "wins": found.wins,
                "losses": found.losses,
                "p_value": found.p_value,
                "other_problems_p_value": others.p_value,
                "sentence": f"{found.sentence} {others.sentence}",
            }
            _stop(session, evaluation, part, told)


def count_pairs(
    baseline: Mapping[int, Masks], candidate: Mapping[int, Masks], k: int, rounds: int
) -> list[tuple[int, int]]:
    """(wins, losses) of the candidate on each problem, over blocks of k of `rounds` samples. Pure.

    A block counts where both sides have all of its samples; it is solved if any of them is right.
    """
    found = []
    block = (1 << k) - 1
    for problem in sorted(baseline.keys() & candidate.keys()):
        before, after = baseline[problem], candidate[problem]
        wins = losses = 0
        for start in range(0, rounds - k + 1, k):
            both = before.sampled & after.sampled & (block << start)
            if both != block << start:
                continue
            solved = bool(before.correct & both), bool(after.correct & both)
            wins += solved == (False, True)
            losses += solved == (True, False)
        found.append((wins, losses))
    return found


def _asking(session: Session, evaluation: Evaluation) -> Sequence[JobEvaluation]:
    query = (
        select(JobEvaluation)
        .join(JobEvaluation.job)
        .options(contains_eager(JobEvaluation.job))
        .where(JobEvaluation.evaluation_id == evaluation.id, Job.state.in_(LIVE_JOBS))
    )
    return [part for part in session.scalars(query) if part.job.request.get("stop_early")]


def _whole_rounds(session: Session, evaluation: Evaluation, part: JobEvaluation) -> int:
    """Samples that every problem of the job has; 0 where nothing is left to be stopped."""
    open_shards = shards.of_evaluation(session, evaluation.id, OPEN_SHARDS)
    wanted = [shard.sample_start for shard in open_shards if shard.sample_start < part.samples]
    return min(wanted, default=0)


def _baseline(session: Session, evaluation: Evaluation, asked: StopEarly) -> Evaluation | None:
    """The baseline's newest step on the same problems under the same protocol, if it has any.

    Imported counts are none: which of their samples were right is not known.
    """
    run, step = browsing.parse_side(session, asked.baseline)
    wanted = EvaluationFilter(
        run=run,
        step=step,
        benchmark=evaluation.benchmark,
        protocol_hash=evaluation.protocol_hash,
    )
    found = [
        row
        for row in browsing.all_evaluations(session, wanted)
        if row.revision_id == evaluation.revision_id
        and row.id != evaluation.id
        and row.engine != COUNTS_ENGINE
    ]
    return max(found, key=lambda row: (row.checkpoint.step, row.samples_seen), default=None)


def _share(session: Session, part: JobEvaluation, asked: StopEarly) -> float:
    """The error rate of one benchmark of the job."""
    benchmarks = select(func.count()).where(JobEvaluation.job_id == part.job_id)
    return asked.alpha / (session.scalar(benchmarks) or 1)


def _pairs(
    session: Session, sides: tuple[Evaluation, Evaluation], asked: StopEarly, rounds: int
) -> list[tuple[int, int]]:
    """Of the baseline and the candidate in `sides`, over their first `rounds` samples."""
    before, after = (results.read_masks(session, side.id) for side in sides)
    return count_pairs(before, after, asked.k, rounds)


def _stop(
    session: Session, evaluation: Evaluation, part: JobEvaluation, told: dict[str, Any]
) -> None:
    """The job wants no more than it has; shards that nobody else wants are forgotten."""
    rounds: int = told["samples"]
    part.samples = rounds
    part.ks = [k for k in part.ks if k <= rounds]
    session.flush()
    shards.forget(session, demand.unwanted(session, evaluation.id, ShardState.READY))
    wanted = (
        select(func.max(JobEvaluation.samples))
        .join(Job)
        .where(JobEvaluation.evaluation_id == evaluation.id, Job.state != JobState.CANCELLED)
    )
    evaluation.samples_wanted = session.scalar(wanted) or rounds
    evaluation.provenance = {**evaluation.provenance, "stopped_early": told}
    events.record(
        session, "evaluation.stopped_early", evaluation_id=evaluation.id, job_id=part.job_id, **told
    )
