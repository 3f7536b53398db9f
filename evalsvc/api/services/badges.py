"""Is each of many evaluations better than its baseline? One family, corrected together.

A badge says better or worse only where the test does after Holm; equivalent only where two
one-sided tests do; everything else is not resolved. Unlike evaluations get no badge but the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy.orm import Session

from evalsvc.api.services.comparisons import Pairing, compare_pair, unlikeness
from evalsvc.api.services.memo import Memo
from evalsvc.errors import EvalsvcError
from evalsvc.store.models import Evaluation

if TYPE_CHECKING:
    from evalsvc.statistics import Comparison

Outcome = Literal["better", "worse", "equivalent", "unresolved"]
MARGIN = 0.01  # differences below one point are called equivalent, where the data can show it


@dataclass(frozen=True)
class Badge:
    """A candidate against its baseline at one k. Differences in fractions of 1."""

    outcome: Outcome
    difference: float
    interval_population: tuple[float, float]
    p_adjusted: float
    family_size: int
    minimum_detectable_effect: float
    sentence: str


def badges(
    session: Session,
    memo: Memo,
    baselines: Mapping[str, Evaluation],
    candidates: Sequence[Evaluation],
    k: int,
) -> tuple[dict[str, Badge], dict[str, str]]:
    """(badges, reasons for none), by evaluation. `baselines`: by benchmark."""
    from evalsvc.statistics import adjust_family  # noqa: PLC0415 - a second to import

    found: list[tuple[str, Comparison]] = []
    reasons: dict[str, str] = {}
    for row in candidates:
        baseline = baselines.get(row.benchmark)
        if baseline is None or baseline.id == row.id:
            continue
        differs = unlikeness(baseline, row)
        if differs:
            reasons[row.id] = "Not comparable: " + "; ".join(differs) + "."
            continue
        try:
            pair = Pairing(baseline, row, ())
            comparisons, _ = compare_pair(session, memo, pair, [k], allow=True)
        except EvalsvcError as error:
            reasons[row.id] = error.message
            continue
        found.append((row.id, comparisons[0]))
    adjusted = adjust_family([comparison for _, comparison in found])
    return {name: _badge(c) for (name, _), c in zip(found, adjusted, strict=True)}, reasons


def _badge(comparison: "Comparison") -> Badge:
    return Badge(
        outcome=outcome_of(comparison),
        difference=comparison.difference,
        interval_population=comparison.interval_population,
        p_adjusted=comparison.p_adjusted,
        family_size=comparison.family_size,
        minimum_detectable_effect=comparison.minimum_detectable_effect,
        sentence=comparison.sentence,
    )


def outcome_of(comparison: "Comparison", margin: float = MARGIN) -> Outcome:
    """The word for a comparison that Holm has seen."""
    from evalsvc.statistics import equivalence  # noqa: PLC0415

    if comparison.significant:
        return "better" if comparison.difference > 0 else "worse"
    return "equivalent" if equivalence(comparison, margin).equivalent else "unresolved"
