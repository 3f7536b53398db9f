"""Every failure as a problem document (RFC 9457): what happened, and what the user can do.

`type` is a URN of the error's kind, `remedy` is an extension member. No traceback and no SQL ever
leaves the server: an unexpected error is logged under an id, and the answer names that id.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from evalsvc.api.limits import MAX_ERRORS_SHOWN
from evalsvc.errors import EvalsvcError, StorageError
from evalsvc.store.database import DataError, DBAPIError

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


class InvalidField(BaseModel):
    """One field of the request that cannot be used."""

    location: str = Field(description="where it is, e.g. `body.benchmarks.0`")
    message: str


class ProblemDetails(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:evalsvc:problem:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no job 'j-17'.",
                    "remedy": "`evalsvc jobs` lists the jobs.",
                    "instance": "/v1/jobs/j-17",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    remedy: str = Field(description="what the user can do about it")
    instance: str
    errors: list[InvalidField] | None = None


class ProblemDetailsResponse(JSONResponse):
    """A JSON answer with the media type of problem documents."""

    media_type = MEDIA_TYPE


Handler: TypeAlias = Callable[[Request, Exception], ProblemDetailsResponse]


def problem_response(
    instance: str,
    status: int,
    kind: str,
    title: str,
    *,
    detail: str,
    remedy: str,
    headers: dict[str, str] | None = None,
    errors: Sequence[InvalidField] | None = None,
) -> ProblemDetailsResponse:
    """A problem document as an answer."""
    content: dict[str, Any] = {
        "type": f"urn:evalsvc:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "remedy": remedy,
        "instance": instance,
    }
    if errors is not None:
        content["errors"] = [error.model_dump() for error in errors]
    return ProblemDetailsResponse(printable(content), status_code=status, headers=headers)


def from_error(error: EvalsvcError, instance: str) -> ProblemDetailsResponse:
    """One of our own errors as a problem document."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}}.get(error.status)
    return problem_response(
        instance,
        error.status,
        error.kind,
        error.title,
        detail=error.message,
        remedy=error.remedy,
        headers=headers,
    )


def printable(value: Any) -> Any:
    """`value` with lone surrogates replaced: users send them, and UTF-8 cannot encode them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {printable(k): printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [printable(v) for v in value]
    return value


def install(app: FastAPI) -> None:
    """Register the handlers that turn every exception into a problem document."""
    for kind, handler in handlers().items():
        app.add_exception_handler(kind, handler)


def handlers() -> dict[type[Exception], Handler]:
    """The handler of each kind of exception; the dashboard turns the same answers into pages."""
    return {
        EvalsvcError: _ours,
        RequestValidationError: _invalid,
        HTTPException: _http,
        DBAPIError: _database,
        DataError: _unstorable,
        OverflowError: _unstorable,
        UnicodeEncodeError: _unstorable,
        Exception: _unforeseen,
    }


def _ours(request: Request, error: Exception) -> ProblemDetailsResponse:
    assert isinstance(error, EvalsvcError)
    if error.status >= 500:
        logger.warning("%s %s: %s", request.method, request.url.path, error)
    return from_error(error, request.url.path)


def _invalid(request: Request, error: Exception) -> ProblemDetailsResponse:
    assert isinstance(error, RequestValidationError)
    found = [
        InvalidField(
            location=".".join(str(step) for step in item["loc"]),
            message=str(item["msg"]).removeprefix("Value error, "),
        )
        for item in error.errors()[:MAX_ERRORS_SHOWN]
    ]
    first = found[0]
    return problem_response(
        request.url.path,
        422,
        "invalid-request",
        "The request cannot be understood",
        detail=f"{first.location}: {first.message}",
        remedy="Correct the fields under `errors`; /docs describes the request.",
        errors=found,
    )


def _http(request: Request, error: Exception) -> ProblemDetailsResponse:
    assert isinstance(error, HTTPException)
    descriptions = {
        404: (
            "not-found",
            "Not found",
            "There is nothing here.",
            "/ leads to all pages, /docs lists the addresses of the API.",
        ),
        405: (
            "method-not-allowed",
            "Method not allowed",
            f"{request.method} is not possible here.",
            "Use one of the methods in the header Allow.",
        ),
    }
    kind, title, detail, remedy = descriptions.get(
        error.status_code,
        ("http", "The request was refused", str(error.detail), "Correct the request; see /docs."),
    )
    headers = dict(error.headers) if error.headers else None
    return problem_response(
        request.url.path,
        error.status_code,
        kind,
        title,
        detail=detail,
        remedy=remedy,
        headers=headers,
    )


def _database(request: Request, error: Exception) -> ProblemDetailsResponse:
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return from_error(
        StorageError(
            "The database cannot be used at the moment.",
            "Try again; `evalsvc db check` and the server's log say more.",
        ),
        request.url.path,
    )


def _unstorable(request: Request, error: Exception) -> ProblemDetailsResponse:
    """A value that is valid JSON but that no database can store: NUL, a lone surrogate, 2^80."""
    return problem_response(
        request.url.path,
        422,
        "unstorable",
        "The request cannot be carried out",
        detail="A text or number of the request cannot be stored (NUL, half a character, 2^80).",
        remedy="Remove it; texts are Unicode without NUL, numbers fit 32 bits.",
    )


def _unforeseen(request: Request, error: Exception) -> ProblemDetailsResponse:
    incident = uuid.uuid4().hex[:12]
    logger.error("incident %s in %s %s", incident, request.method, request.url.path, exc_info=error)
    return problem_response(
        request.url.path,
        500,
        "internal",
        "The server failed",
        detail=f"Something failed that should not (incident {incident}).",
        remedy="The server's log says more under that id; please report it.",
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these statuses, for the OpenAPI document."""
    descriptions = {
        400: "The request cannot mean anything",
        401: "A key is needed",
        403: "The key's scopes do not allow it",
        404: "Not found",
        409: "In conflict with what is there",
        413: "The body is too large",
        422: "The request cannot be carried out",
        429: "Too many requests",
        503: "The store cannot be used",
    }
    everywhere = (400, 401, 403, 413, 422, 429, 503)
    return {
        status: {
            "description": descriptions[status],
            "model": ProblemDetails,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in sorted({*everywhere, *statuses})
    }
