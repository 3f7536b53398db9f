"""Importing results that were made elsewhere."""

from fastapi import APIRouter

from evalsvc.api.auth import Submitter
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.importing import results
from evalsvc.services.importing.results import ImportRequest, ImportView

router = APIRouter(prefix="/v1/imports", tags=["imports"])


@router.post("", status_code=201, responses=documented(409))
def import_results(body: ImportRequest, state: StateDep, who: Submitter) -> ImportView:
    """Store counts, or responses that are judged here, as an evaluation marked `import:FORMAT`.

    Importing the same run, step, benchmark and format again replaces the former import.
    """
    prepared = results.prepare(body, state.settings, state.catalogue, state.datasets)
    with state.database.write() as session:
        return results.store(session, body, prepared, state.settings, who.name)
