"""Mount the dashboard on the API's application.

That is pages in three forms, static files, `/live`, signing in and out, pictures and raw responses.
Each page is one function from a `PageRequest` to a `Page`; this module makes the HTTP responses.
"""

from collections.abc import Callable, Collection
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from evalsvc.api import problem_details
from evalsvc.api.parameters import refuse_others
from evalsvc.api.state import get_state
from evalsvc.dashboard.pages import PAGES, REPEATED, leaderboard
from evalsvc.dashboard.rendering.environment import render
from evalsvc.dashboard.rendering.page import Format, Page, as_csv, as_json
from evalsvc.dashboard.web import access, assets, error_pages, files, live, security
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.errors import EvalsvcError
from evalsvc.store.repositories import changes

Build = Callable[[PageRequest], Page]
Handler = Callable[[Request], Response]


def mount(app: FastAPI) -> None:
    """Add every route of the dashboard. None is part of the OpenAPI document."""
    error_pages.install(app)
    for path, build, names in PAGES:
        base = "/index" if path == "/" else path
        app.add_route(f"{base}.json", _page(build, "json", names), include_in_schema=False)
        app.add_route(f"{base}.csv", _page(build, "csv", names), include_in_schema=False)
        app.add_route(path, _page(build, "html", names), include_in_schema=False)
    names = next(known for path, _, known in PAGES if path == "/leaderboard")
    app.add_route(
        "/leaderboard.tex", _page(leaderboard.build, "tex", names), include_in_schema=False
    )
    app.add_route("/static/{digest}/{name}", _static, include_in_schema=False)
    app.add_route("/live", _live(app), include_in_schema=False)
    for path, handler, method in (*access.ROUTES, *files.ROUTES):
        app.add_route(path, _guarded(handler), methods=[method], include_in_schema=False)


def _page(build: Build, form: Format, names: Collection[str]) -> Handler:
    """The handler of one page in one form. It runs in a thread: pages read the database."""

    def handle(request: Request) -> Response:
        request.scope["evalsvc_format"] = form
        try:
            principal = access.reader(request)
            refuse_others(request.query_params.multi_items(), names, REPEATED)
            state = get_state(request)
            with state.database.read() as session:
                page_request = PageRequest(request, session, state)
                response = _answer(page_request, build(page_request), form, principal.name)
        except EvalsvcError as error:
            response = error_pages.failed(request, error, form)
        return security.protect(response)

    return handle


def _answer(page_request: PageRequest, page: Page, form: Format, who: str) -> Response:
    if form == "json":
        return Response(as_json(page.model), media_type="application/json")
    if form == "tex":
        return Response(page.latex or "", media_type="text/plain; charset=utf-8")
    if form == "csv":
        path = page_request.http.url.path.strip("/").removesuffix(".csv")
        name = path.replace("/", "-") or "overview"
        disposition = f"inline; filename*=UTF-8''{quote(name)}.csv"
        headers = {"Content-Disposition": disposition}
        return Response(as_csv(page.table), media_type="text/csv; charset=utf-8", headers=headers)
    body = render(
        page.template,
        title=page.title,
        model=page.model,
        live=page.live,
        figures=page.figures,
        request=page_request,
        here=page_request.path,
        who=None if who == "local" else who,
        formats=(
            ("JSON", page_request.as_format("json")),
            ("CSV", page_request.as_format("csv")),
            *page.more_formats,
        ),
        **page.extras,
    )
    return HTMLResponse(body)


def _guarded(handler: Callable[[Request], Response]) -> Handler:
    def handle(request: Request) -> Response:
        try:
            return security.protect(handler(request))
        except EvalsvcError as error:
            return security.protect(error_pages.failed(request, error))

    return handle


def _static(request: Request) -> Response:
    """Send a static file. No key is needed: the files are only code."""
    try:
        return assets.respond(request, request.path_params["name"])
    except EvalsvcError as error:
        return problem_details.from_error(error, request.url.path)


def _live(app: FastAPI) -> Handler:
    def look() -> tuple[object, ...]:
        with app.state.evalsvc.database.read() as session:
            return changes.fingerprint(session)

    pulse = live.Pulse(look, lambda: bool(app.state.evalsvc.stopping.is_set()))

    def handle(request: Request) -> Response:
        try:
            access.reader(request)
        except EvalsvcError as error:
            return problem_details.from_error(error, request.url.path)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(pulse.stream(), media_type="text/event-stream", headers=headers)

    return handle
