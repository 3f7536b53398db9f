"""Reads and checks the lines of `evalsvc score`, and applies the benchmark's own rules.

An invalid line raises UsageError with its number. Any response is valid: the verifier has a verdict
for everything.
"""

import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import typer

from evalsvc.errors import UsageError

if TYPE_CHECKING:
    from evalsvc.catalogue import Override
    from evalsvc.verification import ExtractionPolicy, VerificationRequest

_LONGEST_INTEGER = 4_000  # digits
_LONGEST_ROW = 9  # digits
_SHORT_GOLD = 3  # characters


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
    override = _override(name.casefold(), record.get("problem_id"), gold, number)
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


def _override(benchmark: str, problem_id: Any, gold: str, number: int) -> "Override | None":
    """The override of the problem that is named; the source's gold settles which one is meant.

    A text is an id where the benchmark has that id. An integer may be an id or a row: where these
    are two problems that are judged differently, the line is refused.
    """
    known = _overrides(benchmark)
    if problem_id is None or not known:
        return None
    key = str(problem_id)
    names = _names(benchmark, key, is_text=isinstance(problem_id, str))
    found = {name: known[name] for name in names if name in known and _fits(known[name], gold)}
    treatments = {(o.gold, o.kind, o.choices) for o in found.values()}
    unsettled = len(names) > 1 and any(not _settles(o) for o in found.values())
    if found and (len(treatments) > 1 or unsettled):
        raise UsageError(
            f"Line {number}: problem_id {key} means more than one problem of {benchmark!r}: the id "
            f"{key}, or row {key}, whose id is {' or '.join(n for n in names if n != key)}.",
            'Write the id as text ("problem_id": "7"). Nothing was written.',
        )
    if found:
        return next(iter(found.values()))
    return _by_source(benchmark).get(_squeezed(gold))


def _names(benchmark: str, key: str, *, is_text: bool) -> list[str]:
    """The ids that a problem's name can mean: itself, and the id of the row of that number."""
    ids = _ids(benchmark)
    if is_text and any(key in own for own in ids):
        return [key]
    if not (key.isascii() and key.isdecimal()) or len(key) > _LONGEST_ROW:
        return [key]
    row = int(key)
    at_row = [own[row] for own in ids if row < len(own)]
    itself = [key] if not ids or any(key in own for own in ids) else []
    return list(dict.fromkeys([*itself, *at_row]))


@lru_cache(maxsize=256)
def _ids(benchmark: str) -> tuple[tuple[str, ...], ...]:
    """The ids of each set of rows, in order; none where overrides go by cluster, or unknown."""
    from evalsvc.catalogue import Catalogue, CatalogueError  # noqa: PLC0415
    from evalsvc.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    try:
        return Catalogue(settings.benchmark_folders).row_ids(benchmark, settings.data)
    except CatalogueError:
        return ()


@lru_cache(maxsize=256)
def _by_source(benchmark: str) -> Mapping[str, "Override"]:
    """Gold of the source -> its override, for clusters: their problems have other names."""
    from evalsvc.catalogue import Catalogue  # noqa: PLC0415
    from evalsvc.settings import load_settings  # noqa: PLC0415

    known = _overrides(benchmark)
    if Catalogue(load_settings().benchmark_folders).get(benchmark).golds_by != "cluster":
        return {}
    sources = Counter(_squeezed(o.raw) for o in known.values() if o.raw is not None)
    return {
        source: override
        for override in known.values()
        if override.gold is not None
        and _settles(override)
        and sources[source := _squeezed(override.raw or "")] == 1
    }


def _fits(override: "Override", gold: str) -> bool:
    """Whether the override was written for this gold, or replaces by it what it was written for."""
    same = override.gold is not None and _squeezed(override.gold) == _squeezed(gold)
    return override.raw is None or _same_source(override, gold) or same


def _settles(override: "Override") -> bool:
    """Whether its source's gold is found in no other row: a letter or a small number may be."""
    raw = _squeezed(override.raw or "")
    return not (raw.isalnum() and len(raw) <= _SHORT_GOLD) and raw != ""


def _same_source(override: "Override", gold: str) -> bool:
    return override.raw is not None and _squeezed(override.raw) == _squeezed(gold)


def _squeezed(text: str) -> str:
    return "".join(text.split())
