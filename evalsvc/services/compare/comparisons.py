"""Checkpoints against a baseline on the same benchmarks, paired by problem: figures and verdict.

Evaluations of different problems are refused. On request they are compared on the problems that
both have, with a note. The request declares Holm's family: the metric (by default pass@k) at the k
it names (by default every power of two), every candidate it names, every benchmark that these have
in common with the baseline. Naming one benchmark only chooses what is shown.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalsvc.conditions import unlike_conditions
from evalsvc.errors import EvalsvcError, NotFound, UsageError
from evalsvc.services.compare.pairings import Pairing, find_pairings, name_of
from evalsvc.services.compare.unknowns import unknown_of
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.metric_figures import metric_inputs
from evalsvc.services.evaluations.remarks import share_differences
from evalsvc.services.evaluations.views import (
    counts_of,
    remarks_of,
    shares_of,
    summarise,
    traits_of,
)
from evalsvc.services.memo import Memo
from evalsvc.specs import powers_of_two
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories.counts import Counts

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.statistics import Comparison
    from evalsvc.statistics.metrics import MetricDefinition, SampledProblems

Pair = tuple[float, float]
DEFAULT_METRIC = "pass@k"
MARGIN = 0.01  # differences below one point count as equivalent, where the data can show it


@dataclass(frozen=True)
class ComparisonView:
    """Candidate minus baseline on one benchmark at one k, in fractions of 1, two-sided.

    equivalent: two one-sided tests find the difference within +-margin, with equivalence_p_value.
    family: what was tested together with it, in words; p_adjusted is over these family_size tests.
    k: 1 for a metric without k.
    """

    benchmark: str
    metric: str
    k: int
    baseline: float
    candidate: float
    difference: float
    interval_fixed: Pair | None
    interval_population: Pair
    p_value: float
    p_adjusted: float
    minimum_detectable_effect: float
    sentence: str
    significant: bool
    margin: float
    equivalent: bool
    equivalence_p_value: float
    test: str
    family: str
    family_size: int
    discordant: int
    candidate_only: int
    baseline_only: int
    problems: int
    clusters: int
    indicator: bool
    baseline_method: str
    candidate_method: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    baseline_evaluation: str
    candidate_evaluation: str
    baseline_coverage: float
    candidate_coverage: float
    notes: list[str]


@dataclass(frozen=True)
class ComparedMetric:
    """A metric other than pass@k, and the transcripts that it may be computed from."""

    metric: "MetricDefinition"
    artifacts: "ArtifactStore"


@dataclass(frozen=True)
class Family:
    """Comparisons that were corrected together, and why candidates are not among them."""

    items: list[ComparisonView]
    left_out: list[str]


@dataclass(frozen=True)
class CrossoverView:
    """Where two curves cross, between two k; not `resolved`: noise can explain it.

    resolved_between: two k further out between which they are known to cross, if any.
    """

    benchmark: str
    baseline_checkpoint: str
    candidate_checkpoint: str
    k: float
    below: int
    above: int
    leader_below: str
    leader_above: str
    resolved: bool
    resolved_between: tuple[int, int] | None


def compare(
    session: Session, memo: Memo, baseline: str, candidate: str, *, allow_differences: bool = False
) -> list[ComparisonView]:
    """Every comparison of two RUN[@STEP], as `compare_all`."""
    return compare_all(
        session, memo, baseline, [candidate], allow_differences=allow_differences
    ).items


def compare_all(
    session: Session,
    memo: Memo,
    baseline: str,
    candidates: Sequence[str],
    *,
    benchmark: str | None = None,
    ks: Sequence[int] = (),
    allow_differences: bool = False,
    margin: float = MARGIN,
    metric: ComparedMetric | None = None,
) -> Family:
    """Every comparison of RUN[@STEP]s with one. Without `ks` at every power of two that both allow.

    `metric`: pass@k by default.

    Raises NotFound (no such run, nothing in common), UsageError (evaluations differ, k above n)
    where that holds for all candidates; else those are left out, with a note.
    """
    pairings: list[Pairing] = []
    left_out: list[str] = []
    for candidate in dict.fromkeys(candidates):
        try:
            pairings += _pairings(session, baseline, candidate, benchmark, allow=allow_differences)
        except EvalsvcError as error:
            if len(set(candidates)) == 1:
                raise
            left_out.append(f"{candidate} is left out: {error.message}")
    if not pairings:
        raise NotFound(
            f"No candidate can be compared with {baseline}: {' '.join(left_out)}",
            "Compare them one by one to see what to do.",
        )
    key = (
        "compare",
        tuple(_shown(p.baseline) for p in pairings),
        tuple(_shown(p.candidate) for p in pairings),
        tuple(p.notes for p in pairings),
        tuple(ks),
        benchmark,
        allow_differences,
        margin,
        name_of_metric(metric),
    )

    def make() -> list[ComparisonView]:
        return _family(
            session,
            memo,
            pairings,
            ks,
            benchmark,
            allow=allow_differences,
            margin=margin,
            metric=metric,
        )

    return Family(memo.get(key, make), left_out)


def _shown(row: Evaluation) -> tuple[str, int, str, str]:
    """What a comparison needs of an evaluation: its figures, and the names it is shown under."""
    return row.id, row.version, name_of(row), row.checkpoint.run.method


def name_of_metric(metric: ComparedMetric | None) -> str:
    """As in `ComparisonView.metric`."""
    return DEFAULT_METRIC if metric is None else metric.metric.name


def crossings(items: Sequence[ComparisonView]) -> list[CrossoverView]:
    """Every crossing of the curves of these comparisons, by benchmark and candidate."""
    from evalsvc.statistics import crossovers  # noqa: PLC0415 - a second to import

    curves: dict[tuple[str, str], list[ComparisonView]] = {}
    for item in items:
        curves.setdefault((item.benchmark, item.candidate_evaluation), []).append(item)
    return [
        CrossoverView(
            benchmark=benchmark,
            baseline_checkpoint=curve[0].baseline_checkpoint,
            candidate_checkpoint=curve[0].candidate_checkpoint,
            **asdict(found),
        )
        for (benchmark, _), curve in curves.items()
        for found in crossovers(curve)
    ]


def _pairings(
    session: Session, baseline: str, candidate: str, benchmark: str | None, *, allow: bool
) -> list[Pairing]:
    """Pairings on every benchmark that both have; raises if the requested one is not among them."""
    if benchmark is not None:
        find_pairings(session, baseline, candidate, benchmark, allow=allow)
    return find_pairings(session, baseline, candidate, None, allow=allow)


def _family(
    session: Session,
    memo: Memo,
    pairings: Sequence[Pairing],
    ks: Sequence[int],
    benchmark: str | None,
    *,
    allow: bool,
    margin: float,
    metric: ComparedMetric | None,
) -> list[ComparisonView]:
    """Views of the requested comparisons; all pairings are tested, and corrected together."""
    from evalsvc.statistics import adjust_family  # noqa: PLC0415 - a second to import

    made: list[tuple[Pairing, Comparison, list[str]]] = []
    for pairing in pairings:
        shown = benchmark in (None, pairing.baseline.benchmark)
        try:
            found, notes = (
                compare_pair(session, memo, pairing, ks, allow=allow)
                if metric is None
                else _compare_metric(session, memo, pairing, ks, metric, allow=allow)
            )
        except EvalsvcError:
            if shown:
                raise
            continue  # a benchmark that was not requested and cannot be tested at these k
        made.extend((pairing, comparison, notes) for comparison in found)
    adjusted = adjust_family([comparison for _, comparison, _ in made])
    name = name_of_metric(metric)
    words = _family_words(name, [(pairing, comparison) for pairing, comparison, _ in made])
    return [
        _view(pairing, comparison, notes, margin, words, name)
        for (pairing, _, notes), comparison in zip(made, adjusted, strict=True)
        if benchmark in (None, pairing.baseline.benchmark)
    ]


def _family_words(metric: str, made: Sequence[tuple[Pairing, "Comparison"]]) -> str:
    """`pass@k, k = 1, 2, 4, on aime2025, amc23: agrae@100 against grpo@100`."""
    ks = sorted({comparison.k for _, comparison in made})
    at = f", k = {', '.join(map(str, ks))}" if metric.endswith(("@k", "^k")) else ""
    benchmarks = dict.fromkeys(pairing.baseline.benchmark for pairing, _ in made)
    candidates = dict.fromkeys(name_of(pairing.candidate) for pairing, _ in made)
    baselines = dict.fromkeys(name_of(pairing.baseline) for pairing, _ in made)
    return (
        f"{metric}{at}, on {', '.join(benchmarks)}: "
        f"{', '.join(candidates)} against {', '.join(baselines)}"
    )


def compare_pair(
    session: Session, memo: Memo, pairing: Pairing, ks: Sequence[int], *, allow: bool
) -> tuple[tuple["Comparison", ...], list[str]]:
    from evalsvc.statistics import compare_curves  # noqa: PLC0415

    before, after = aligned(session, memo, pairing)
    notes = _notes(pairing, before, after, allow=allow)
    smallest = int(min(before.n.min(), after.n.min()))
    chosen = list(ks) or list(powers_of_two(smallest))
    if max(chosen) > smallest:
        raise UsageError(
            f"k = {max(chosen)} needs at least so many samples of every problem, but on "
            f"{pairing.baseline.benchmark} some problem has only {smallest}.",
            f"Ask for k up to {smallest}, or draw more samples.",
        )
    traits = traits_of(session, memo, pairing.baseline.revision_id)
    clusters = cluster_labels(before.problems.tolist(), traits)
    versions = tuple((row.id, row.version) for row in (pairing.baseline, pairing.candidate))
    curves = memo.get(
        ("curves", versions, tuple(chosen)),
        lambda: compare_curves(before.n, before.c, after.n, after.c, chosen, clusters=clusters),
    )
    return curves, notes


def _compare_metric(
    session: Session,
    memo: Memo,
    pairing: Pairing,
    ks: Sequence[int],
    chosen: ComparedMetric,
    *,
    allow: bool,
) -> tuple[tuple["Comparison", ...], list[str]]:
    """As `compare_pair`, for another metric."""
    from evalsvc.statistics.metrics import compare_metric  # noqa: PLC0415 - a second to import

    metric = chosen.metric
    before, after = aligned(session, memo, pairing)
    notes = _notes(pairing, before, after, allow=allow)
    sides = _metric_sides(session, memo, pairing, (before, after), chosen)
    smallest = int(min(side.n.min() for side in sides))
    if not metric.takes_k:
        wanted: list[int | None] = list(ks) or [None]
    else:
        wanted = list(ks) or list(powers_of_two(smallest))
        if max(k for k in wanted if k is not None) > smallest:
            raise _too_large(pairing, smallest)
    versions = tuple((row.id, row.version) for row in (pairing.baseline, pairing.candidate))
    found = memo.get(
        ("compared metric", metric.name, versions, tuple(wanted)),
        lambda: tuple(compare_metric(metric, *sides, k) for k in wanted),
    )
    return found, notes


def _metric_sides(
    session: Session,
    memo: Memo,
    pairing: Pairing,
    counts: tuple[Counts, Counts],
    chosen: ComparedMetric,
) -> "tuple[SampledProblems, SampledProblems]":
    """What the metric is computed from on both sides, row by row the same problem."""
    places: list[dict[int, int]] = []
    inputs: list[SampledProblems] = []
    for row in (pairing.baseline, pairing.candidate):
        found = metric_inputs(session, memo, chosen.artifacts, row, chosen.metric)
        if found is None:
            raise UsageError(
                f"{name_of(row)} on {row.benchmark} has no data for {chosen.metric.name}, which is "
                f"computed from {chosen.metric.inputs}.",
                "Compare by a metric of counts; `evalsvc metrics` lists them.",
            )
        places.append({problem: i for i, problem in enumerate(found.problems.tolist())})
        inputs.append(found.samples)
    pairs = [
        (places[0][b], places[1][a])
        for b, a in zip(*(side.problems.tolist() for side in counts), strict=True)
        if b in places[0] and a in places[1]
    ]
    if not pairs:
        raise NotFound(
            f"The two evaluations of {pairing.baseline.benchmark} have no problem in common that "
            f"{chosen.metric.name} can be computed for.",
            "Evaluate both on the same problems.",
        )
    order = np.array(pairs, dtype=np.int64)
    return inputs[0].rows(order[:, 0]), inputs[1].rows(order[:, 1])


def _too_large(pairing: Pairing, smallest: int) -> UsageError:
    return UsageError(
        f"k is above {smallest}, the samples of some problem of {pairing.baseline.benchmark}.",
        f"Ask for k up to {smallest}, or draw more samples.",
    )


def aligned(session: Session, memo: Memo, pairing: Pairing) -> tuple[Counts, Counts]:
    """The counts of both sides on the problems that both have, row by row the same problem."""
    before = counts_of(session, memo, pairing.baseline)
    after = counts_of(session, memo, pairing.candidate)
    if pairing.baseline.revision_id == pairing.candidate.revision_id:
        left, right = before.problems, after.problems
    else:
        left = _ids(session, memo, pairing.baseline, before)
        right = _ids(session, memo, pairing.candidate, after)
    if np.array_equal(left, right):
        return before, after
    _, i, j = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    if not i.size:
        raise NotFound(
            f"The two evaluations of {pairing.baseline.benchmark} have no problem in common.",
            "Evaluate both on the same problems.",
        )
    order = np.argsort(i)
    return _rows(before, i[order]), _rows(after, j[order])


def _ids(session: Session, memo: Memo, row: Evaluation, counts: Counts) -> "np.ndarray":
    names = traits_of(session, memo, row.revision_id).ids
    return np.array([names.get(int(p), str(p)) for p in counts.problems], dtype=object).astype(str)


def _rows(counts: Counts, chosen: "np.ndarray") -> Counts:
    return Counts(*(getattr(counts, name)[chosen] for name in Counts.__dataclass_fields__))


def _notes(pairing: Pairing, before: Counts, after: Counts, *, allow: bool) -> list[str]:
    """Notes for the reader; refuses complete evaluations of different problems."""
    notes = [*pairing.notes, *(f"Unlike evaluations: {reason}." for reason in pairing.differs)]
    for row in (pairing.baseline, pairing.candidate):
        notes += unknown_of(row, name_of(row))
        summary = summarise(row)
        if not summary.complete:
            notes.append(
                f"{name_of(row)} is incomplete ({summary.coverage:.1%} of its samples are here); "
                "missing samples are not counted as wrong."
            )
        if said := remarks_of(row):
            notes.append(f"{name_of(row)}: {', '.join(said)}.")
    notes += share_differences(
        (name_of(pairing.baseline), name_of(pairing.candidate)),
        (shares_of(pairing.baseline), shares_of(pairing.candidate)),
        pairing.candidate.protocol,
    )
    unlike = unlike_conditions([pairing.baseline.provenance, pairing.candidate.provenance])
    if unlike:
        notes.append(f"The sides were drawn under unlike conditions: {', '.join(unlike)}.")
    common = before.n.size
    lost = max(pairing.baseline.problems_seen, pairing.candidate.problems_seen) - common
    if lost > 0:
        words = f"Compared on the {common:,} problems that both have; {lost:,} are left out."
        complete = all(row.state == "done" for row in (pairing.baseline, pairing.candidate))
        if complete and not allow:
            raise UsageError(
                f"The two evaluations of {pairing.baseline.benchmark} are of different problems: "
                f"only {common:,} are in both.",
                "--allow-differences (allow_differences=true) compares those.",
            )
        notes.append(words)
    return notes


def _view(
    pairing: Pairing,
    comparison: "Comparison",
    notes: list[str],
    margin: float,
    family: str,
    metric: str,
) -> ComparisonView:
    from evalsvc.statistics import equivalence  # noqa: PLC0415 - a second to import

    same = equivalence(comparison, margin)
    remarks = [same.sentence] if same.equivalent and not comparison.significant else []
    return ComparisonView(
        benchmark=pairing.baseline.benchmark,
        metric=metric,
        k=comparison.k,
        baseline=comparison.baseline,
        candidate=comparison.candidate,
        difference=comparison.difference,
        interval_fixed=comparison.interval_fixed,
        interval_population=comparison.interval_population,
        p_value=comparison.p_value,
        p_adjusted=comparison.p_adjusted,
        minimum_detectable_effect=comparison.minimum_detectable_effect,
        sentence=" ".join([comparison.sentence, *remarks, *notes]),
        significant=comparison.significant,
        margin=margin,
        equivalent=same.equivalent,
        equivalence_p_value=same.p_value,
        test=comparison.test,
        family=family,
        family_size=comparison.family_size,
        discordant=comparison.discordant,
        candidate_only=comparison.candidate_only,
        baseline_only=comparison.baseline_only,
        problems=comparison.problems,
        clusters=comparison.clusters,
        indicator=comparison.indicator,
        baseline_method=pairing.baseline.checkpoint.run.method,
        candidate_method=pairing.candidate.checkpoint.run.method,
        baseline_checkpoint=name_of(pairing.baseline),
        candidate_checkpoint=name_of(pairing.candidate),
        baseline_evaluation=pairing.baseline.id,
        candidate_evaluation=pairing.candidate.id,
        baseline_coverage=summarise(pairing.baseline).coverage,
        candidate_coverage=summarise(pairing.candidate).coverage,
        notes=notes,
    )
