"""Ranking checkpoints over the benchmarks they all have: by mean, and as a Swiss tournament."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from evalsvc.errors import NotFound, UsageError
from evalsvc.services.compare.pairings import name_of
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.views import counts_of, remarks_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, runs
from evalsvc.store.repositories.evaluations import EvaluationFilter

How = Literal["mean", "swiss"]
Table = dict[str, dict[str, Evaluation]]  # checkpoint -> benchmark -> evaluation


@dataclass(frozen=True)
class Ranking:
    """Rows from best to worst; `tied_with` names those that cannot be told apart."""

    how: str
    k: int
    benchmarks: list[str]
    items: list[dict[str, Any]]
    notes: list[str]


def rank(
    session: Session,
    memo: Memo,
    *,
    how: How,
    k: int,
    sides: Sequence[str],
    benchmarks: Sequence[str],
    allow_differences: bool = False,
) -> Ranking:
    """Rank RUN[@STEP]s (all evaluated checkpoints by default) over what they have in common.

    Raises NotFound without two of them, UsageError without a common benchmark or with unlike
    evaluations.
    """
    table = _table(session, sides)
    left_out: list[str] = []
    if not sides:
        table, left_out = _with_most_in_common(table, benchmarks)
    common = _common(table, benchmarks)
    notes = [*left_out, *_check_alike(table, common, allow=allow_differences)]
    results: dict[str, dict[str, tuple[Any, Any]]] = {name: {} for name in table}
    clusters: dict[str, list[str]] = {}
    for benchmark in common:
        shared = _shared_problems(session, memo, table, benchmark, k)
        for name, own in table.items():
            counts = counts_of(session, memo, own[benchmark])
            keep = np.isin(counts.problems, shared, assume_unique=True)
            results[name][benchmark] = (counts.n[keep], counts.c[keep])
        traits = traits_of(session, memo, next(iter(table.values()))[benchmark].revision_id)
        labels = cluster_labels(shared.tolist(), traits)
        if labels is not None:
            clusters[benchmark] = labels
    versions = tuple((row.id, row.version) for own in table.values() for row in own.values())
    items = memo.get(
        ("rank", how, k, tuple(common), tuple(table), versions),
        lambda: _ranked(how, k, results, clusters, common),
    )
    return Ranking(how, k, common, items, notes)


def _ranked(
    how: How, k: int, results: Any, clusters: dict[str, list[str]], common: Sequence[str]
) -> list[dict[str, Any]]:
    from evalsvc.statistics import rank_by_mean, swiss_ranking  # noqa: PLC0415 - a second

    ranking = rank_by_mean if how == "mean" else swiss_ranking
    rows: Sequence[Any] = ranking(results, dict.fromkeys(common, k), clusters=clusters)
    return [asdict(row) for row in rows]


def _table(session: Session, sides: Sequence[str]) -> Table:
    """The evaluation with the most samples of each checkpoint and benchmark."""
    rows: list[Evaluation] = []
    for side in sides:
        run, step = runs.parse_side(session, side)
        found = evaluations.matching(session, EvaluationFilter(run=run, step=step))
        newest = max((row.checkpoint.step for row in found if row.samples_seen), default=None)
        rows += [row for row in found if row.checkpoint.step == newest]
    if not sides:
        rows = list(evaluations.matching(session, EvaluationFilter()))
    table: Table = {}
    for row in sorted(rows, key=lambda row: (row.samples_seen, row.created_at)):
        if row.samples_seen:
            table.setdefault(name_of(row), {})[row.benchmark] = row
    if len(table) < 2:
        raise NotFound(
            "A ranking needs two checkpoints with results.",
            "`evalsvc results` lists what is there.",
        )
    return table


def _with_most_in_common(table: Table, benchmarks: Sequence[str]) -> tuple[Table, list[str]]:
    """If no checkpoints were named: those that have the benchmarks, and which are left out.

    If all share a benchmark, these are all. Otherwise those with the most common benchmark.
    """
    needed = set(benchmarks)
    if not needed and not set.intersection(*(set(own) for own in table.values())):
        counted = Counter(name for own in table.values() for name in own)
        needed = {min(counted, key=lambda name: (-counted[name], name))}
    kept = {name: own for name, own in table.items() if needed <= set(own)}
    if len(kept) < 2:
        return table, []
    left_out = [name for name in table if name not in kept]
    if not left_out:
        return kept, []
    names = ", ".join(sorted(needed))
    return kept, [f"Without results on {names}, and left out: {', '.join(sorted(left_out))}."]


def _common(table: Table, benchmarks: Sequence[str]) -> list[str]:
    common = sorted(set.intersection(*(set(own) for own in table.values())))
    if benchmarks:
        missing = sorted(set(benchmarks) - set(common))
        if missing:
            raise UsageError(
                f"Not every checkpoint has results on {', '.join(missing)}.",
                "Leave it out, or evaluate the others on it.",
            )
        return list(dict.fromkeys(benchmarks))
    if not common:
        raise UsageError(
            "The checkpoints have no benchmark in common.",
            "Name checkpoints that have one: RUN[@STEP] several times.",
        )
    return common


def _check_alike(table: Table, common: Sequence[str], *, allow: bool) -> list[str]:
    """Refuse different rows of a benchmark, and subsets unless allowed; return notes on them."""
    notes = []
    for benchmark in common:
        rows = [own[benchmark] for own in table.values()]
        if len({row.revision_id for row in rows}) > 1:
            raise UsageError(
                f"The checkpoints were evaluated on different rows of {benchmark}.",
                "Evaluate them on the same revision, or rank over other benchmarks.",
            )
        wanted = sorted({row.problems_wanted for row in rows})
        if len(wanted) > 1:
            numbers = f"{' and '.join(map(str, wanted))} of {rows[0].revision.problem_count}"
            if not allow:
                raise UsageError(
                    f"The checkpoints were evaluated on different problems of {benchmark} "
                    f"({numbers}).",
                    "Evaluate all on the same, leave some out, or ask for a rank over the problems "
                    "that all have: --allow-differences (allow_differences=true).",
                )
            notes.append(f"{benchmark}: ranked over the problems that all have ({numbers}).")
        notes += [
            f"{name} on {benchmark}: {', '.join(said)}."
            for name, own in table.items()
            if (said := remarks_of(own[benchmark]))
        ]
        if len({row.protocol_hash for row in rows}) > 1:
            notes.append(f"Sampled under different protocols: {benchmark}.")
        if any(row.state != "done" for row in rows):
            notes.append(f"{benchmark}: some evaluations are incomplete.")
    return notes


def _shared_problems(
    session: Session, memo: Memo, table: Table, benchmark: str, k: int
) -> "np.ndarray":
    """The problems with at least k samples of every checkpoint."""
    shared: np.ndarray | None = None
    for own in table.values():
        counts = counts_of(session, memo, own[benchmark])
        enough = counts.problems[counts.n >= k]
        shared = enough if shared is None else np.intersect1d(shared, enough)
    assert shared is not None, "there are two checkpoints"
    if not shared.size:
        raise UsageError(
            f"On {benchmark} no problem has k = {k} samples from every checkpoint.",
            "Ask for a smaller k, or draw more samples.",
        )
    return shared
