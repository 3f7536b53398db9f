"""Reads and checks the lines of `evalsvc score`, and applies the benchmark's own rules.

An invalid line raises UsageError with its number. Any response is valid: the verifier has a verdict
for everything.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import typer

from evalsvc.errors import UsageError

if TYPE_CHECKING:
    from evalsvc.catalogue import Override
    from evalsvc.verification import ExtractionPolicy, VerificationRequest

_LONGEST_INTEGER = 4_000  # digits


class Read(NamedTuple):
    """The part of a line that is needed again for its verdict."""

    id: Any
    benchmark: str
    given_gold: str


def read_cases(lines: IO[bytes], waiting: deque[Read]) -> Iterator["VerificationRequest"]:
    """The cases of a file; raises UsageError with the number of an invalid line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _parse(line, number)
        case, read = _case(record, number)
        waiting.append(read)
        yield case


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"Line {number} is not JSON: {error}.",
            "Each line is one JSON object; nothing was written.",
        ) from None
    if not isinstance(record, dict):
        raise UsageError(
            f"Line {number} is not a JSON object.",
            "Each line is one JSON object; nothing was written.",
        )
    missing = [key for key in ("gold", "response") if key not in record]
    if missing:
        raise UsageError(
            f"Line {number} has no {' and no '.join(missing)}.",
            "See `evalsvc score --help`; nothing was written.",
        )
    return record


def _integer(digits: str) -> int | str:
    """Numbers too long for Python stay text: such a response must not end the run."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _case(record: dict[str, Any], number: int) -> tuple["VerificationRequest", Read]:
    from evalsvc.verification import VerificationError, VerificationRequest, type_gold  # noqa: PLC0415

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
    case = VerificationRequest(record["response"], used, kind, choices, _policy(name.casefold()))
    return case, Read(record.get("id", number), name, gold)


@lru_cache(maxsize=256)
def _known_kind(kind: Any) -> str | None:
    """A kind that the verifier knows; for any other a warning, and the gold's text decides."""
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
    """How a benchmark marks answers: the tag counts if one of its prompts asks for it."""
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
    for override in named:
        if _same_source(override, gold):
            return override
    return _by_source(benchmark).get(_squeezed(gold)) or known.get(key)


@lru_cache(maxsize=256)
def _by_source(benchmark: str) -> Mapping[str, "Override"]:
    """The first override with another gold for each gold of the source."""
    found: dict[str, Override] = {}
    for override in _overrides(benchmark).values():
        if override.raw is not None and override.gold is not None:
            found.setdefault(_squeezed(override.raw), override)
    return found


def _same_source(override: "Override", gold: str) -> bool:
    return override.raw is not None and _squeezed(override.raw) == _squeezed(gold)


def _squeezed(text: str) -> str:
    return "".join(text.split())
