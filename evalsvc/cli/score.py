"""`evalsvc score`: verdicts for a file of responses, without a server, in bounded memory.

Reads and writes JSON lines in the same order. The output appears whole or not at all.
"""

import contextlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from evalsvc.cli.failures import FAILED, USAGE, say
from evalsvc.errors import EvalsvcError, MissingExtra, UsageError

if TYPE_CHECKING:
    from evalsvc.catalogue import Override
    from evalsvc.verification import Case, ExtractionPolicy, Verdict, VerificationPool

_SECONDS_BETWEEN_REPORTS = 2.0


class _Read(NamedTuple):
    """What of a line is needed again when its verdict is there."""

    id: Any
    benchmark: str
    given_gold: str


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
        Path, typer.Option("--output", help="Where the verdicts go: JSON lines in the same order.")
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
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with (
            _opened(source) as lines,
            aside.open("w", encoding="utf-8") as written,
            VerificationPool(processes, wall_limit, cache=VerdictCache(_cache_path())) as pool,
        ):
            _write(pool, lines, written)
        aside.replace(target)
    except OSError as error:
        raise UsageError(
            f"{error.filename or target}: {error.strerror or error}.",
            "Check the path and the space left.",
        ) from error
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[IO[bytes]]:
    if str(source) == "-":
        yield sys.stdin.buffer
    else:
        with source.open("rb") as lines:
            yield lines


def _cache_path() -> Path | None:
    """The verdict cache of the data folder, where there is such a folder."""
    from evalsvc.settings import load_settings  # noqa: PLC0415

    data = load_settings().data
    return data / "verdicts.sqlite" if data.is_dir() else None


def _write(pool: "VerificationPool", lines: IO[bytes], written: IO[str]) -> None:
    waiting: deque[_Read] = deque()
    started = reported = time.monotonic()
    tally: dict[str, int] = {}
    count = 0
    for verdict in pool.stream(_cases(lines, waiting)):
        read = waiting.popleft()
        verdict = _accept_source(verdict, read)  # noqa: PLW2901
        written.write(json.dumps(_record(read, verdict)) + "\n")
        tally[verdict.verdict.value] = tally.get(verdict.verdict.value, 0) + 1
        count += 1
        if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
            reported = time.monotonic()
            _report(count, reported - started, tally)
    _report(count, time.monotonic() - started, tally)


def _record(read: _Read, verdict: "Verdict") -> dict[str, Any]:
    return {
        "id": read.id,
        "verdict": verdict.verdict.value,
        "correct": verdict.correct,
        "extracted": verdict.extracted,
        "rule": verdict.rule,
        "verifier": verdict.verifier,
        "ms": verdict.ms,
    }


def _report(count: int, seconds: float, tally: Mapping[str, int]) -> None:
    counts = ", ".join(f"{name} {number}" for name, number in sorted(tally.items()))
    typer.echo(
        f"{count} responses, {count / max(seconds, 1e-9):.0f} a second: {counts or 'none'}",
        err=True,
    )


def _accept_source(verdict: "Verdict", read: _Read) -> "Verdict":
    """An answer that repeats the source's own gold is right, also where an override mends it."""
    from evalsvc.verification import Verdicts  # noqa: PLC0415

    answer = verdict.extracted
    if verdict.verdict is not Verdicts.WRONG or answer is None:
        return verdict
    if answer.strip() == read.given_gold.strip():
        return replace(
            verdict,
            verdict=Verdicts.CORRECT,
            correct=True,
            rule="same text as the source's gold",
        )
    return verdict


def _cases(lines: IO[bytes], waiting: deque[_Read]) -> Iterator["Case"]:
    """The cases of a file; raises UsageError with the line's number for a line that is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _parse(line, number)
        case, read = _case(record, number)
        waiting.append(read)
        yield case


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"Line {number} is no JSON: {error}.",
            "Each line is one JSON object; nothing was written.",
        ) from None
    if not isinstance(record, dict):
        raise UsageError(
            f"Line {number} is no JSON object.",
            "Each line is one JSON object; nothing was written.",
        )
    missing = [key for key in ("gold", "response") if key not in record]
    if missing:
        raise UsageError(
            f"Line {number} has no {' and no '.join(missing)}.",
            "See `evalsvc score --help`; nothing was written.",
        )
    return record


def _case(record: dict[str, Any], number: int) -> tuple["Case", _Read]:
    from evalsvc.verification import Case, VerificationError, type_gold  # noqa: PLC0415

    gold, name = record["gold"], record.get("benchmark") or ""
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        raise UsageError(
            f"Line {number}: the gold must be text or a number.", "Nothing was written."
        )
    if not isinstance(name, str):
        raise UsageError(f"Line {number}: the benchmark must be a name.", "Nothing was written.")
    gold = str(gold)
    kind = _known_kind(record.get("kind"))
    override = _override(name.casefold(), record.get("problem_id"), gold)
    used, choices = gold, record.get("choices") or None
    if override is not None:
        kind = kind or override.kind
        choices = choices or override.choices
        if override.gold is not None and _same_source(override, gold):
            used = override.gold
    try:
        type_gold(used, kind=kind, choices=choices)
    except (VerificationError, TypeError, KeyError) as error:
        raise UsageError(f"Line {number}: {error}", "Nothing was written.") from None
    case = Case(record["response"], used, kind, choices, _policy(name.casefold()))
    return case, _Read(record.get("id", number), name, gold)


@lru_cache(maxsize=256)
def _known_kind(kind: Any) -> str | None:
    """A kind that the verifier knows; for another one, a warning, and the gold's text decides."""
    from evalsvc.verification import VerificationError  # noqa: PLC0415
    from evalsvc.verification.kinds import read_kind  # noqa: PLC0415

    if not kind:
        return None
    try:
        return read_kind(str(kind)).value
    except VerificationError as error:
        typer.echo(f"Warning: {error} The kind is taken from the gold's text.", err=True)
        return None


@lru_cache(maxsize=256)
def _policy(benchmark: str) -> "ExtractionPolicy | None":
    """How a benchmark marks answers: the tag counts where one of its prompts asks for it."""
    from evalsvc.catalogue import Catalogue, CatalogueError  # noqa: PLC0415
    from evalsvc.settings import load_settings  # noqa: PLC0415
    from evalsvc.verification import ExtractionPolicy  # noqa: PLC0415

    try:
        prompts = Catalogue(load_settings().benchmark_folders).get(benchmark).prompts.values()
    except CatalogueError:
        return None
    return ExtractionPolicy(answer_tag=any(prompt.extraction == "answer_tag" for prompt in prompts))


@lru_cache(maxsize=256)
def _overrides(benchmark: str) -> Mapping[str, "Override"]:
    from evalsvc.catalogue import Catalogue, CatalogueError  # noqa: PLC0415
    from evalsvc.settings import load_settings  # noqa: PLC0415

    try:
        return Catalogue(load_settings().benchmark_folders).overrides(benchmark)
    except CatalogueError:
        return {}


def _override(benchmark: str, problem_id: Any, gold: str) -> "Override | None":
    """The override that a problem's id or row index names; the source's gold settles which."""
    known = _overrides(benchmark)
    if problem_id is None or not known:
        return None
    key = str(problem_id)
    named = [
        known[name] for name in (key, str(int(key) + 1) if key.isdigit() else key) if name in known
    ]
    for override in (*named, *known.values()):
        if _same_source(override, gold) and (override.gold is not None or override in named):
            return override
    return known.get(key)


def _same_source(override: "Override", gold: str) -> bool:
    return override.raw is not None and "".join(override.raw.split()) == "".join(gold.split())
