"""The catalogue's own errors: a message in the user's words and what to do about it."""

from evalsvc.errors import UsageError


class CatalogueError(UsageError):
    """A benchmark that is unknown or badly described, or data that are missing or differ."""

    status, kind, title = 422, "unusable", "The request cannot be carried out"


class UnknownName(CatalogueError):
    """A benchmark, part or prompt that does not exist: a mistake in what was asked."""


class ImageError(CatalogueError):
    """A picture that cannot be used. It fails its own problem (`row`) and no other."""

    def __init__(self, row: str, message: str, remedy: str = "") -> None:
        super().__init__(f"Problem {row}: {message}", remedy)
        self.row = row
        self.reason = message
