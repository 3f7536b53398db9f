"""Sample sizes needed to detect a difference, from the stored counts of a pilot."""

from typing import Literal

from evalsvc.errors import NotFound
from evalsvc.services.compare.pairings import find_pairings
from evalsvc.services.evaluations.views import counts_of
from evalsvc.services.memo import Memo
from evalsvc.statistics import (
    Pilot,
    Plan,
    pilot,
    plan_power,
    plan_problems,
    plan_runs,
    plan_samples,
)
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, runs, totals
from evalsvc.store.repositories.evaluations import EvaluationFilter

Unknown = Literal["samples", "problems", "runs", "power"]


def plan(
    session: Session,
    memo: Memo,
    *,
    run: str,
    candidate: str | None,
    benchmark: str,
    find: Unknown,
    k: int,
    effect: float,
    samples: int | None,
    problems: int | None,
    runs: int,
    alpha: float,
    power: float,
    run_deviation: float,
) -> Plan:
    """The design that detects `effect` at k, from the pilot RUN[@STEP] (and CANDIDATE).

    Raises NotFound without a pilot, StatisticsError where no plan can be computed.
    """
    known = _pilot(session, memo, run, candidate, benchmark, k, run_deviation)
    drawn = max(samples or k, k)
    if find == "samples":
        return plan_samples(known, k, effect, problems=problems, alpha=alpha, power=power)
    if find == "problems":
        return plan_problems(known, k, effect, samples=drawn, alpha=alpha, power=power)
    if find == "runs":
        return plan_runs(
            known, k, effect, samples=drawn, problems=problems, alpha=alpha, power=power
        )
    return plan_power(known, k, effect, samples=drawn, problems=problems, runs=runs, alpha=alpha)


def _pilot(
    session: Session,
    memo: Memo,
    run: str,
    candidate: str | None,
    benchmark: str,
    k: int,
    run_deviation: float,
) -> Pilot:
    if candidate is not None:
        pairing = find_pairings(session, run, candidate, benchmark, allow=False)[0]
        before = counts_of(session, memo, pairing.baseline)
        after = counts_of(session, memo, pairing.candidate)
        other = {"candidate_n": after.n, "candidate_c": after.c}
        row = pairing.baseline
    else:
        row = _newest(session, run, benchmark)
        before, other = counts_of(session, memo, row), {}
    return pilot(
        before.n,
        before.c,
        **other,
        k=k,
        run_deviation=run_deviation,
        tokens_per_sample=float(before.tokens.sum()) / max(float(before.n.sum()), 1.0),
        tokens_per_second=totals.tokens_per_second(session, row.id),
    )


def _newest(session: Session, side: str, benchmark: str) -> Evaluation:
    run, step = runs.parse_side(session, side)
    rows = evaluations.matching(session, EvaluationFilter(run=run, step=step, benchmark=benchmark))
    seen = [row for row in rows if row.samples_seen]
    if not seen:
        raise NotFound(
            f"{side} has no results on {benchmark!r} to plan from.",
            "A pilot of a few samples a problem is enough; `evalsvc results` lists what there is.",
        )
    return max(seen, key=lambda row: (row.checkpoint.step, row.samples_seen))
