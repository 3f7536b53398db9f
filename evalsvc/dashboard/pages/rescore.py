"""`/rescores/{id}`: the verdicts that another verifier changed, and the effect on the figure."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest, Pages
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
class RescoreModel:
    """A rescore. `before` and `after`: pass@1, in fractions; None until it is done."""

    rescore: RescoreView
    evaluation: EvaluationSummary
    before: float | None
    after: float | None
    kinds: list[tuple[str, str, int]]  # (verdict before, after, how many)
    changes: list[ChangedVerdict]
    pages: Pages


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound."""
    row = rescores.get(request.session, request.part("rescore"))
    evaluation = evaluations.get(request.session, row.evaluation_id)
    kinds = rescores.count_changes(request.session, row.id)
    before, after = pass_at_1(row)
    pages = request.pages(sum(number for *_, number in kinds), PAGE_SIZE)
    names = traits_of(request.session, request.state.memo, evaluation.revision_id).ids
    shown = rescores.changes_slice(request.session, row.id, pages.offset, pages.size)
    model = RescoreModel(
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
    return Page("rescore.html", title, model, PageTable(COLUMNS, rows), live=live)
