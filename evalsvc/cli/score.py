"""`evalsvc score`: verdicts for a file of responses, without a server, in bounded memory.

Reads and writes JSON lines in the same order. An output file appears complete or not at all.
"""

import contextlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from evalsvc.cli.failures import FAILED, USAGE, say
from evalsvc.cli.score_lines import Read, read_cases
from evalsvc.errors import EvalsvcError, MissingExtra, UsageError

if TYPE_CHECKING:
    from evalsvc.verification import Verdict, VerificationPool

_SECONDS_BETWEEN_REPORTS = 2.0


def score(
    input: Annotated[
        Path,
        typer.Option(
            "--input",
            help="JSON lines: id, benchmark, gold, response, and optionally choices, kind, "
            "problem_id. '-' reads the standard input.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            help="Where the verdicts go: JSON lines in the same order. '-' is the standard output.",
        ),
    ],
    processes: Annotated[
        int, typer.Option(min=0, max=256, help="Child processes for hard cases; 0: one a core.")
    ] = 0,
    wall_limit: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds after which a child is killed.")
    ] = 5.0,
) -> None:
    """Score responses against golds: a verdict, the answer found and the rule, line by line."""
    try:
        _score(input, output, processes or None, wall_limit)
    except EvalsvcError as error:
        say(error.message, error.remedy)
        raise typer.Exit(USAGE if isinstance(error, UsageError) else FAILED) from None


def _score(source: Path, target: Path, processes: int | None, wall_limit: float) -> None:
    try:
        from evalsvc.verification import VerdictCache, VerificationPool  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Scoring", "server") from error
    cache = VerdictCache(_cache_path())
    try:
        with (
            _opened(source) as lines,
            _created(target) as written,
            VerificationPool(processes, wall_limit, cache=cache) as pool,
        ):
            _write(pool, lines, written)
    except OSError as error:
        raise UsageError(
            f"{error.filename or target}: {error.strerror or error}.",
            "Check the path and the space left.",
        ) from error
    if cache.problem:
        typer.echo(f"Warning: {cache.problem}", err=True)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[IO[bytes]]:
    if str(source) == "-":
        yield sys.stdin.buffer
    else:
        with source.open("rb") as lines:
            yield lines


@contextlib.contextmanager
def _created(target: Path) -> Iterator[IO[str]]:
    """Where to write: a file is put in place at the end, anything else is written at once."""
    if str(target) == "-":
        yield sys.stdout
    elif target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8") as written:
            yield written
    elif not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", "Make it first.")
    else:
        place = target.resolve()  # of a link, what it points to
        temporary = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            with temporary.open("w", encoding="utf-8") as written:
                yield written
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)


def _cache_path() -> Path | None:
    """The verdict cache of the data folder, where there is such a folder."""
    from evalsvc.settings import load_settings  # noqa: PLC0415

    data = load_settings().data
    return data / "verdicts.sqlite" if data.is_dir() else None


def _write(pool: "VerificationPool", lines: IO[bytes], written: IO[str]) -> None:
    waiting: deque[Read] = deque()
    started = reported = time.monotonic()
    tally: dict[str, int] = {}
    count = by_convention = 0
    for verdict in pool.stream(read_cases(lines, waiting)):
        read = waiting.popleft()
        verdict = _accept_source(verdict, read)  # noqa: PLW2901
        written.write(json.dumps(_record(read, verdict)) + "\n")
        tally[verdict.verdict.value] = tally.get(verdict.verdict.value, 0) + 1
        by_convention += verdict.confidence == "convention"
        count += 1
        if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
            reported = time.monotonic()
            _report(count, reported - started, tally, by_convention)
    _report(count, time.monotonic() - started, tally, by_convention)


def _record(read: Read, verdict: "Verdict") -> dict[str, Any]:
    return {
        "id": read.id,
        "verdict": verdict.verdict.value,
        "correct": verdict.correct,
        "extracted": verdict.extracted,
        "rule": verdict.rule,
        "confidence": verdict.confidence,
        "verifier": verdict.verifier,
        "ms": verdict.ms,
    }


def _report(count: int, seconds: float, tally: Mapping[str, int], by_convention: int) -> None:
    counts = ", ".join(f"{name} {number}" for name, number in sorted(tally.items()))
    typer.echo(
        f"{count} responses, {count / max(seconds, 1e-9):.0f} a second: {counts or 'none'}"
        f"; {by_convention} by convention",
        err=True,
    )


def _accept_source(verdict: "Verdict", read: Read) -> "Verdict":
    """An answer equal to the source's own gold is correct, even where an override corrects it."""
    from evalsvc.verification import VerdictKind  # noqa: PLC0415

    answer = verdict.extracted
    if verdict.verdict is not VerdictKind.WRONG or answer is None:
        return verdict
    if answer.strip() == read.given_gold.strip():
        return replace(
            verdict,
            verdict=VerdictKind.CORRECT,
            correct=True,
            rule="same text as the source's gold",
        )
    return verdict
