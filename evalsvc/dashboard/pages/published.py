"""Published rows beside one's own: set apart, each with chips for what is not comparable."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.asking import Ask


@dataclass(frozen=True)
class PublishedCell:
    """A published value (a fraction) with its ± where one was printed."""

    value: float
    plus_minus: float | None


@dataclass(frozen=True)
class PublishedRow:
    """One method of one model of a paper."""

    method: str
    cells: dict[str, PublishedCell]  # by benchmark
    chips: list[str]


@dataclass(frozen=True)
class PublishedGroup:
    """The rows of one model."""

    source: str
    model: str
    rows: list[PublishedRow]


def published_groups(ask: Ask, benchmarks: Sequence[str], k: int) -> list[PublishedGroup]:
    return []
