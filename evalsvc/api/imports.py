"""Importing results that were made elsewhere."""

from fastapi import APIRouter

from evalsvc.api.auth import Principal, Scope, Submitter
from evalsvc.api.jobs import IdempotencyKey
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.importing import results
from evalsvc.services.importing.once import Importer, Request
from evalsvc.services.importing.results import ImportRequest, ImportView

router = APIRouter(prefix="/v1/imports", tags=["imports"])


@router.post("", status_code=201, responses=documented(409))
def import_results(
    body: ImportRequest,
    state: StateDep,
    who: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> ImportView:
    """Store counts, or responses that are judged here, as an evaluation marked `import:FORMAT`.

    Importing the same run, step, benchmark and format again replaces the former import, if it was
    made with the same key of this server or the key is an administrator's. A known
    Idempotency-Key answers with what it has made (`repeated`), and judges nothing again.
    """
    importer = _importer(who)
    request = Request(idempotency_key, body.digest())
    with state.importing.turn((importer.name, importer.key_id, idempotency_key or request.digest)):
        dataset = results.dataset_of(
            body.benchmark, state.settings, state.catalogue, state.datasets
        )
        with state.database.read() as session:
            done = results.repeated(session, body, importer, request, dataset)
        if done is not None:
            return done
        prepared = results.prepare(body, state.settings, state.catalogue, state.datasets)
        with state.database.write() as session:
            return results.store(session, body, prepared, state.settings, importer, request)


def _importer(who: Principal) -> Importer:
    return Importer(who.name, who.key_id, Scope.ADMIN in who.scopes)
