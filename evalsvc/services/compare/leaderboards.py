"""The leaderboard: one row per checkpoint, one figure per benchmark, none without its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.services.evaluations.figures import Metric
from evalsvc.services.evaluations.views import EvaluationSummary, metrics_of, summarise
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
    figure: Metric


@dataclass(frozen=True)
class LeaderboardRow:
    """A checkpoint. `mean` is over its scores, and only comparable between equal `benchmarks`."""

    rank: int
    run: str
    method: str
    step: int
    checkpoint_id: int
    mean: float
    benchmarks: int
    scores: list[Score]


@dataclass(frozen=True)
class Leaderboard:
    """Rows by how many of the benchmarks they have, then by mean."""

    k: int
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
    rows.sort(key=lambda row: (-row.benchmarks, -row.mean, row.run, row.step))
    ranked = [LeaderboardRow(**{**vars(row), "rank": i}) for i, row in enumerate(rows, start=1)]
    return Leaderboard(k, ranked, _notes(ranked))


def _rank(row: Evaluation) -> tuple[bool, int, float]:
    """Of several evaluations of a benchmark the complete one with the most samples counts."""
    return (row.state == "done", row.samples_seen, row.created_at.timestamp())


def _row(found: Sequence[tuple[Evaluation, Metric]]) -> LeaderboardRow:
    first = found[0][0]
    ordered = sorted(found, key=lambda pair: pair[0].benchmark)
    scores = [_score(summarise(row), metric) for row, metric in ordered]
    return LeaderboardRow(
        rank=0,
        run=first.checkpoint.run.name,
        method=first.checkpoint.run.method,
        step=first.checkpoint.step,
        checkpoint_id=first.checkpoint_id,
        mean=sum(score.figure.value for score in scores) / len(scores),
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
        figure=metric,
    )


def _notes(rows: Sequence[LeaderboardRow]) -> list[str]:
    notes = []
    if len({row.benchmarks for row in rows}) > 1:
        notes.append("Some checkpoints lack benchmarks: means are only comparable between equals.")
    protocols: dict[str, set[str]] = {}
    for row in rows:
        for score in row.scores:
            protocols.setdefault(score.benchmark, set()).add(score.protocol_hash)
    mixed = sorted(name for name, hashes in protocols.items() if len(hashes) > 1)
    if mixed:
        notes.append(f"Sampled under different protocols: {', '.join(mixed)}.")
    if any(not score.complete for row in rows for score in row.scores):
        notes.append("Incomplete evaluations are shown with their coverage.")
    if len(rows) > 1:
        notes.append("Neighbours in rank may not differ: compare two rows to know.")
    return notes
