"""Static files under addresses with their hash: cached forever, never stale, never inline.

Plotly is read from its Python package; nothing of it is copied into this project. Compressed forms
are made on the first request and cached (about 1.5 MB).
"""

import gzip
import hashlib
import importlib.util
import mimetypes
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from evalsvc.errors import MissingExtra, NotFound

STATIC = Path(__file__).parents[1] / "static"
PLOTLY = "plotly.min.js"
CACHE_FOR_EVER = "public, max-age=31536000, immutable"
_STYLE_ID = re.compile(r'getElementById\("([0-9a-f]{40,64})"\)')
COMPRESS_ABOVE_BYTES = 1024


@cache
def path_of(name: str) -> Path:
    """The path of the file. Raises NotFound for an unknown name."""
    if name == PLOTLY:
        return _plotly()
    known = {path.name: path for path in STATIC.iterdir() if path.is_file()}
    if name not in known:
        raise NotFound(f"There is no file {name!r}.", "Reload the page that asked for it.")
    return known[name]


def _plotly() -> Path:
    spec = importlib.util.find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("The dashboard's plots", "server")
    return Path(spec.submodule_search_locations[0]) / "package_data" / PLOTLY


@cache
def plotly_style_ids() -> tuple[str, ...]:
    """Ids of the style elements that Plotly's bundle would add to the page for its maps.

    It adds none if an element with that id exists. The page has such elements, because the policy
    would refuse the style (docs/decisions/0801).
    """
    return tuple(dict.fromkeys(_STYLE_ID.findall(path_of(PLOTLY).read_bytes().decode("utf-8"))))


@cache
def digest(name: str) -> str:
    """Twelve hexadecimal digits that change with the content."""
    return hashlib.sha256(path_of(name).read_bytes()).hexdigest()[:12]


def url(name: str) -> str:
    """The address of the file for a page."""
    return f"/static/{digest(name)}/{name}"


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(path_of(name).read_bytes(), compresslevel=6, mtime=0)


def respond(request: Request, name: str) -> Response:
    """Send the newest content for any hash, compressed if the browser accepts that."""
    path = path_of(name)
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Cache-Control": CACHE_FOR_EVER, "X-Content-Type-Options": "nosniff"}
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    if takes_gzip and path.stat().st_size > COMPRESS_ABOVE_BYTES:
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(_compressed(name), media_type=media_type, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers)
