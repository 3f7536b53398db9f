"""Judgements that break every rule, to prove the backstops of the pool."""

import os
import time


def hang(*_: object) -> tuple[str, str, str | None, float]:
    """Sleeps for ever, using no processor time."""
    time.sleep(3_600)
    return "correct", "", None, 0.0


def swallow(*_: object) -> tuple[str, str, str | None, float]:
    """Computes for ever and swallows whatever is raised."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def die(*_: object) -> tuple[str, str, str | None, float]:
    """Ends the process at once."""
    os._exit(3)


def eat(*_: object) -> tuple[str, str, str | None, float]:
    """Asks for more memory than is allowed."""
    hoard = []
    while True:
        hoard.append(bytearray(500_000_000))


def agree(*_: object) -> tuple[str, str, str | None, float]:
    """Accepts everything at once."""
    return "correct", "", None, 0.0


def take_a_second(*_: object) -> tuple[str, str, str | None, float]:
    """Long enough to be cancelled in between."""
    time.sleep(1)
    return "correct", "", None, 1000.0
