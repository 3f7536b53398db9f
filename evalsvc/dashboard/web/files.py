"""Link targets other than pages: a response as plain text, a picture, a user's decisions."""

import io
from collections.abc import Callable
from urllib.parse import quote

from anyio.from_thread import run
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from evalsvc.api.state import get_state
from evalsvc.catalogue import ImageError
from evalsvc.catalogue.images import load_image
from evalsvc.dashboard.limits import MAX_REASON_CHARACTERS
from evalsvc.dashboard.rendering.environment import link, path
from evalsvc.dashboard.web import access, security
from evalsvc.dashboard.web.problem_source import find_image, row_of
from evalsvc.errors import Conflict, NotFound, UsageError
from evalsvc.services.evaluations import samples
from evalsvc.store.repositories import evaluations, overrides, rescores

MAX_SAMPLE_DIGITS = 7


def raw_response(request: Request) -> Response:
    """Send one complete response as text that no browser interprets."""
    access.reader(request)
    state = get_state(request)
    number = _sample_number(request)
    with state.database.read() as session:
        evaluation = evaluations.get(session, request.path_params["evaluation"])
        found = samples.read_samples(
            session,
            state.artifacts,
            evaluation,
            row_of(session, evaluation, request.path_params["row"])[0],
            start=number,
            limit=1,
        )
    if not found.samples or found.samples[0].sample != number:
        raise NotFound(
            f"There is no sample {number} of this problem.", "The problem's page lists them."
        )
    return PlainTextResponse(found.samples[0].response)


def picture(request: Request) -> Response:
    """Send a problem's picture, decoded and re-encoded as PNG, which removes everything else."""
    access.reader(request)
    state = get_state(request)
    position = request.path_params["position"]
    with state.database.read() as session:
        evaluation = evaluations.get(session, request.path_params["evaluation"])
        index, _ = row_of(session, evaluation, request.path_params["row"])
        reference = find_image(state, evaluation, index, position)
    if reference is None:
        raise NotFound("There is no such picture.", "The problem's page shows those there are.")
    out = io.BytesIO()
    try:
        load_image(reference).save(out, "PNG")
    except ImageError as error:
        raise NotFound(str(error), "Add the data again.") from error
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(out.getvalue(), media_type="image/png", headers=headers)


def override(request: Request) -> Response:
    """Store a user's verdict on one sample with the reason; then return to that sample."""
    form = run(security.read_form, request)
    principal = access.submitter(request)
    why = form.get("why", "").strip()[:MAX_REASON_CHARACTERS].replace("\0", "")
    if form.get("correct") not in ("yes", "no") or not why:
        raise UsageError(
            "A verdict by hand needs a choice and a reason.",
            "Go back, choose correct or not correct, and say why.",
        )
    state, number = get_state(request), _sample_number(request)
    with state.database.write() as session:
        evaluation = evaluations.get(session, request.path_params["evaluation"])
        index, _ = row_of(session, evaluation, request.path_params["row"])
        correct = form["correct"] == "yes"
        overrides.override(
            session, evaluation, index, number, correct=correct, who=principal.name, why=why
        )
        target = path("evaluations", evaluation.id, "rows", index)
    return RedirectResponse(f"{link(target, sample=number)}#sample-{number}", status_code=303)


def accept_rescore(request: Request) -> Response:
    """Apply the verdicts of a rescore to the evaluation; then return to the rescore."""
    run(security.read_form, request)
    principal = access.submitter(request)
    with get_state(request).database.write() as session:
        row = rescores.accept(session, request.path_params["rescore"], by=principal.name)
        target = path("rescores", row.id)
    return RedirectResponse(target, status_code=303)


def _sample_number(request: Request) -> int:
    text = str(request.path_params["sample"])
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_SAMPLE_DIGITS:
        raise NotFound(f"{text[:40]!r} is no number of a sample.", "Samples count from 0.")
    return int(text)


def lead_to_row(request: Request) -> Response:
    """Redirect to the row of the problem with this id or row. Raises Conflict for two."""
    access.reader(request)
    target = _row_address(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(target + query, status_code=307)


def refuse_write(request: Request) -> Response:
    """Raise Conflict with the row's own address, the only one where a verdict can be set."""
    access.submitter(request)
    raise Conflict(
        "A verdict is set at the address of the problem's row only.",
        f"Open {_row_address(request).partition('/samples/')[0]} and look which problem it is.",
    )


def _row_address(request: Request) -> str:
    """The requested address, with the row instead of the problem's name."""
    name, rest = request.path_params["problem"], request.path_params.get("rest", "")
    with get_state(request).database.read() as session:
        evaluation = evaluations.get(session, request.path_params["evaluation"])
        index, _ = samples.find_problem(session, evaluation, name)
    return path("evaluations", evaluation.id, "rows", index) + (f"/{quote(rest)}" if rest else "")


_ROW = "/evaluations/{evaluation}/rows/{row}"
_SAMPLE = _ROW + "/samples/{sample}"
_PROBLEM = "/evaluations/{evaluation}/problems/{problem}"
ROUTES: tuple[tuple[str, Callable[[Request], Response], str], ...] = (
    (_SAMPLE + "/response.txt", raw_response, "GET"),
    (_SAMPLE + "/override", override, "POST"),
    ("/rescores/{rescore}/accept", accept_rescore, "POST"),
    (_ROW + "/images/{position:int}", picture, "GET"),
    (_PROBLEM, lead_to_row, "GET"),
    (_PROBLEM + "/{rest:path}", lead_to_row, "GET"),
    (_PROBLEM + "/{rest:path}", refuse_write, "POST"),
)
