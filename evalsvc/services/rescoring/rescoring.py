"""Judging an evaluation's transcripts again: generates nothing, changes nothing until accepted.

Reads one transcript at a time and stores only changes against the verdicts that currently count:
those of the transcripts, or of a rescore accepted since. The summary gives the number of verdicts
that flipped each way and the effect on pass@k.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from evalsvc.errors import BenchmarkError, Conflict, EvalsvcError
from evalsvc.services.importing.judging import policy_of
from evalsvc.services.rescoring.rescore_effect import rescore_effect
from evalsvc.settings import Settings
from evalsvc.specs import verdict_flags
from evalsvc.store.database import Database, Session
from evalsvc.store.models import Evaluation, Rescore, RescoredSample
from evalsvc.store.repositories import evaluations, overrides, rescores, results, shards
from evalsvc.store.repositories.rescores import SampleVerdict

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.catalogue import Dataset
    from evalsvc.services.jobs.datasets import DatasetCache
    from evalsvc.verification import (
        ExtractionPolicy,
        Verdict,
        VerificationPool,
        VerificationRequest,
    )

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


def pass_at_1(row: Rescore) -> tuple[float | None, float | None]:
    """pass@1 by the verdicts before and after, from the summary; None until there is one."""
    for figure in row.summary.get("pass_at_k", []):
        if figure["k"] == 1:
            return figure["before"], figure["after"]
    return None, None


def dataset_of(evaluation: Evaluation, datasets: "DatasetCache") -> "Dataset":
    """The rows that were evaluated. Raises BenchmarkError when they are not available."""
    dataset = datasets.load(evaluation.benchmark)
    if dataset.revision != evaluation.revision.revision:
        raise BenchmarkError(
            f"The data of {evaluation.benchmark!r} here are not those that were evaluated.",
            f"Add the revision {evaluation.revision.revision[:12]} again.",
        )
    return dataset


def begin(session: Session, evaluation: Evaluation, under_way: Collection[str]) -> Rescore:
    """Begin a rescore. Raises Conflict without transcripts, or while another rescore runs.

    `under_way` names the evaluations that this process is rescoring. The state in the database is
    not used: a rescore left running by a killed process would block new ones for ever.
    """
    from evalsvc.verification import VERIFIER_VERSION  # noqa: PLC0415 - an extra

    if not shards.transcripts_of(session, evaluation.id):
        raise Conflict(
            f"The evaluation {evaluation.id} has no transcripts.",
            "Only counts were imported, or nothing was generated yet.",
        )
    if evaluation.id in under_way:
        raise Conflict(
            f"The evaluation {evaluation.id} is being rescored.",
            "Wait for its end: GET /v1/evaluations/ID/rescores shows how far it is.",
        )
    return rescores.begin(session, evaluation, VERIFIER_VERSION)


def run(
    database: Database,
    artifacts: "ArtifactStore",
    dataset: "Dataset",
    rescore_id: str,
    settings: Settings,
    under_way: set[str],
) -> None:
    """Judge every sample again; a failure is recorded in the rescore's row."""
    from evalsvc.verification import VerdictCache, VerificationPool  # noqa: PLC0415

    with database.read() as session:
        evaluation = rescores.get(session, rescore_id).evaluation_id
    under_way.add(evaluation)
    try:
        cache = VerdictCache(settings.data / "verdicts.sqlite")
        with VerificationPool(settings.verifier_processes or None, cache=cache) as pool:
            _judge_all(database, artifacts, dataset, rescore_id, pool)
        with database.write() as session:
            rescores.finish(session, rescore_id, _summary(session, rescore_id))
    except Exception as error:  # of any kind: waiting clients must see the failure
        expected = isinstance(error, EvalsvcError | ValueError | OSError)
        logger.warning("rescore %s failed: %s", rescore_id, error, exc_info=not expected)
        with database.write() as session:
            rescores.fail(session, rescore_id, str(error) or type(error).__name__)
    finally:
        under_way.discard(evaluation)


def _judge_all(
    database: Database,
    artifacts: "ArtifactStore",
    dataset: "Dataset",
    rescore_id: str,
    pool: "VerificationPool",
) -> None:
    with database.read() as session:
        row = rescores.get(session, rescore_id)
        evaluation = evaluations.get(session, row.evaluation_id)
        paths = [path for path, *_ in shards.transcripts_of(session, evaluation.id)]
        prompt = str(evaluation.protocol.get("prompt", "default"))
        accepted = rescores.accepted_verdicts(session, evaluation.id)
    policy = policy_of(dataset, prompt)
    for path in paths:
        rows = iter(artifacts.read_all(path))
        while batch := list(islice(rows, BATCH)):
            verdicts = pool.stream(_cases(batch, dataset, policy))
            pairs = zip(batch, verdicts, strict=True)
            changes = [_change(row, verdict, accepted) for row, verdict in pairs]
            changed = [change for change in changes if change is not None]
            with database.write() as session:
                rescores.add(session, rescore_id, len(batch), changed)


def _cases(
    rows: Iterable[dict[str, Any]], dataset: "Dataset", policy: "ExtractionPolicy"
) -> "Iterator[VerificationRequest]":
    from evalsvc.verification import VerificationRequest  # noqa: PLC0415

    for row in rows:
        problem = dataset.problems[row["problem"]]
        yield VerificationRequest(
            row["response"], problem.gold, problem.kind, problem.choices, policy
        )


def _change(
    row: dict[str, Any], verdict: "Verdict", accepted: Mapping[tuple[int, int], SampleVerdict]
) -> dict[str, Any] | None:
    """The stored fields of a sample whose verdict differs from the one that currently counts."""
    own = SampleVerdict(row["verdict"], row["rule"])
    before = accepted.get((row["problem"], row["sample"]), own)
    if before.verdict == verdict.verdict:
        return None
    return {
        "problem": row["problem"],
        "sample": row["sample"],
        "verdict_before": before.verdict,
        "verdict_after": str(verdict.verdict),
        "rule_before": before.rule,
        "rule_after": verdict.rule,
        "extracted_after": verdict.extracted,
    }


def _summary(session: Session, rescore_id: str) -> dict[str, Any]:
    """The changes and their effect on the score; manual verdicts stay."""
    row = rescores.get(session, rescore_id)
    changed = rescores.changed_samples(session, rescore_id)
    by_hand = {(o.problem, o.sample) for o in overrides.all_of(session, row.evaluation_id)}
    flips = Counter(f"{one.verdict_before} -> {one.verdict_after}" for one in changed)
    verdicts: dict[int, dict[int, bool]] = {}
    for one in changed:
        if (one.problem, one.sample) not in by_hand:
            flags = verdict_flags(one.verdict_after)
            verdicts.setdefault(one.problem, {})[one.sample] = flags["correct"]
    masks = results.read_masks(session, row.evaluation_id)
    return {"flips": dict(flips), **asdict(rescore_effect(masks, verdicts))}
