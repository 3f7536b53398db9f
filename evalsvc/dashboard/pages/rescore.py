"""`/rescores/{id}`: which verdicts another verifier changed, and what that does to the figure."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask, Pages
from evalsvc.services.evaluations.views import EvaluationSummary, summarise, traits_of
from evalsvc.services.rescoring.rescoring import (
    ChangedVerdict,
    RescoreView,
    pass_at_1,
    view,
    view_change,
)
from evalsvc.store.repositories import evaluations, rescores
from evalsvc.store.states import RescoreState

PAGE_SIZE = 50
COLUMNS = (
    "problem",
    "problem_id",
    "sample",
    "verdict_before",
    "verdict_after",
    "rule_before",
    "rule_after",
    "extracted_after",
)


@dataclass(frozen=True)
class Model:
    """A rescore. `before` and `after`: pass@1, in fractions; None until it is done."""

    rescore: RescoreView
    evaluation: EvaluationSummary
    before: float | None
    after: float | None
    kinds: list[tuple[str, str, int]]  # (verdict before, after, how many)
    changes: list[ChangedVerdict]
    pages: Pages


def build(ask: Ask) -> View:
    """Raises NotFound."""
    row = rescores.get(ask.session, ask.part("rescore"))
    evaluation = evaluations.get(ask.session, row.evaluation_id)
    kinds = rescores.count_changes(ask.session, row.id)
    before, after = pass_at_1(row)
    pages = ask.pages(sum(number for *_, number in kinds), PAGE_SIZE)
    names = traits_of(ask.session, ask.state.memo, evaluation.revision_id).ids
    shown = rescores.changes_slice(ask.session, row.id, pages.offset, pages.size)
    model = Model(
        rescore=view(row),
        evaluation=summarise(evaluation),
        before=before,
        after=after,
        kinds=kinds,
        changes=[view_change(one, names) for one in shown],
        pages=pages,
    )
    rows = [[getattr(change, name) for name in COLUMNS] for change in model.changes]
    title = f"Rescore {row.verifier_before} → {row.verifier_after}"
    live = row.state == RescoreState.RUNNING
    return View("rescore.html", title, model, Table(COLUMNS, rows), live=live)
