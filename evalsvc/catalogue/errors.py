"""The catalogue's own errors: each message says what is wrong and what to do about it."""

from evalsvc.errors import UsageError


class CatalogueError(UsageError):
    """A benchmark that is unknown or badly described, or data that are missing or differ."""

    status, kind, title = 422, "unusable", "The request cannot be carried out"


class UnknownName(CatalogueError):
    """A benchmark, part or prompt that does not exist: a mistake in the request."""


class ImageError(CatalogueError):
    """A picture that cannot be used. It affects only its own problem (`row`)."""

    def __init__(self, row: str, message: str, remedy: str = "") -> None:
        super().__init__(f"Problem {row}: {message}", remedy)
        self.row = row
        self.reason = message
