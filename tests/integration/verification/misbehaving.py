"""Judgements that break every rule, to prove the backstops of the pool."""

import os
import tempfile
import time
import zlib
from pathlib import Path

from evalsvc.verification.sandbox import child


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


def die_once(
    gold: str, kind: str | None, choices: tuple[str, ...], answer: str, cpu_seconds: float
) -> tuple[str, str, str | None, float]:
    """Ends the first process that judges an answer, and accepts it in the second."""
    mark = Path(tempfile.gettempdir()) / f"evalsvc-died-{os.getppid()}-{abs(hash_of(answer))}"
    if mark.exists():
        mark.unlink()
        return "correct", "", None, 0.0
    mark.touch()
    os._exit(3)


def hash_of(answer: str) -> int:
    """The same in every process."""
    return zlib.crc32(answer.encode())


def compute_under_the_limit(*arguments: object) -> tuple[str, str, str | None, float]:
    """Computes for ever, with the limit that a judgement sets for itself."""
    child._limit_processor_time(1.0)
    return swallow(*arguments)
