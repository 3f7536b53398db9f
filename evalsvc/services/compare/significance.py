"""Is each of many evaluations better than its baseline? One family, corrected together.

The family is the whole list, of which a page or a filter shows a part. So the correction is
Bonferroni's, which needs only the size of the family: no badge changes with what else is shown. A
badge says better or worse only where the corrected test does; equivalent only where two one-sided
tests do; everything else is not resolved. Evaluations that cannot be compared get the reason
instead of a badge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalsvc.errors import EvalsvcError
from evalsvc.services.compare.comparisons import MARGIN, compare_pair
from evalsvc.services.compare.pairings import Pairing, unlikeness
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.views import counts_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation

if TYPE_CHECKING:
    from evalsvc.statistics import Comparison

Outcome = Literal["better", "worse", "equivalent", "unresolved"]


@dataclass(frozen=True)
class Significance:
    """A candidate against its baseline at one k. Differences in fractions of 1."""

    outcome: Outcome
    difference: float
    interval_population: tuple[float, float]
    p_adjusted: float
    family_size: int
    minimum_detectable_effect: float
    sentence: str


def significances(
    session: Session,
    memo: Memo,
    baselines: Mapping[str, Evaluation],
    candidates: Sequence[Evaluation],
    k: int,
    *,
    family_size: int,
) -> tuple[dict[str, Significance], dict[str, str]]:
    """(significance, reasons for none), by evaluation.

    baselines: by benchmark. family_size: comparisons of the whole list, at least those made here.
    """
    from evalsvc.statistics import adjust_family  # noqa: PLC0415 - a second to import

    found: dict[str, Comparison] = {}
    reasons: dict[str, str] = {}
    for name, baseline in baselines.items():
        own = [row for row in candidates if row.benchmark == name and row.id != baseline.id]
        unlike = {row.id: unlikeness(baseline, row) for row in own}
        reasons |= {i: f"Not comparable: {'; '.join(why)}." for i, why in unlike.items() if why}
        alike = [row for row in own if not unlike[row.id]]
        found |= _together(session, memo, baseline, alike, k)
        for row in alike:
            if row.id not in found:
                _alone(session, memo, Pairing(baseline, row, ()), k, found, reasons)
    adjusted = adjust_family(list(found.values()), max(family_size, len(found)))
    return {i: _significance(c) for i, c in zip(found, adjusted, strict=True)}, reasons


def _together(
    session: Session, memo: Memo, baseline: Evaluation, candidates: Sequence[Evaluation], k: int
) -> dict[str, "Comparison"]:
    """Candidates with exactly the baseline's problems with k samples: one draw of flips for all."""
    from evalsvc.statistics import compare_candidates  # noqa: PLC0415

    before = counts_of(session, memo, baseline)
    counts = {row.id: counts_of(session, memo, row) for row in candidates}
    whole = [
        row
        for row in candidates
        if np.array_equal(counts[row.id].problems, before.problems)
        and before.n.size
        and min(counts[row.id].n.min(), before.n.min()) >= k
    ]
    if not whole:
        return {}
    traits = traits_of(session, memo, baseline.revision_id)
    made = memo.get(
        ("significance", k, tuple((row.id, row.version) for row in (baseline, *whole))),
        lambda: compare_candidates(
            (before.n, before.c),
            [(counts[row.id].n, counts[row.id].c) for row in whole],
            k,
            clusters=cluster_labels(before.problems.tolist(), traits),
        ),
    )
    return {row.id: comparison for row, comparison in zip(whole, made, strict=True)}


def _alone(
    session: Session,
    memo: Memo,
    pair: Pairing,
    k: int,
    found: dict[str, "Comparison"],
    reasons: dict[str, str],
) -> None:
    """A candidate that shares only some problems with the baseline."""
    try:
        found[pair.candidate.id] = compare_pair(session, memo, pair, [k], allow=True)[0][0]
    except EvalsvcError as error:
        reasons[pair.candidate.id] = error.message


def _significance(comparison: "Comparison") -> Significance:
    return Significance(
        outcome=outcome_of(comparison),
        difference=comparison.difference,
        interval_population=comparison.interval_population,
        p_adjusted=comparison.p_adjusted,
        family_size=comparison.family_size,
        minimum_detectable_effect=comparison.minimum_detectable_effect,
        sentence=comparison.sentence,
    )


def outcome_of(comparison: "Comparison", margin: float = MARGIN) -> Outcome:
    """The badge for a comparison that was corrected in its family."""
    from evalsvc.statistics import equivalence  # noqa: PLC0415

    if comparison.significant:
        return "better" if comparison.difference > 0 else "worse"
    return "equivalent" if equivalence(comparison, margin).equivalent else "unresolved"
