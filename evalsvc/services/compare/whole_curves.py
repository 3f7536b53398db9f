"""Two whole pass@k curves: one verdict over all k that a comparison shows, with its band.

Each curve is tested by itself: its family is its values of k. Holm's family of the single
comparisons is a separate one, which also covers benchmarks and candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.services.compare.comparisons import ComparisonView, aligned
from evalsvc.services.compare.pairings import Pairing
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.views import traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations

Pair = tuple[float, float]


@dataclass(frozen=True)
class CurveView:
    """Candidate minus baseline at all `ks` of one benchmark together, in fractions of 1.

    p_value: of the whole curve, that it differs anywhere. adjusted: per k (single-step max-T).
    band: per k, holds at all k at once; it excludes 0 exactly where adjusted is at most alpha.
    thinned: samples of the side with more of them were left out at random.
    """

    benchmark: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    baseline_evaluation: str
    candidate_evaluation: str
    ks: list[int]
    difference: list[float]
    p_value: float
    adjusted: list[float]
    band: list[Pair]
    alpha: float
    problems: int
    clusters: int
    thinned: bool
    sentence: str


def whole_curves(session: Session, memo: Memo, items: Sequence[ComparisonView]) -> list[CurveView]:
    """The verdict over each curve of these comparisons with two k and two clusters or more."""
    curves: dict[tuple[str, str], list[ComparisonView]] = {}
    for item in items:
        both = item.baseline_evaluation, item.candidate_evaluation
        curves.setdefault(both, []).append(item)
    rows = {i: evaluations.get(session, i) for both in curves for i in both}
    return [
        _curve(session, memo, own, rows[before], rows[after])
        for (before, after), own in curves.items()
        if len(own) > 1 and own[0].clusters > 1
    ]


def _curve(
    session: Session,
    memo: Memo,
    own: Sequence[ComparisonView],
    baseline: Evaluation,
    candidate: Evaluation,
) -> CurveView:
    from evalsvc.statistics import curve_comparison  # noqa: PLC0415 - a second to import

    before, after = aligned(session, memo, Pairing(baseline, candidate, ()))
    labels = cluster_labels(
        before.problems.tolist(), traits_of(session, memo, baseline.revision_id)
    )
    ks = tuple(item.k for item in own)
    versions = tuple((row.id, row.version) for row in (baseline, candidate))
    made = memo.get(
        ("whole curve", versions, ks),
        lambda: curve_comparison(before.n, before.c, after.n, after.c, ks, clusters=labels),
    )
    return CurveView(
        benchmark=own[0].benchmark,
        baseline_checkpoint=own[0].baseline_checkpoint,
        candidate_checkpoint=own[0].candidate_checkpoint,
        baseline_evaluation=baseline.id,
        candidate_evaluation=candidate.id,
        ks=list(made.ks),
        difference=list(made.difference),
        p_value=made.p_value,
        adjusted=list(made.adjusted),
        band=list(made.band),
        alpha=made.alpha,
        problems=made.problems,
        clusters=made.clusters,
        thinned=made.thinned,
        sentence=" ".join([made.sentence, *own[0].notes]),
    )
