"""Errors as sentences with a remedy and an exit code, instead of tracebacks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from evalsvc.errors import EvalsvcError, MissingExtra, ServerError, UsageError

FAILED, USAGE = 1, 2


def explain(error: Exception) -> int | None:
    """Print an error as a sentence and return the exit code; None for errors of the program."""
    if isinstance(error, EvalsvcError):
        say(error.message, error.remedy)
        wrong = isinstance(error, UsageError)
        if isinstance(error, ServerError):
            wrong = error.answered_status in (400, 422)
        return USAGE if wrong else FAILED
    return None


def say(message: str, remedy: str = "") -> None:
    """An error on standard error: the message, then the remedy on a line of its own."""
    print(f"Error: {message}", file=sys.stderr)
    if remedy:
        print(remedy, file=sys.stderr)


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Around imports: a module that is not installed becomes a MissingExtra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "evalsvc":
            raise
        raise MissingExtra(what, extra) from error
