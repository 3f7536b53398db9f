"""Access to the pages: the API's own rules, with the key in a cookie that scripts cannot read."""

from collections.abc import Callable

from anyio.from_thread import run
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from evalsvc.api.auth import KEY_COOKIE, Principal, Scope, authenticate
from evalsvc.api.state import get_state
from evalsvc.dashboard.rendering.environment import render
from evalsvc.dashboard.web import security
from evalsvc.errors import AuthenticationError, PermissionDenied

COOKIE_SECONDS = 30 * 86_400


def reader(request: Request) -> Principal:
    """Return the caller if it may read. Raises AuthenticationError, PermissionDenied."""
    return _with_scope(request, Scope.READ)


def submitter(request: Request) -> Principal:
    """Return the caller if it may change results. Raises AuthenticationError, PermissionDenied."""
    return _with_scope(request, Scope.SUBMIT)


def _with_scope(request: Request, scope: Scope) -> Principal:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    shown = None
    if scheme.lower() == "bearer" and key:
        shown = HTTPAuthorizationCredentials(scheme=scheme, credentials=key)
    principal = authenticate(request, get_state(request), shown)
    if scope not in principal.scopes:
        raise PermissionDenied(
            f"The key {principal.name!r} does not have the scope {scope.value!r}.",
            "Sign in with a key that has it, or ask an administrator for one.",
        )
    return principal


def sign_in_page(request: Request) -> Response:
    """Show the form for a key."""
    return _form(request, request.query_params.get("next", "/"), None)


def sign_in(request: Request) -> Response:
    """Store a valid key in the cookie; for an invalid one show the form with the reason."""
    form = run(security.read_form, request)
    key, target = form.get("key", "").strip(), security.local_address(form.get("next", "/"))
    try:
        shown = HTTPAuthorizationCredentials(scheme="Bearer", credentials=key)
        authenticate(request, get_state(request), shown)
    except AuthenticationError as error:
        return _form(request, target, error)
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(
        KEY_COOKIE,
        key,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def sign_out(request: Request) -> Response:
    """Delete the cookie with the key."""
    security.check_origin(request)
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(KEY_COOKIE, httponly=True, samesite="strict")
    return response


def _form(request: Request, target: str, problem: AuthenticationError | None) -> Response:
    body = render(
        "sign_in.html",
        title="Sign in",
        next=security.local_address(target),
        problem=problem,
        live=False,
        figures=False,
        here=request.url.path,
        who=None,
        formats=None,
    )
    return HTMLResponse(body, status_code=401 if problem else 200)


ROUTES: tuple[tuple[str, Callable[[Request], Response], str], ...] = (
    ("/sign-in", sign_in_page, "GET"),
    ("/sign-in", sign_in, "POST"),
    ("/sign-out", sign_out, "POST"),
)
