"""The leaderboard: one row per checkpoint, one figure with its interval per benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from evalsvc.conditions import unlike_conditions
from evalsvc.services.evaluations.figures import Metric
from evalsvc.services.evaluations.views import EvaluationSummary, is_subset, metrics_of, summarise
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter


@dataclass(frozen=True)
class Score:
    """A checkpoint's figure on one benchmark."""

    benchmark: str
    evaluation: str
    protocol: str
    protocol_hash: str
    complete: bool
    coverage: float
    problems: int
    problems_total: int  # of the benchmark
    remarks: list[str]
    figure: Metric

    @property
    def is_subset(self) -> bool:
        """Whether the figure is over some of the benchmark's problems only."""
        return self.problems < self.problems_total


@dataclass(frozen=True)
class LeaderboardRow:
    """A checkpoint. `rank` and `mean` are over `ranked_over` of the leaderboard, null without."""

    rank: int | None
    run: str
    method: str
    step: int
    checkpoint_id: int
    mean: float | None
    benchmarks: int
    scores: list[Score]


@dataclass(frozen=True)
class Leaderboard:
    """Rows by rank; without one by how many benchmarks they have, and by name.

    ranked_over: the benchmarks of which every row has all problems. A rank is over these only.
    """

    k: int
    ranked_over: list[str]
    items: list[LeaderboardRow]
    notes: list[str]


def leaderboard(
    session: Session, memo: Memo, *, benchmark: str | None, k: int, method: str | None = None
) -> Leaderboard:
    """All checkpoints with results at `k`, the best first."""
    wanted = EvaluationFilter(benchmark=benchmark, method=method)
    scores: dict[int, dict[str, tuple[Evaluation, Metric]]] = {}
    for row in evaluations.matching(session, wanted):
        found = metrics_of(session, memo, row, [k]) if row.samples_seen else []
        if found:
            best = scores.setdefault(row.checkpoint_id, {})
            if row.benchmark not in best or _rank(row) > _rank(best[row.benchmark][0]):
                best[row.benchmark] = (row, found[0])
    rows = [_row(list(own.values())) for own in scores.values()]
    behind = [row for own in scores.values() for row, _ in own.values()]
    common = _common(rows)
    ranked = _ranked(rows, common)
    return Leaderboard(k, common, ranked, _notes(ranked, common) + _conditions(behind))


def _common(rows: Sequence[LeaderboardRow]) -> list[str]:
    """The benchmarks on which every checkpoint has a figure over all problems."""
    whole = [{score.benchmark for score in row.scores if not score.is_subset} for row in rows]
    return sorted(set.intersection(*whole)) if whole else []


def _ranked(rows: Sequence[LeaderboardRow], common: Sequence[str]) -> list[LeaderboardRow]:
    """The rows with rank and mean over their common benchmarks; without those, neither."""
    if not common:
        return sorted(rows, key=lambda row: (-row.benchmarks, row.run, row.step))
    means = {
        row.checkpoint_id: fmean(s.figure.value for s in row.scores if s.benchmark in common)
        for row in rows
    }
    best_first = sorted(rows, key=lambda row: (-means[row.checkpoint_id], row.run, row.step))
    return [
        replace(row, rank=i, mean=means[row.checkpoint_id])
        for i, row in enumerate(best_first, start=1)
    ]


def _rank(row: Evaluation) -> tuple[bool, bool, int, float]:
    """Of several evaluations of a benchmark the best: all problems, complete, most samples."""
    return (not is_subset(row), row.state == "done", row.samples_seen, row.created_at.timestamp())


def _row(found: Sequence[tuple[Evaluation, Metric]]) -> LeaderboardRow:
    first = found[0][0]
    ordered = sorted(found, key=lambda pair: pair[0].benchmark)
    scores = [_score(summarise(row), metric) for row, metric in ordered]
    return LeaderboardRow(
        rank=None,
        run=first.checkpoint.run.name,
        method=first.checkpoint.run.method,
        step=first.checkpoint.step,
        checkpoint_id=first.checkpoint_id,
        mean=None,
        benchmarks=len(scores),
        scores=scores,
    )


def _score(summary: EvaluationSummary, metric: Metric) -> Score:
    return Score(
        benchmark=summary.benchmark,
        evaluation=summary.id,
        protocol=str(summary.protocol.get("name", "custom")),
        protocol_hash=summary.protocol_hash,
        complete=summary.complete,
        coverage=summary.coverage,
        problems=summary.problems_wanted,
        problems_total=summary.problems_total,
        remarks=summary.remarks,
        figure=metric,
    )


def _conditions(rows: Sequence[Evaluation]) -> list[str]:
    """Notes on benchmarks where the checkpoints were sampled under different conditions."""
    by_benchmark: dict[str, list[Evaluation]] = {}
    for row in rows:
        by_benchmark.setdefault(row.benchmark, []).append(row)
    return [
        f"{name}: drawn under unlike conditions: {', '.join(unlike)}."
        for name, own in sorted(by_benchmark.items())
        if (unlike := unlike_conditions([row.provenance for row in own]))
    ]


def _notes(rows: Sequence[LeaderboardRow], common: Sequence[str]) -> list[str]:
    notes = []
    if len(rows) > 1 and common:
        notes.append(f"Ranked by the mean over what all have: {', '.join(common)}.")
    elif len(rows) > 1:
        notes.append("No rank: there is no benchmark of which every checkpoint has all problems.")
    if any(score.is_subset for row in rows for score in row.scores):
        notes.append("Figures over some of a benchmark's problems are marked, and not ranked.")
    protocols: dict[str, set[str]] = {}
    for row in rows:
        for score in row.scores:
            protocols.setdefault(score.benchmark, set()).add(score.protocol_hash)
    mixed = sorted(name for name, hashes in protocols.items() if len(hashes) > 1)
    if mixed:
        notes.append(f"Sampled under different protocols: {', '.join(mixed)}.")
    if any(not score.complete for row in rows for score in row.scores):
        notes.append("Incomplete evaluations are shown with their coverage.")
    if len(rows) > 1 and common:
        notes.append("Neighbours in rank may not differ: compare two rows to know.")
    return notes
