"""Which evaluations of two checkpoints are compared: on each benchmark the most similar pair.

Both must have the same rows, protocol and verifier. Anything else is refused, unless the request
allows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.errors import NotFound, UsageError
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, runs
from evalsvc.store.repositories.checkpoints import IMPORTED
from evalsvc.store.repositories.evaluations import EvaluationFilter


@dataclass(frozen=True)
class Pairing:
    """Two evaluations to compare, what differs between them, and further notes."""

    baseline: Evaluation
    candidate: Evaluation
    differs: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_pairings(
    session: Session, baseline: str, candidate: str, benchmark: str | None, *, allow: bool
) -> list[Pairing]:
    """For each benchmark that both sides have, the two most similar evaluations."""
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
    if all(_is_itself(pairing) for pairing in pairings):
        raise UsageError(
            f"{baseline} and {candidate} are one checkpoint, {name_of(pairings[0].baseline)}: "
            "there is nothing to compare.",
            "RUN means its newest step; RUN@STEP names another one.",
        )
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


def evaluation_of(session: Session, evaluation_id: str, side: str) -> Evaluation:
    """The evaluation under the checkpoint RUN@STEP, which holds it. Raises NotFound."""
    run, step = runs.parse_side(session, side)
    wanted = EvaluationFilter(run=run, step=step, evaluation=evaluation_id)
    found = evaluations.matching(session, wanted)
    return found[0] if found else evaluations.get(session, evaluation_id)


def _best_pairing(before: Sequence[Evaluation], after: Sequence[Evaluation]) -> Pairing:
    """The pair with the fewest differences, then with the most samples, then the newest."""
    pairs = [(b, a, unlikeness(b, a)) for b in before for a in after]

    def rank(pair: tuple[Evaluation, Evaluation, tuple[str, ...]]) -> tuple[int, int, float]:
        baseline, candidate, differs = pair
        samples = min(baseline.samples_seen, candidate.samples_seen)
        age = baseline.created_at.timestamp() + candidate.created_at.timestamp()
        return (-len(differs), samples, age)

    baseline, candidate, differs = max(pairs, key=rank)
    notes = [*_other_trainings(baseline, before), *_other_trainings(candidate, after)]
    if baseline.id == candidate.id and baseline.checkpoint_id != candidate.checkpoint_id:
        notes.append(
            f"{name_of(baseline)} and {name_of(candidate)} hold the same weights: this is one "
            "result on both sides."
        )
    return Pairing(baseline, candidate, differs, tuple(dict.fromkeys(notes)))


def _is_itself(pairing: Pairing) -> bool:
    return pairing.baseline.checkpoint_id == pairing.candidate.checkpoint_id


def _is_written(row: Evaluation) -> bool:
    """Whether the weights behind a result are known; an import only names its step."""
    return not row.checkpoint.fingerprint.startswith(IMPORTED)


def _other_trainings(chosen: Evaluation, rows: Sequence[Evaluation]) -> list[str]:
    """Note that other weights exist for the same step of the run: it was trained again."""
    weights = {row.checkpoint_id for row in rows if _is_written(row)}
    if len(weights) < 2:
        return []
    return [
        f"{name_of(chosen)} was written {len(weights)} times with other weights; this is the "
        f"checkpoint {chosen.checkpoint_id} of {chosen.checkpoint.created_at:%Y-%m-%d %H:%M} UTC."
    ]


def unlikeness(before: Evaluation, after: Evaluation) -> tuple[str, ...]:
    """The differences between two evaluations of one benchmark, as text."""
    found = []
    if before.revision_id != after.revision_id:
        found.append(
            f"the rows differ (revisions {before.revision.revision[:12]} and "
            f"{after.revision.revision[:12]})"
        )
    elif before.problems_wanted != after.problems_wanted:
        total = before.revision.problem_count
        found.append(
            f"the problems differ ({before.problems_wanted:,} and {after.problems_wanted:,} "
            f"of {total:,})"
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
