"""Rescores: judge the transcripts again, see what changes, accept it."""

import csv
import io
import threading
from typing import Annotated

from fastapi import APIRouter, Path, Response

from evalsvc.api import pagination
from evalsvc.api.auth import Reader, Submitter
from evalsvc.api.evaluations import EvaluationId
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.evaluations.views import traits_of
from evalsvc.services.rescoring import rescoring
from evalsvc.services.rescoring.rescoring import ChangedVerdict, RescoreView
from evalsvc.store.repositories import evaluations, rescores

router = APIRouter(prefix="/v1", tags=["rescores"])
RescoreId = Annotated[str, Path(max_length=100)]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@router.post(
    "/evaluations/{evaluation_id}/rescore", status_code=202, responses=documented(404, 409)
)
def rescore(evaluation_id: EvaluationId, state: StateDep, who: Submitter) -> RescoreView:
    """Judge every sample again with this server's verifier, in the background.

    Nothing is generated, and nothing changes until the rescore is accepted.
    """
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        dataset = rescoring.dataset_of(evaluation, state.datasets)
    with state.database.write() as session:
        row = rescoring.begin(session, evaluations.get(session, evaluation_id), state.rescored)
        shown = rescoring.view(row)
    arguments = (state.database, state.artifacts, dataset, shown.id, state.settings, state.rescored)
    # A daemon thread does not delay the server's exit; the next server marks an unfinished rescore.
    threading.Thread(target=rescoring.run, args=arguments, name="rescore", daemon=True).start()
    return shown


@router.get("/evaluations/{evaluation_id}/rescores", responses=documented(404))
def list_rescores(
    evaluation_id: EvaluationId,
    state: StateDep,
    who: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Paginated[RescoreView]:
    """The rescores of an evaluation, newest first."""
    with state.database.read() as session:
        evaluations.get(session, evaluation_id)
        after = pagination.decode(cursor)
        rows = rescores.of_evaluation(session, evaluation_id, after, limit)
        return pagination.page(rows, [rescoring.view(row) for row in rows.rows])


@router.get("/rescores/{rescore_id}", responses=documented(404))
def get_rescore(rescore_id: RescoreId, state: StateDep, who: Reader) -> RescoreView:
    """How far a rescore is, how many verdicts flipped, and what that does to the score."""
    with state.database.read() as session:
        return rescoring.view(rescores.get(session, rescore_id))


@router.get("/rescores/{rescore_id}/changes", responses=documented(404))
def list_changes(
    rescore_id: RescoreId,
    state: StateDep,
    who: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Paginated[ChangedVerdict]:
    """The samples on which the two verifiers disagree, for review."""
    with state.database.read() as session:
        row = rescores.get(session, rescore_id)
        evaluation = evaluations.get(session, row.evaluation_id)
        ids = traits_of(session, state.memo, evaluation.revision_id).ids
        rows = rescores.changes_page(session, rescore_id, pagination.decode(cursor), limit)
        return pagination.page(rows, [rescoring.view_change(item, ids) for item in rows.rows])


@router.get(
    "/rescores/{rescore_id}/changes.csv",
    response_class=Response,
    responses={**documented(404), 200: {"content": {"text/csv": {}}, "description": "CSV"}},
)
def export_changes(rescore_id: RescoreId, state: StateDep, who: Reader) -> Response:
    """All disagreements as CSV; texts that a spreadsheet would run get an apostrophe."""
    with state.database.read() as session:
        row = rescores.get(session, rescore_id)
        evaluation = evaluations.get(session, row.evaluation_id)
        ids = traits_of(session, state.memo, evaluation.revision_id).ids
        changes = [
            rescoring.view_change(item, ids)
            for item in rescores.changed_samples(session, rescore_id)
        ]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(ChangedVerdict.__dataclass_fields__)
    writer.writerows([_cell(value) for value in vars(change).values()] for change in changes)
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


@router.post("/rescores/{rescore_id}/accept", responses=documented(404, 409))
def accept_rescore(rescore_id: RescoreId, state: StateDep, who: Submitter) -> RescoreView:
    """Make its verdicts the evaluation's. Verdicts set by hand stay. Twice is no error."""
    with state.database.write() as session:
        return rescoring.view(rescores.accept(session, rescore_id, by=who.name))


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
