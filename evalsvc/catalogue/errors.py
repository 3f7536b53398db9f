"""The catalogue's own errors: a message in the user's words and what to do about it."""


class CatalogueError(ValueError):
    """A benchmark that is unknown or badly described, or data that are missing or differ."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UnknownName(CatalogueError):
    """A benchmark, part or prompt that does not exist: a mistake in what was asked."""


class ImageError(CatalogueError):
    """A picture that cannot be used. It fails its own problem (`row`) and no other."""

    def __init__(self, row: str, message: str, remedy: str = "") -> None:
        super().__init__(f"Problem {row}: {message}", remedy)
        self.row = row
        self.reason = message
