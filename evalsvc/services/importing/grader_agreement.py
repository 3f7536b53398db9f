"""Verdicts of a source's own grader on imported responses, compared with our verifier's.

The difference between two graders is part of the difference between two published scores, so it is
reported by class: which one accepts, and by which rule ours decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from evalsvc.artifacts import TranscriptRow


from evalsvc.services.limits import MAX_NAMED_PROBLEMS


class ClaimedResponse(Protocol):
    """The part of an imported response that is needed here."""

    @property
    def claimed_correct(self) -> bool | None: ...


@dataclass(frozen=True)
class Disagreement:
    """Samples that only one of the two accepts, by the rule of this verifier's verdict."""

    accepted_by: Literal["source", "here"]
    rule: str
    samples: int
    problems: list[str]  # the first ids, in their order


@dataclass(frozen=True)
class GraderAgreement:
    """Both scores over the samples of which the source gives a verdict (counts)."""

    samples: int
    correct: int
    correct_here: int
    disagreements: list[Disagreement]  # the largest class first


def grader_agreement(
    rows: "Iterable[TranscriptRow]", responses: Mapping[int, Sequence[ClaimedResponse]]
) -> GraderAgreement | None:
    """Both verdicts on the same samples; None where the source gives none.

    `responses` holds, by row index of the problem, its samples in the order of `rows`.
    """
    samples = correct = correct_here = 0
    classes: dict[tuple[bool, str], list[str]] = {}
    for row in rows:
        claimed = responses[row.problem][row.sample].claimed_correct
        if claimed is None:
            continue
        samples += 1
        correct += claimed
        correct_here += row.correct
        if claimed != row.correct:
            classes.setdefault((claimed, row.rule), []).append(row.problem_id)
    if not samples:
        return None
    found = [
        Disagreement("source" if by_source else "here", rule, len(ids), ids[:MAX_NAMED_PROBLEMS])
        for (by_source, rule), ids in classes.items()
    ]
    found.sort(key=lambda entry: -entry.samples)
    return GraderAgreement(samples, correct, correct_here, found)
