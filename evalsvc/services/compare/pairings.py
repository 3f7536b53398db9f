"""Which evaluations of two checkpoints are compared: on each benchmark the pair that is most alike.

Only like is compared with like: the same rows, protocol and verifier. Anything else is refused,
unless it was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.errors import NotFound, UsageError
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, runs
from evalsvc.store.repositories.evaluations import EvaluationFilter


@dataclass(frozen=True)
class Pairing:
    """Two evaluations that are compared, and what differs between them."""

    baseline: Evaluation
    candidate: Evaluation
    differs: tuple[str, ...]


def find_pairings(
    session: Session, baseline: str, candidate: str, benchmark: str | None, *, allow: bool
) -> list[Pairing]:
    """For each benchmark that both sides have, the two evaluations that are most alike."""
    before = _evaluations(session, baseline, benchmark)
    after = _evaluations(session, candidate, benchmark)
    common = sorted({row.benchmark for row in before} & {row.benchmark for row in after})
    if not common:
        raise NotFound(
            f"{baseline} and {candidate} have no evaluation of the same benchmark"
            + (f" {benchmark!r}." if benchmark else "."),
            "Evaluate both on it, with the same protocol; `evalsvc results` lists what is there.",
        )
    pairings = [
        _best_pairing(
            [row for row in before if row.benchmark == name],
            [row for row in after if row.benchmark == name],
        )
        for name in common
    ]
    alike = [pairing for pairing in pairings if not pairing.differs]
    if allow:
        return pairings
    if alike and benchmark is None:
        return alike
    if pairings[0].differs and not alike:
        raise UsageError(
            f"{baseline} and {candidate} were not evaluated alike on "
            f"{pairings[0].baseline.benchmark}: {'; '.join(pairings[0].differs)}.",
            "Evaluate one of them again, or ask for the comparison in spite of it: "
            "--allow-differences (allow_differences=true) compares the problems that both have.",
        )
    return alike


def _evaluations(session: Session, side: str, benchmark: str | None) -> list[Evaluation]:
    """The evaluations with results of RUN@STEP, or for RUN of its newest step per benchmark."""
    run, step = runs.parse_side(session, side)
    wanted = EvaluationFilter(run=run, step=step, benchmark=benchmark)
    rows = [row for row in evaluations.matching(session, wanted) if row.samples_seen]
    if not rows:
        raise NotFound(
            f"{side} has no results" + (f" on {benchmark!r}." if benchmark else " yet."),
            "`evalsvc results` lists what is there; RUN@STEP names one checkpoint of a run.",
        )
    newest = {
        name: max(row.checkpoint.step for row in rows if row.benchmark == name)
        for name in {row.benchmark for row in rows}
    }
    return [row for row in rows if row.checkpoint.step == newest[row.benchmark]]


def _best_pairing(before: Sequence[Evaluation], after: Sequence[Evaluation]) -> Pairing:
    """The pair with the fewest differences, then with the most samples, then the newest."""
    pairs = [Pairing(b, a, unlikeness(b, a)) for b in before for a in after]

    def rank(pair: Pairing) -> tuple[int, int, float]:
        samples = min(pair.baseline.samples_seen, pair.candidate.samples_seen)
        age = pair.baseline.created_at.timestamp() + pair.candidate.created_at.timestamp()
        return (-len(pair.differs), samples, age)

    return max(pairs, key=rank)


def unlikeness(before: Evaluation, after: Evaluation) -> tuple[str, ...]:
    """What makes two evaluations of one benchmark unlike, in words."""
    found = []
    if before.revision_id != after.revision_id:
        found.append(
            f"the rows differ (revisions {before.revision.revision[:12]} and "
            f"{after.revision.revision[:12]})"
        )
    if before.protocol_hash != after.protocol_hash:
        fields = sorted(
            name
            for name in {*before.protocol, *after.protocol} - {"name", "samples", "ks"}
            if before.protocol.get(name) != after.protocol.get(name)
        )
        found.append(f"the protocols differ ({', '.join(fields)})")
    if before.verifier and after.verifier and before.verifier != after.verifier:
        found.append(f"the verifiers differ ({before.verifier} and {after.verifier})")
    return tuple(found)


def name_of(row: Evaluation) -> str:
    """RUN@STEP."""
    return f"{row.checkpoint.run.name}@{row.checkpoint.step}"
