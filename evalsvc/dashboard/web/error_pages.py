"""Error pages for users: what happened and what to do. Programs get problem documents."""

import json
from collections.abc import Callable
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from evalsvc.api import problem_details
from evalsvc.dashboard.rendering.environment import render
from evalsvc.dashboard.rendering.page import Format
from evalsvc.dashboard.web import security
from evalsvc.errors import AuthenticationError, EvalsvcError

API = "/v1/"


def install(app: FastAPI) -> None:
    """Show uncaught errors (unknown address, unreachable database) as pages too."""
    for kind, handler in problem_details.handlers().items():
        app.add_exception_handler(kind, _for_people(handler))


def failed(request: Request, error: EvalsvcError, form: Format = "html") -> Response:
    """An error in the requested form; without a key a page redirects to the sign-in."""
    answer = problem_details.from_error(error, request.url.path)
    if form != "html":
        return answer
    if isinstance(error, AuthenticationError):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", status_code=303)
    return _page(request, answer)


def _for_people(handler: problem_details.Handler) -> Callable[[Request, Exception], Response]:
    def handle(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        return security.protect(_page(request, answer)) if _is_person(request) else answer

    return handle


def _is_person(request: Request) -> bool:
    """Whether the response is shown in a browser."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and not request.url.path.startswith(API)


def _page(request: Request, answer: problem_details.ProblemDetailsResponse) -> HTMLResponse:
    problem = json.loads(bytes(answer.body))
    body = render(
        "error.html",
        title=problem["title"],
        problem=problem,
        live=False,
        figures=False,
        here=request.url.path,
        who=None,
        formats=None,
    )
    headers = {name: value for name, value in answer.headers.items() if name == "allow"}
    return HTMLResponse(body, status_code=answer.status_code, headers=headers)
