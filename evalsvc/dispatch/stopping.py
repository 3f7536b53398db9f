"""Stop a job early once it is known whether its checkpoint beats the baseline.

The samples of both evaluations are paired by sample index. The sequential test stays valid when it
is evaluated after every shard (docs/decisions/0203). Only complete rounds count, in which every
problem has the same number of samples, so the kept samples are balanced. A job's error rate is
split evenly among its benchmarks.
"""

from collections.abc import Mapping
from typing import Any

from evalsvc.errors import UsageError
from evalsvc.imports import COUNTS_ENGINE
from evalsvc.specs import JobRequest, StopEarly
from evalsvc.statistics import other_problems_test, sequential_sign_test
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation, JobEvaluation
from evalsvc.store.repositories import demand, evaluations, events, results, runs, shards
from evalsvc.store.repositories.evaluations import EvaluationFilter
from evalsvc.store.repositories.results import Masks
from evalsvc.store.states import OPEN_SHARDS


def check(session: Session, request: JobRequest) -> None:
    """Reject a job that could never stop early.

    Raises:
        NotFound: There is no such baseline.
        UsageError: The baseline is the checkpoint itself.
    """
    if request.stop_early is None:
        return
    run, step = runs.parse_side(session, request.stop_early.baseline)
    if (run, step) in ((request.run, None), (request.run, request.step)):
        raise UsageError(
            "stop_early: the baseline is the checkpoint itself.",
            "Name another RUN or RUN@STEP that is evaluated on the same benchmarks.",
        )


def stop_if_known(session: Session, evaluation: Evaluation) -> None:
    """Stop sampling a locked evaluation for each live job whose comparison is decided."""
    for part in demand.parts_that_may_stop(session, evaluation.id):
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
            decision = {
                "baseline": baseline.id,
                "samples": rounds,
                "wins": found.wins,
                "losses": found.losses,
                "p_value": found.p_value,
                "other_problems_p_value": others.p_value,
                "sentence": f"{found.sentence} {others.sentence}",
            }
            _stop(session, evaluation, part, decision)


def count_pairs(
    baseline: Mapping[int, Masks], candidate: Mapping[int, Masks], k: int, rounds: int
) -> list[tuple[int, int]]:
    """(wins, losses) of the candidate on each problem, over blocks of k of `rounds` samples. Pure.

    A block counts if both sides have all of its samples. A side solves it if any of them is
    correct. Pure.
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


def _whole_rounds(session: Session, evaluation: Evaluation, part: JobEvaluation) -> int:
    """Samples that every problem of the job has; 0 if nothing is left to stop."""
    open_shards = shards.of_evaluation(session, evaluation.id, OPEN_SHARDS)
    wanted = [shard.sample_start for shard in open_shards if shard.sample_start < part.samples]
    return min(wanted, default=0)


def _baseline(session: Session, evaluation: Evaluation, asked: StopEarly) -> Evaluation | None:
    """The baseline's newest step on the same problems under the same protocol, if there is one.

    Imported counts are left out: they do not say which samples were correct.
    """
    run, step = runs.parse_side(session, asked.baseline)
    wanted = EvaluationFilter(
        run=run,
        step=step,
        benchmark=evaluation.benchmark,
        protocol_hash=evaluation.protocol_hash,
    )
    found = [
        row
        for row in evaluations.matching(session, wanted)
        if row.revision_id == evaluation.revision_id
        and row.id != evaluation.id
        and row.engine != COUNTS_ENGINE
    ]
    return max(found, key=lambda row: (row.checkpoint.step, row.samples_seen), default=None)


def _share(session: Session, part: JobEvaluation, asked: StopEarly) -> float:
    """The error rate for one benchmark of the job."""
    return asked.alpha / (demand.count_parts(session, part.job_id) or 1)


def _pairs(
    session: Session, sides: tuple[Evaluation, Evaluation], asked: StopEarly, rounds: int
) -> list[tuple[int, int]]:
    """Of the baseline and the candidate in `sides`, over their first `rounds` samples."""
    before, after = (results.read_masks(session, side.id) for side in sides)
    return count_pairs(before, after, asked.k, rounds)


def _stop(
    session: Session, evaluation: Evaluation, part: JobEvaluation, decision: dict[str, Any]
) -> None:
    """Lower the job's demand to what it has, and drop shards that no other job wants."""
    rounds: int = decision["samples"]
    demand.shorten(session, part, rounds)
    evaluation.samples_wanted = demand.most_samples(session, evaluation.id) or rounds
    evaluation.provenance = {**evaluation.provenance, "stopped_early": decision}
    events.record(
        session,
        "evaluation.stopped_early",
        evaluation_id=evaluation.id,
        job_id=part.job_id,
        **decision,
    )
