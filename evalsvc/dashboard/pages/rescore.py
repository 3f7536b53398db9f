"""`/rescores/{id}`: which verdicts another verifier changed, and what that does to the figure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select

from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask, Pages
from evalsvc.errors import NotFound
from evalsvc.services.evaluations.views import EvaluationSummary, counts_of, summarise, traits_of
from evalsvc.store.models import Rescore, RescoredSample
from evalsvc.store.repositories import browsing

PAGE_SIZE = 50


@dataclass(frozen=True)
class Change:
    """One sample whose verdict changed."""

    problem: int
    problem_id: str
    sample: int
    verdict_before: str
    verdict_after: str
    rule_before: str
    rule_after: str
    extracted_after: str | None


@dataclass(frozen=True)
class Model:
    """A rescore. `before` and `after`: pass@1, in fractions; None without counts."""

    id: str
    state: str
    verifier_before: str
    verifier_after: str
    judged: int
    total: int
    flipped: int
    summary: dict[str, Any]
    error: str | None
    created_at: datetime
    evaluation: EvaluationSummary
    before: float | None
    after: float | None
    kinds: list[tuple[str, str, int]]  # (verdict before, after, how many)
    changes: list[Change]
    pages: Pages


def build(ask: Ask) -> View:
    """Raises NotFound."""
    row = ask.session.get(Rescore, ask.part("rescore"))
    if row is None:
        raise NotFound(
            f"There is no rescore {ask.part('rescore')!r}.", "The evaluation's page lists its own."
        )
    evaluation = browsing.get_evaluation(ask.session, row.evaluation_id)
    kinds = _kinds(ask, row.id)
    before, after = _effect(ask, row)
    pages = ask.pages(sum(number for *_, number in kinds), PAGE_SIZE)
    model = Model(
        id=row.id,
        state=row.state,
        verifier_before=row.verifier_before,
        verifier_after=row.verifier_after,
        judged=row.judged,
        total=row.total,
        flipped=row.flipped,
        summary=dict(row.summary),
        error=row.error,
        created_at=row.created_at,
        evaluation=summarise(evaluation),
        before=before,
        after=after,
        kinds=kinds,
        changes=_changes(ask, row, evaluation.revision_id, pages),
        pages=pages,
    )
    columns = (
        "problem",
        "problem_id",
        "sample",
        "verdict_before",
        "verdict_after",
        "rule_before",
        "rule_after",
        "extracted_after",
    )
    rows = [[getattr(change, name) for name in columns] for change in model.changes]
    title = f"Rescore {row.verifier_before} → {row.verifier_after}"
    return View("rescore.html", title, model, Table(columns, rows), live=row.state == "running")


def _kinds(ask: Ask, rescore: str) -> list[tuple[str, str, int]]:
    rows = ask.session.execute(
        select(RescoredSample.verdict_before, RescoredSample.verdict_after, func.count())
        .where(RescoredSample.rescore_id == rescore)
        .group_by(RescoredSample.verdict_before, RescoredSample.verdict_after)
        .order_by(func.count().desc())
    )
    return [(before, after, int(number)) for before, after, number in rows]


def _effect(ask: Ask, row: Rescore) -> tuple[float | None, float | None]:
    """pass@1 without and with the changes: as it was when they were accepted, or as it would be."""
    if row.state == "accepted" and row.summary.get("pass_at_k"):
        first = row.summary["pass_at_k"][0]
        return first["before"], first["after"]
    evaluation = browsing.get_evaluation(ask.session, row.evaluation_id)
    counts = counts_of(ask.session, ask.state.memo, evaluation)
    if not counts.n.size:
        return None, None
    gains: Counter[int] = Counter()
    changes = ask.session.execute(
        select(
            RescoredSample.problem, RescoredSample.verdict_before, RescoredSample.verdict_after
        ).where(RescoredSample.rescore_id == row.id)
    )
    for problem, before, after in changes:
        gains[problem] += (after == "correct") - (before == "correct")
    gained = np.array([gains[int(problem)] for problem in counts.problems])
    stored = float(np.mean(counts.c / counts.n))
    change = float(np.mean(gained / counts.n))
    return stored, stored + change


def _changes(ask: Ask, row: Rescore, revision: int, pages: Pages) -> list[Change]:
    names = traits_of(ask.session, ask.state.memo, revision).ids
    rows = ask.session.scalars(
        select(RescoredSample)
        .where(RescoredSample.rescore_id == row.id)
        .order_by(RescoredSample.problem, RescoredSample.sample)
        .offset(pages.offset)
        .limit(pages.size)
    )
    return [
        Change(
            problem=one.problem,
            problem_id=names.get(one.problem, str(one.problem)),
            sample=one.sample,
            verdict_before=one.verdict_before,
            verdict_after=one.verdict_after,
            rule_before=one.rule_before,
            rule_after=one.rule_after,
            extracted_after=one.extracted_after,
        )
        for one in rows
    ]
