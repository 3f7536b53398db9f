"""Results of checkpoints with weights, stored without an engine."""

from collections.abc import Sequence
from typing import Any

from evalsvc.specs import CheckpointSpec, ProblemTally, Protocol, content_hash
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation, now
from evalsvc.store.repositories import checkpoints, evaluations, results, revisions, runs
from evalsvc.store.repositories.problems import ProblemTraits
from evalsvc.store.states import EvaluationState


def hold(session: Session, run: str, step: int, weights: str, **about: Any) -> int:
    """Make a checkpoint of a run at a step with these weights; gives its id."""
    spec = CheckpointSpec(
        path=f"/checkpoints/{weights}",
        fingerprint=content_hash(weights, 64),
        architecture="LlamaForCausalLM",
        architecture_hash="a",
        tokenizer_hash="t",
    )
    row = runs.find_or_create(session, run, **about)
    return checkpoints.find_or_create(session, row, step, spec).id


def evaluate(
    session: Session,
    checkpoint_id: int,
    correct: Sequence[int],
    *,
    benchmark: str = "own",
    rows: int | None = None,
    n: int = 8,
    engine: str = "vllm",
    **changes: Any,
) -> str:
    """Store that n samples of each problem were drawn, of which `correct` are right."""
    total = len(correct) if rows is None else rows
    revision = revisions.find_or_create(
        session,
        benchmark,
        f"revision-{total}",
        lambda: [ProblemTraits(i, f"p{i}", cluster=f"p{i}") for i in range(total)],
    )
    protocol = Protocol(samples=n, ks=(1,))
    checkpoint = checkpoints.get(session, checkpoint_id)
    identity = [checkpoint.fingerprint, benchmark, engine, n, total]
    wanted = Evaluation(
        id=content_hash(identity, 16),
        checkpoint_id=checkpoint_id,
        revision_id=revision.id,
        benchmark=benchmark,
        protocol=protocol.model_dump(mode="json"),
        protocol_hash=protocol.hash,
        engine=engine,
        samples_wanted=n,
        problems_wanted=len(correct),
        state=EvaluationState.DONE,
        verifier="1.0.0",
        finished_at=now(),
    )
    row, _ = evaluations.find_or_create(session, wanted)
    results.add(session, row, 0, [_tally(i, n, c, changes) for i, c in enumerate(correct)])
    row.provenance = changes.get("provenance", {})
    session.flush()
    return row.id


def _tally(problem: int, n: int, c: int, changes: dict[str, Any]) -> ProblemTally:
    flags = {
        name: format((1 << changes.get(name, 0)) - 1, "x")
        for name in ("truncated", "no_answer", "failed")
    }
    return ProblemTally(
        problem=problem,
        problem_id=f"p{problem}",
        n=n,
        sampled=format((1 << n) - 1, "x"),
        correct=format((1 << c) - 1, "x"),
        **flags,
    )
