"""Figures from the answers of an evaluation beyond right and wrong: votes, diversity, early stops.

Samples are grouped by the canonical form of their answer, which the verifier wrote into the
transcripts; all right answers of a problem are one group. Read once per version of the
evaluation; imported counts have no answers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from evalsvc.services.memo import Memo
from evalsvc.specs import powers_of_two
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import results, shards
from evalsvc.store.repositories.results import Masks

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.artifacts.reading import AnsweredSample
    from evalsvc.statistics import AnswerGroups

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Vote:
    """maj@k: the chance that a vote of k samples elects a right answer, mean over problems."""

    k: int
    value: float
    problems: int


@dataclass(frozen=True)
class ProblemAnswers:
    """Of one problem. entropy in bits. samples_for_majority: null where no vote settles it."""

    problem: int
    samples: int
    distinct_answers: int
    entropy: float
    majority_correct: float
    samples_for_majority: int | None


@dataclass(frozen=True)
class AnswerDistribution:
    """Means over problems; `median_samples_for_majority` over the `settled` ones.

    samples_for_majority is the fewest samples whose vote is that of all with 95%: what voting
    could have cost.
    """

    votes: list[Vote]
    distinct_answers: float
    entropy: float
    settled: int
    median_samples_for_majority: float | None
    problems: list[ProblemAnswers]


def answers(
    session: Session, memo: Memo, artifacts: "ArtifactStore", evaluation: Evaluation
) -> AnswerDistribution | None:
    """The answers of an evaluation; None where it has no transcripts."""
    groups = answer_groups(session, memo, artifacts, evaluation)
    if groups is None:
        return None
    return memo.get(
        ("answers", evaluation.id, evaluation.version), lambda: summarise_answers(groups)
    )


def answer_groups(
    session: Session, memo: Memo, artifacts: "ArtifactStore", evaluation: Evaluation
) -> "dict[int, AnswerGroups] | None":
    """Each problem's groups of equal answers; None where there are no transcripts."""
    paths = [path for path, *_ in shards.transcripts_of(session, evaluation.id)]
    if not paths:
        return None
    masks = results.read_masks(session, evaluation.id)
    return memo.get(
        ("answer groups", evaluation.id, evaluation.version),
        lambda: group((row for path in paths for row in artifacts.read_answers(path)), masks),
    )


def group(
    rows: "Iterable[AnsweredSample]", masks: Mapping[int, Masks]
) -> "dict[int, AnswerGroups]":
    """Each problem's groups. What is right follows `masks`: rescoring and overrides included."""
    from evalsvc.statistics import AnswerGroups  # noqa: PLC0415 - a second to import

    counted: dict[int, Counter[tuple[bool, str]]] = {}
    left = {problem: found.sampled for problem, found in masks.items()}
    for row in rows:
        bit = 1 << row.sample
        if not left.get(row.problem, 0) & bit:
            continue  # no longer part of the evaluation, or already seen
        left[row.problem] ^= bit
        right = bool(masks[row.problem].correct & bit)
        # Right answers may be written in forms with different keys: they are one group.
        answer = right, "" if right else row.answer_key or ""
        counted.setdefault(row.problem, Counter())[answer] += 1
    groups = {}
    for problem, sizes in sorted(counted.items()):
        silent = sizes.pop((False, ""), 0)
        groups[problem] = AnswerGroups(
            tuple(sizes.values()), tuple(right for right, _ in sizes), silent
        )
    return groups


def summarise_answers(groups: "Mapping[int, AnswerGroups]") -> AnswerDistribution:
    """The figures of grouped answers. Pure."""
    problems = [_problem(problem, own) for problem, own in groups.items()]
    needed = [p.samples_for_majority for p in problems if p.samples_for_majority is not None]
    most = max((own.samples for own in groups.values()), default=0)
    return AnswerDistribution(
        votes=[vote for k in powers_of_two(most) if (vote := _vote(groups.values(), k))],
        distinct_answers=fmean(p.distinct_answers for p in problems),
        entropy=fmean(p.entropy for p in problems),
        settled=len(needed),
        median_samples_for_majority=float(median(needed)) if needed else None,
        problems=problems,
    )


def _vote(groups: "Iterable[AnswerGroups]", k: int) -> Vote | None:
    from evalsvc.statistics import maj_at_k  # noqa: PLC0415

    values = [maj_at_k(own, k) for own in groups if own.samples >= k]
    return Vote(k, fmean(values), len(values)) if values else None


def _problem(problem: int, own: "AnswerGroups") -> ProblemAnswers:
    from evalsvc.statistics import (  # noqa: PLC0415
        answer_entropy,
        distinct_answers,
        maj_at_k,
        samples_for_majority,
    )

    return ProblemAnswers(
        problem=problem,
        samples=own.samples,
        distinct_answers=distinct_answers(own),
        entropy=answer_entropy(own),
        majority_correct=maj_at_k(own, own.samples),
        samples_for_majority=samples_for_majority(own, CONFIDENCE),
    )
