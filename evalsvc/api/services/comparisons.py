"""Two checkpoints on the same benchmarks, paired by problem: first which evaluations, then figures.

Only like is compared with like: the same rows, protocol and verifier. Anything else is refused, or
compared on the problems that both have when it was asked for, and then said. Holm's family is all
that one answer shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session

from evalsvc.api.services.evaluations import counts_of, summarise, traits_of
from evalsvc.api.services.figures import cluster_labels
from evalsvc.api.services.memo import Memo
from evalsvc.errors import NotFound, UsageError
from evalsvc.specs import powers_of_two
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import browsing
from evalsvc.store.repositories.browsing import EvaluationFilter
from evalsvc.store.repositories.counts import Counts

if TYPE_CHECKING:
    from evalsvc.statistics import Comparison

Pair = tuple[float, float]


@dataclass(frozen=True)
class ComparisonView:
    """Candidate minus baseline on one benchmark at one k, in fractions of 1, two-sided."""

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
    test: str
    family_size: int
    discordant: int
    candidate_only: int
    baseline_only: int
    problems: int
    clusters: int
    indicator: bool
    baseline_checkpoint: str
    candidate_checkpoint: str
    baseline_evaluation: str
    candidate_evaluation: str
    baseline_coverage: float
    candidate_coverage: float
    notes: list[str]


@dataclass(frozen=True)
class Pairing:
    """Two evaluations that are compared, and what differs between them."""

    baseline: Evaluation
    candidate: Evaluation
    differs: tuple[str, ...]


def compare(
    session: Session,
    memo: Memo,
    baseline: str,
    candidate: str,
    *,
    benchmark: str | None = None,
    ks: Sequence[int] = (),
    allow_differences: bool = False,
) -> list[ComparisonView]:
    """Every comparison of two RUN[@STEP]. Without `ks` at every power of two that both allow.

    Raises NotFound (no such run, nothing in common), UsageError (unlike evaluations, k above n).
    """
    pairings = find_pairings(session, baseline, candidate, benchmark, allow=allow_differences)
    key = (
        "compare",
        tuple((p.baseline.id, p.baseline.version) for p in pairings),
        tuple((p.candidate.id, p.candidate.version) for p in pairings),
        tuple(ks),
        allow_differences,
    )
    return memo.get(key, lambda: _family(session, memo, pairings, ks, allow=allow_differences))


def find_pairings(
    session: Session, baseline: str, candidate: str, benchmark: str | None, *, allow: bool
) -> list[Pairing]:
    """For each benchmark that both sides have, the two evaluations that are most alike."""
    before = _evaluations(session, baseline, benchmark)
    after = _evaluations(session, candidate, benchmark)
    common = sorted({row.benchmark for row in before} & {row.benchmark for row in after})
    if not common:
        raise NotFound(
            f"{baseline} and {candidate} have no evaluation of the same benchmark"
            + (f" {benchmark!r}." if benchmark else "."),
            "Evaluate both on it, with the same protocol; `evalsvc results` lists what is there.",
        )
    pairings = [
        _best_pairing(
            [row for row in before if row.benchmark == name],
            [row for row in after if row.benchmark == name],
        )
        for name in common
    ]
    alike = [pairing for pairing in pairings if not pairing.differs]
    if allow:
        return pairings
    if alike and benchmark is None:
        return alike
    if pairings[0].differs and not alike:
        raise UsageError(
            f"{baseline} and {candidate} were not evaluated alike on "
            f"{pairings[0].baseline.benchmark}: {'; '.join(pairings[0].differs)}.",
            "Evaluate one of them again, or ask for the comparison in spite of it: "
            "--allow-differences (allow_differences=true) compares the problems that both have.",
        )
    return alike


def _evaluations(session: Session, side: str, benchmark: str | None) -> list[Evaluation]:
    """The evaluations with results of RUN@STEP, or for RUN of its newest step per benchmark."""
    run, step = parse_side(session, side)
    wanted = EvaluationFilter(run=run, step=step, benchmark=benchmark)
    rows = [row for row in browsing.all_evaluations(session, wanted) if row.samples_seen]
    if not rows:
        raise NotFound(
            f"{side} has no results" + (f" on {benchmark!r}." if benchmark else " yet."),
            "`evalsvc results` lists what is there; RUN@STEP names one checkpoint of a run.",
        )
    newest = {
        name: max(row.checkpoint.step for row in rows if row.benchmark == name)
        for name in {row.benchmark for row in rows}
    }
    return [row for row in rows if row.checkpoint.step == newest[row.benchmark]]


def parse_side(session: Session, side: str) -> tuple[str, int | None]:
    """RUN or RUN@STEP as (run, step). A run whose name holds an @ is found too."""
    name, at, step = side.rpartition("@")
    if at and name and step.isascii() and step.isdecimal() and len(step) < 10:
        try:
            browsing.get_run(session, side)
        except NotFound:
            browsing.get_run(session, name)
            return name, int(step)
    browsing.get_run(session, side)
    return side, None


def _best_pairing(before: Sequence[Evaluation], after: Sequence[Evaluation]) -> Pairing:
    """The pair with the fewest differences, then with the most samples, then the newest."""
    pairs = [Pairing(b, a, unlikeness(b, a)) for b in before for a in after]

    def rank(pair: Pairing) -> tuple[int, int, float]:
        samples = min(pair.baseline.samples_seen, pair.candidate.samples_seen)
        age = pair.baseline.created_at.timestamp() + pair.candidate.created_at.timestamp()
        return (-len(pair.differs), samples, age)

    return max(pairs, key=rank)


def unlikeness(before: Evaluation, after: Evaluation) -> tuple[str, ...]:
    """What makes two evaluations of one benchmark unlike, in words."""
    found = []
    if before.revision_id != after.revision_id:
        found.append(
            f"the rows differ (revisions {before.revision.revision[:12]} and "
            f"{after.revision.revision[:12]})"
        )
    if before.protocol_hash != after.protocol_hash:
        fields = sorted(
            name
            for name in {*before.protocol, *after.protocol} - {"name", "samples", "ks"}
            if before.protocol.get(name) != after.protocol.get(name)
        )
        found.append(f"the protocols differ ({', '.join(fields)})")
    if before.verifier and after.verifier and before.verifier != after.verifier:
        found.append(f"the verifiers differ ({before.verifier} and {after.verifier})")
    return tuple(found)


def _family(
    session: Session, memo: Memo, pairings: Sequence[Pairing], ks: Sequence[int], *, allow: bool
) -> list[ComparisonView]:
    from evalsvc.statistics import adjust_family  # noqa: PLC0415 - a second to import

    made: list[tuple[Pairing, Comparison, list[str]]] = []
    for pairing in pairings:
        found, notes = compare_pair(session, memo, pairing, ks, allow=allow)
        made.extend((pairing, comparison, notes) for comparison in found)
    adjusted = adjust_family([comparison for _, comparison, _ in made])
    return [
        _view(pairing, comparison, notes)
        for (pairing, _, notes), comparison in zip(made, adjusted, strict=True)
    ]


def compare_pair(
    session: Session, memo: Memo, pairing: Pairing, ks: Sequence[int], *, allow: bool
) -> tuple[tuple["Comparison", ...], list[str]]:
    from evalsvc.statistics import compare_curves  # noqa: PLC0415

    before, after = _aligned(session, memo, pairing)
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


def _aligned(session: Session, memo: Memo, pairing: Pairing) -> tuple[Counts, Counts]:
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
    """What a reader must know; refuses complete evaluations of different problems."""
    notes = [f"Unlike evaluations: {reason}." for reason in pairing.differs]
    for row in (pairing.baseline, pairing.candidate):
        summary = summarise(row)
        if not summary.complete:
            notes.append(
                f"{name_of(row)} is incomplete ({summary.coverage:.1%} of its samples are here); "
                "missing samples are not counted as wrong."
            )
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


def name_of(row: Evaluation) -> str:
    """RUN@STEP."""
    return f"{row.checkpoint.run.name}@{row.checkpoint.step}"


def _view(pairing: Pairing, comparison: "Comparison", notes: list[str]) -> ComparisonView:
    return ComparisonView(
        benchmark=pairing.baseline.benchmark,
        metric="pass@k",
        k=comparison.k,
        baseline=comparison.baseline,
        candidate=comparison.candidate,
        difference=comparison.difference,
        interval_fixed=comparison.interval_fixed,
        interval_population=comparison.interval_population,
        p_value=comparison.p_value,
        p_adjusted=comparison.p_adjusted,
        minimum_detectable_effect=comparison.minimum_detectable_effect,
        sentence=" ".join([comparison.sentence, *notes]),
        significant=comparison.significant,
        test=comparison.test,
        family_size=comparison.family_size,
        discordant=comparison.discordant,
        candidate_only=comparison.candidate_only,
        baseline_only=comparison.baseline_only,
        problems=comparison.problems,
        clusters=comparison.clusters,
        indicator=comparison.indicator,
        baseline_checkpoint=name_of(pairing.baseline),
        candidate_checkpoint=name_of(pairing.candidate),
        baseline_evaluation=pairing.baseline.id,
        candidate_evaluation=pairing.candidate.id,
        baseline_coverage=summarise(pairing.baseline).coverage,
        candidate_coverage=summarise(pairing.candidate).coverage,
        notes=notes,
    )
