"""Two readings of the same verdicts: our rules, and the box-only rule of the paper's code.

Published numbers for one model differ by many points because of such rules alone; so both are
shown wherever they differ. Read from the transcripts' verdicts, cached by the evaluation's version.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsvc.errors import Conflict
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import shards

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.artifacts.reading import JudgedSample


@dataclass(frozen=True)
class Scoring:
    """Both scores over the same samples. `only_by_our_rules` counts by the rule that accepted."""

    samples: int
    correct: int
    correct_box_only: int
    pass_at_1: float | None  # mean over problems of the share of correct samples
    pass_at_1_box_only: float | None
    only_by_our_rules: dict[str, int]

    @property
    def sentence(self) -> str:
        """The difference as text; empty if there is none."""
        if self.pass_at_1 is None or self.correct == self.correct_box_only:
            return ""
        return (
            f"pass@1 is {self.pass_at_1:.1%} by our rules and {self.pass_at_1_box_only:.1%} by the "
            f"box-only rule of the paper's code: {self.correct - self.correct_box_only:,} of "
            f"{self.correct:,} accepted answers are not a bare letter or value in a box."
        )


def scoring(
    session: Session, memo: Memo, artifacts: "ArtifactStore", evaluation: Evaluation
) -> Scoring:
    """Both scores of an evaluation. Raises Conflict when it has no transcripts."""
    paths = [path for path, *_ in shards.transcripts_of(session, evaluation.id)]
    if not paths:
        raise Conflict(
            f"The evaluation {evaluation.id} has no transcripts.",
            "Only counts were imported, or nothing was generated yet.",
        )
    return memo.get(
        ("scoring", evaluation.id, evaluation.version),
        lambda: score_both(row for path in paths for row in artifacts.read_verdicts(path)),
    )


def score_both(rows: "Iterable[JudgedSample]") -> Scoring:
    """The two scores of judged samples. Pure."""
    from evalsvc.verification import box_only  # noqa: PLC0415 - an extra

    seen: Counter[int] = Counter()
    ours: Counter[int] = Counter()
    strict: Counter[int] = Counter()
    lost: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        seen[row.problem] += 1
        if not row.correct:
            continue
        ours[row.problem] += 1
        if box_only(row.correct, row.rule, row.extracted):
            strict[row.problem] += 1
        else:
            lost[row.rule] += 1
    return Scoring(
        samples=seen.total(),
        correct=ours.total(),
        correct_box_only=strict.total(),
        pass_at_1=_mean(ours, seen),
        pass_at_1_box_only=_mean(strict, seen),
        only_by_our_rules=dict(sorted(lost.items())),
    )


def _mean(correct: Counter[int], seen: Counter[int]) -> float | None:
    if not seen:
        return None
    return sum(correct[problem] / count for problem, count in seen.items()) / len(seen)
