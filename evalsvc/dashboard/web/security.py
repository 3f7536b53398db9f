"""Security headers of every page, and the origin check of forms.

The policy allows only files of this server: no inline script, no inline style, no other host, no
frame. A form is accepted only from a page of this server (as the browser reports it), and the
cookie is never sent from other sites.
"""

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from evalsvc.dashboard.limits import MAX_FORM_BYTES
from evalsvc.errors import PermissionDenied, TooLarge

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


def protect(response: Response) -> Response:
    """The response with the security headers."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page of this server sent.

    Raises PermissionDenied for a form from elsewhere, TooLarge above MAX_FORM_BYTES.
    """
    check_origin(request)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge("The form is too large.", f"Keep it below {MAX_FORM_BYTES // 1024} kB.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def check_origin(request: Request) -> None:
    """Refuse a form that another site's page sent in the user's name."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise _elsewhere()
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise _elsewhere()
    if site is None and origin is None:
        raise _elsewhere()


def _elsewhere() -> PermissionDenied:
    return PermissionDenied(
        "This form did not come from a page of this server.",
        "Open the page here and send it again; programs use the HTTP API with a key.",
    )


def local_address(address: str) -> str:
    """The target after signing in: `address` if it is on this server, else the front page."""
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and address.startswith("/")
    return address if inside and not address.startswith(("//", "/\\")) else "/"
