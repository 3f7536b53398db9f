"""An evaluation for readers: what was requested, how much is done, its figures, its origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalsvc.catalogue import Catalogue
from evalsvc.conditions import mixed_conditions
from evalsvc.imports import COUNTS_ENGINE
from evalsvc.services.evaluations.contamination import contamination_traits
from evalsvc.services.evaluations.doubts import weight_doubts
from evalsvc.services.evaluations.figures import Group, Metric, breakdowns, pass_at_ks, useful_ks
from evalsvc.services.evaluations.remarks import AnswerShares, remarks_on, subset_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Checkpoint, Evaluation
from evalsvc.store.repositories import evaluations, shards
from evalsvc.store.repositories.counts import Counts, read_counts
from evalsvc.store.repositories.problems import TraitTable, read_traits
from evalsvc.store.states import EvaluationState

MAX_NAMED = 8  # other holders that a note names


@dataclass(frozen=True)
class EvaluationSummary:
    """One line of a list. Rates are fractions of the samples seen; null while nothing is known."""

    id: str
    run: str
    method: str
    base_model: str | None
    step: int
    checkpoint_id: int
    benchmark: str
    revision: str
    engine: str
    state: str
    complete: bool  # done, and no sample is missing
    coverage: float  # samples seen of samples wanted
    problems_wanted: int
    problems_seen: int
    problems_total: int  # of the benchmark; more than problems_wanted: these are a subset
    samples_wanted: int  # per problem
    samples_seen: int  # over all problems
    truncated_rate: float | None
    no_answer_rate: float | None
    verifier_failure_rate: float | None
    remarks: list[str]  # what stands beside each figure: a subset, answers cut off ...
    output_tokens: int
    protocol: dict[str, Any]
    protocol_hash: str
    verifier: str | None
    error: str | None
    remedy: str | None
    version: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class ShardFailure:
    """Why a part of the evaluation is missing, and what to do."""

    shard: str
    problems: int
    samples: int
    deaths: int
    error: str
    remedy: str


@dataclass(frozen=True)
class EvaluationDetail(EvaluationSummary):
    """An evaluation with its figures. `notes` says in words what a reader must know of them.

    held_by: every RUN@STEP (METHOD) whose checkpoint holds these weights; each shows this result.
    """

    metrics: dict[str, Metric]  # by name, as in "pass@16"
    breakdowns: list[Group]
    tokens_per_sample: float | None
    tokens_per_correct_sample: float | None
    notes: list[str]
    failures: list[ShardFailure]
    provenance: dict[str, Any]
    held_by: list[str]


def summarise(row: Evaluation) -> EvaluationSummary:
    """A row with its checkpoint, run and revision as a line of a list."""
    seen, wanted = row.samples_seen, row.samples_wanted * row.problems_wanted
    shares = shares_of(row)
    return EvaluationSummary(
        id=row.id,
        run=row.checkpoint.run.name,
        method=row.checkpoint.run.method,
        base_model=row.checkpoint.run.base_model,
        step=row.checkpoint.step,
        checkpoint_id=row.checkpoint_id,
        benchmark=row.benchmark,
        revision=row.revision.revision,
        engine=row.engine,
        state=row.state,
        complete=row.state == EvaluationState.DONE and seen >= wanted,
        coverage=min(seen / wanted, 1.0) if wanted else 0.0,
        problems_wanted=row.problems_wanted,
        problems_seen=row.problems_seen,
        problems_total=row.revision.problem_count,
        samples_wanted=row.samples_wanted,
        samples_seen=seen,
        truncated_rate=shares.truncated,
        no_answer_rate=shares.no_answer,
        verifier_failure_rate=shares.failed,
        remarks=remarks_of(row),
        output_tokens=row.output_tokens,
        protocol=row.protocol,
        protocol_hash=row.protocol_hash,
        verifier=row.verifier,
        error=row.error,
        remedy=row.remedy,
        version=row.version,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def shares_of(row: Evaluation) -> AnswerShares:
    """The shares of samples without a usable answer. Unknown for bare counts."""
    judged = 0 if row.engine == COUNTS_ENGINE else row.samples_seen
    return AnswerShares(
        truncated=_rate(row.samples_truncated, judged),
        no_answer=_rate(row.samples_no_answer, judged),
        failed=_rate(row.samples_failed, judged),
    )


def remarks_of(row: Evaluation) -> list[str]:
    """The remarks shown with each figure of this evaluation."""
    said = remarks_on(row.problems_wanted, row.revision.problem_count, shares_of(row), row.protocol)
    unlike = mixed_conditions(row.provenance)
    return [*said, unlike] if unlike else said


def is_subset(row: Evaluation) -> bool:
    """Whether only some problems of the benchmark were requested."""
    return row.problems_wanted < row.revision.problem_count


def describe(
    session: Session,
    memo: Memo,
    catalogue: Catalogue,
    data_root: Path,
    evaluation_id: str,
    checkpoint_id: int | None = None,
) -> EvaluationDetail:
    """An evaluation with all its figures. `data_root` holds the benchmarks' data. NotFound.

    `checkpoint_id`: under which of the checkpoints that hold it; the one it was made for if None.
    """
    row = evaluations.get(session, evaluation_id, checkpoint_id)
    summary = summarise(row)
    asked = evaluations.ks_asked_for(session, row.id) | {int(k) for k in row.protocol.get("ks", [])}
    ks = useful_ks(asked, row.samples_wanted)
    counts, traits = counts_of(session, memo, row), traits_of(session, memo, row.revision_id)
    metrics = metrics_of(session, memo, row, ks)
    name, revision, parts = row.benchmark, row.revision.revision, traits.traits.get("part", {})
    groups = memo.get(
        ("breakdowns", row.id, row.version, tuple(ks)),
        lambda: breakdowns(
            counts, traits, ks, contamination_traits(catalogue, data_root, name, revision, parts)
        ),
    )
    failed = shards.failed_of(session, [row.id], limit=20)
    held_by = [_holder(found) for found in evaluations.holders(session, row.id)]
    return EvaluationDetail(
        **vars(summary),
        metrics={f"pass@{metric.k}": metric for metric in metrics},
        breakdowns=groups,
        tokens_per_sample=_tokens(counts.tokens, counts.n),
        tokens_per_correct_sample=_tokens(counts.tokens_correct, counts.c),
        notes=[*_notes(summary, counts, metrics, row.provenance), *_shared(held_by, summary)],
        failures=[
            ShardFailure(
                shard=shard.id,
                problems=len(shard.problems),
                samples=shard.size,
                deaths=shard.deaths,
                error=shard.error or "",
                remedy=shard.remedy or "",
            )
            for shard in failed
        ],
        provenance=row.provenance,
        held_by=held_by,
    )


def _holder(row: Checkpoint) -> str:
    return f"{row.run.name}@{row.step} ({row.run.method})"


def _shared(held_by: Sequence[str], summary: EvaluationSummary) -> list[str]:
    """Notes on other runs and steps that hold the same weights."""
    own = f"{summary.run}@{summary.step} ({summary.method})"
    others = [name for name in held_by if name != own]
    if not others:
        return []
    more = f" and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
    return [f"The same weights are held by {', '.join(others[:MAX_NAMED])}{more}."]


def counts_of(session: Session, memo: Memo, row: Evaluation) -> Counts:
    """The counts of an evaluation at its current version."""
    return memo.get(("counts", row.id, row.version), lambda: read_counts(session, row.id))


def traits_of(session: Session, memo: Memo, revision_id: int) -> TraitTable:
    """The problems of a revision, which never change."""
    return memo.get(("traits", revision_id), lambda: read_traits(session, revision_id))


def metrics_of(session: Session, memo: Memo, row: Evaluation, ks: Sequence[int]) -> list[Metric]:
    """pass@k of an evaluation at each of `ks`."""
    counts, traits = counts_of(session, memo, row), traits_of(session, memo, row.revision_id)
    return memo.get(
        ("pass@k", row.id, row.version, tuple(ks)), lambda: pass_at_ks(counts, traits, ks)
    )


def _tokens(tokens: NDArray[np.int64], samples: NDArray[np.int64]) -> float | None:
    """Tokens per sample; None where none were counted, as in imports."""
    total = int(tokens.sum())
    return _rate(total, int(samples.sum())) if total else None


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _missing(summary: EvaluationSummary, counts: Counts) -> str:
    """Bounds of pass@1 for any outcome of the missing samples."""
    from evalsvc.statistics import missing_bounds  # noqa: PLC0415 - a second to import

    unseen = np.zeros(max(summary.problems_wanted - counts.n.size, 0), dtype=np.int64)
    n, c = np.append(counts.n, unseen), np.append(counts.c, unseen)
    if not n.size or summary.coverage >= 1:
        return ""
    wanted = max(summary.samples_wanted, int(n.max()))
    return f" {missing_bounds(n, c, 1, wanted).sentence}"


def _notes(
    summary: EvaluationSummary,
    counts: Counts,
    metrics: Sequence[Metric],
    provenance: dict[str, Any],
) -> list[str]:
    notes = list(weight_doubts(provenance))
    if (stopped := provenance.get("stopped_early")) is not None:
        notes.append(
            f"Stopped early after {stopped['samples']} samples a problem: {stopped['sentence']}"
        )
    if not summary.complete:
        wanted = summary.samples_wanted * summary.problems_wanted
        notes.append(
            f"Incomplete: {summary.samples_seen:,} of {wanted:,} samples are here "
            f"({summary.coverage:.1%}). Missing samples are not counted as wrong."
            f"{_missing(summary, counts)}"
        )
    if subset := subset_of(summary.problems_wanted, summary.problems_total):
        notes.append(f"A subset: {subset}. It is not compared or ranked with the whole set.")
    fewer = [m.k for m in metrics if m.problems < summary.problems_wanted]
    if fewer:
        notes.append(
            f"Some problems have too few samples for k = {', '.join(map(str, fewer))}; "
            "those figures are over the others."
        )
    without = [m.k for m in metrics if m.interval_fixed is None]
    if without:
        notes.append(
            f"No sampling interval exists for k = {', '.join(map(str, without))}: "
            "it needs at least 2k samples a problem."
        )
    if summary.verifier_failure_rate:
        notes.append(
            f"{summary.verifier_failure_rate:.2%} of the samples could not be judged "
            "(timeout, crash or too long) and count as not correct; `evalsvc rescore` judges again."
        )
    return notes
