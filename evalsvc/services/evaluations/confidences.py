"""How the verdicts of an evaluation were reached: proven, computed, or by convention.

Counted over the verifier's verdicts in the transcripts and kept by the evaluation's version. A
verdict set by hand, or changed by an accepted rescore, counts as it stands in the transcript.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import shards

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore

DECIDED = frozenset({"correct", "wrong"})


@dataclass(frozen=True)
class Confidences:
    """Verdicts by how they were reached. `samples` is the sum of the five counts after it.

    `undecided`: no answer, or the verifier failed. `not_recorded`: decided by a verifier that did
    not say how. `convention_share` is over those that are recorded; None where there are none.
    """

    samples: int
    proven: int
    computed: int
    convention: int
    undecided: int
    not_recorded: int
    convention_share: float | None
    sentence: str  # the counts in words; empty where nothing was decided


def confidences(
    session: Session, memo: Memo, artifacts: "ArtifactStore", evaluation: Evaluation
) -> Confidences:
    """How an evaluation's verdicts were reached. Raises NotFound, StorageError (transcripts)."""
    paths = [path for path, *_ in shards.transcripts_of(session, evaluation.id)]
    return memo.get(
        ("confidences", evaluation.id, evaluation.version),
        lambda: count_confidences(
            (read.verdict, read.confidence)
            for path in paths
            for read in artifacts.read_reached(path)
        ),
    )


def count_confidences(verdicts: Iterable[tuple[str, str | None]]) -> Confidences:
    """The counts of (verdict, confidence). Pure."""
    counted = Counter(verdicts)
    by_kind: Counter[str] = Counter()
    for (verdict, confidence), count in counted.items():
        by_kind[(confidence or "not_recorded") if verdict in DECIDED else "undecided"] += count
    recorded = by_kind["proven"] + by_kind["computed"] + by_kind["convention"]
    return Confidences(
        samples=counted.total(),
        proven=by_kind["proven"],
        computed=by_kind["computed"],
        convention=by_kind["convention"],
        undecided=by_kind["undecided"],
        not_recorded=by_kind["not_recorded"],
        convention_share=by_kind["convention"] / recorded if recorded else None,
        sentence=_sentence(by_kind["convention"], recorded, by_kind["not_recorded"]),
    )


def _sentence(convention: int, recorded: int, not_recorded: int) -> str:
    missing = f"How {not_recorded:,} verdicts were reached is not recorded." if not_recorded else ""
    if not recorded:
        return missing
    said = (
        f"{convention:,} of {recorded:,} verdicts ({convention / recorded:.1%}) were reached by "
        "convention: a unit, a label or words were dropped, and the like."
    )
    return f"{said} {missing}".rstrip()
