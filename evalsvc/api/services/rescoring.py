"""Judging an evaluation's transcripts again: generates nothing, changes nothing until accepted.

Reads a transcript at a time and keeps only what changed. The summary says how many verdicts
flipped each way and what that does to pass@1.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from evalsvc.api.services.imported import policy_of
from evalsvc.errors import BenchmarkError, Conflict, EvalsvcError
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation, Rescore, RescoredSample
from evalsvc.store.repositories import browsing, rescores

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.catalogue import Catalogue, Dataset
    from evalsvc.verification import Case, ExtractionPolicy, Verdict, VerificationPool

BATCH = 2000  # samples between two writes of progress
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RescoreView:
    """A rescore. `summary` is filled when it is done."""

    id: str
    evaluation: str
    state: str
    verifier_before: str
    verifier_after: str
    judged: int
    total: int
    flipped: int
    summary: dict[str, Any]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class ChangedVerdict:
    """One sample whose verdict changed."""

    problem: int
    problem_id: str
    sample: int
    verdict_before: str
    verdict_after: str
    rule_before: str
    rule_after: str
    extracted_after: str | None


def view(row: Rescore) -> RescoreView:
    """A rescore for readers."""
    return RescoreView(
        id=row.id,
        evaluation=row.evaluation_id,
        state=row.state,
        verifier_before=row.verifier_before,
        verifier_after=row.verifier_after,
        judged=row.judged,
        total=row.total,
        flipped=row.flipped,
        summary=row.summary,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def view_change(row: RescoredSample, ids: Mapping[int, str]) -> ChangedVerdict:
    """A changed verdict for readers."""
    return ChangedVerdict(
        problem=row.problem,
        problem_id=ids.get(row.problem, str(row.problem)),
        sample=row.sample,
        verdict_before=row.verdict_before,
        verdict_after=row.verdict_after,
        rule_before=row.rule_before,
        rule_after=row.rule_after,
        extracted_after=row.extracted_after,
    )


def dataset_of(evaluation: Evaluation, settings: Settings, catalogue: "Catalogue") -> "Dataset":
    """The very rows that were evaluated. Raises BenchmarkError when they are not here."""
    from evalsvc.catalogue import CatalogueError  # noqa: PLC0415 - an extra

    try:
        dataset = catalogue.load(evaluation.benchmark, settings.data)
    except CatalogueError as error:
        raise BenchmarkError(error.message, error.remedy) from error
    if dataset.revision != evaluation.revision.revision:
        raise BenchmarkError(
            f"The data of {evaluation.benchmark!r} here are not those that were evaluated.",
            f"Add the revision {evaluation.revision.revision[:12]} again.",
        )
    return dataset


def begin(session: Session, evaluation: Evaluation) -> Rescore:
    """Raises Conflict when there are no transcripts to read."""
    from evalsvc.verification import VERIFIER_VERSION  # noqa: PLC0415 - an extra

    if not browsing.transcripts_of(session, evaluation.id):
        raise Conflict(
            f"The evaluation {evaluation.id} has no transcripts.",
            "Only counts were imported, or nothing was generated yet.",
        )
    return rescores.begin(session, evaluation, VERIFIER_VERSION)


def run(
    database: Database,
    artifacts: "ArtifactStore",
    dataset: "Dataset",
    rescore_id: str,
    settings: Settings,
) -> None:
    """Judge every sample again, to the end; a failure is written into the rescore's row."""
    from evalsvc.verification import VerificationPool  # noqa: PLC0415

    try:
        with VerificationPool(settings.verifier_processes or None) as pool:
            flips = _judge_all(database, artifacts, dataset, rescore_id, pool)
        with database.write() as session:
            rescores.finish(session, rescore_id, _summary(session, rescore_id, flips))
    except (EvalsvcError, ValueError, OSError) as error:
        logger.warning("rescore %s failed: %s", rescore_id, error)
        with database.write() as session:
            rescores.fail(session, rescore_id, str(error))


def _judge_all(
    database: Database,
    artifacts: "ArtifactStore",
    dataset: "Dataset",
    rescore_id: str,
    pool: "VerificationPool",
) -> Counter[str]:
    with database.read() as session:
        row = rescores.get(session, rescore_id)
        evaluation = browsing.get_evaluation(session, row.evaluation_id)
        paths = [path for path, *_ in browsing.transcripts_of(session, evaluation.id)]
        prompt = str(evaluation.protocol.get("prompt", "default"))
    policy = policy_of(dataset, prompt)
    flips: Counter[str] = Counter()
    for path in paths:
        rows = iter(artifacts.read_all(path))
        while batch := list(islice(rows, BATCH)):
            verdicts = pool.stream(_cases(batch, dataset, policy))
            changed = [
                _change(row, verdict)
                for row, verdict in zip(batch, verdicts, strict=True)
                if row["verdict"] != verdict.verdict
            ]
            flips.update(f"{c['verdict_before']} -> {c['verdict_after']}" for c in changed)
            with database.write() as session:
                rescores.add(session, rescore_id, len(batch), changed)
    return flips


def _cases(
    rows: Iterable[dict[str, Any]], dataset: "Dataset", policy: "ExtractionPolicy"
) -> "Iterator[Case]":
    from evalsvc.verification import Case  # noqa: PLC0415

    for row in rows:
        problem = dataset.problems[row["problem"]]
        yield Case(row["response"], problem.gold, problem.kind, problem.choices, policy)


def _change(row: dict[str, Any], verdict: "Verdict") -> dict[str, Any]:
    return {
        "problem": row["problem"],
        "sample": row["sample"],
        "verdict_before": row["verdict"],
        "verdict_after": str(verdict.verdict),
        "rule_before": row["rule"],
        "rule_after": verdict.rule,
        "extracted_after": verdict.extracted,
    }


def _summary(session: Session, rescore_id: str, flips: Counter[str]) -> dict[str, Any]:
    """What changed, and what it does to the score (the share of correct samples)."""
    row = rescores.get(session, rescore_id)
    evaluation = browsing.get_evaluation(session, row.evaluation_id)
    gained = sum(n for flip, n in flips.items() if flip.endswith("-> correct"))
    lost = sum(n for flip, n in flips.items() if flip.startswith("correct ->"))
    seen = evaluation.samples_seen
    before = evaluation.samples_correct / seen if seen else None
    after = (evaluation.samples_correct + gained - lost) / seen if seen else None
    return {
        "flips": dict(flips),
        "now_correct": gained,
        "no_longer_correct": lost,
        "correct_before": before,
        "correct_after": after,
    }
