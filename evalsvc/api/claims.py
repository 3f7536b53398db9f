"""The claim over benchmarks: one method, or one checkpoint, against another."""

from typing import Annotated

from fastapi import APIRouter, Query

from evalsvc.api.auth import Reader
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.errors import UsageError
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.compare.claims import (
    ALPHA,
    ClaimQuestion,
    ClaimView,
    Test,
    claim,
    parse_names,
    parse_weights,
)

router = APIRouter(prefix="/v1/claims", tags=["compare"])
Side = Annotated[str | None, Query(min_length=1, max_length=220, description="RUN or RUN@STEP")]
MethodName = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="a method, as its runs have it: `GRPO`"),
]
ONE_WAY = "Give baseline_method and candidate_method, or baseline and candidate."


@router.get("", responses=documented(404))
def read_claim(
    state: StateDep,
    who: Reader,
    baseline_method: MethodName = None,
    candidate_method: MethodName = None,
    baseline: Side = None,
    candidate: Side = None,
    benchmarks: Annotated[
        str, Query(max_length=2000, description="separated by commas; all that all runs have")
    ] = "",
    k: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 1,
    weights: Annotated[
        str, Query(max_length=2000, description="`aime2025=2,amc23=1`; equal by default")
    ] = "",
    alpha: Annotated[float, Query(gt=0, lt=0.5)] = ALPHA,
    test: Annotated[Test, Query(description="for several runs of a method")] = "permutation",
    step: Annotated[
        int | None, Query(ge=0, lt=2**31, description="for methods; each run's newest by default")
    ] = None,
    base_model: Annotated[
        str | None, Query(max_length=300, description="for methods: only runs from this one")
    ] = None,
) -> ClaimView:
    """Is the candidate better over these benchmarks: on average, on every one, and on which?

    With several runs per method a run over all benchmarks is the unit, compared within its base
    model; runs with equal train seeds count once. With one run a side this compares checkpoints,
    and the sentence says so. Incomplete and unlike evaluations are refused.
    """
    methods = _by_methods((baseline_method, candidate_method), (baseline, candidate))
    sides = (baseline_method, candidate_method) if methods else (baseline, candidate)
    if not methods and (step is not None or base_model is not None):
        raise UsageError("step and base_model choose runs of methods.", "Write RUN@STEP.")
    question = ClaimQuestion(
        baseline=sides[0] or "",
        candidate=sides[1] or "",
        methods=methods,
        benchmarks=parse_names(benchmarks),
        k=k,
        weights=parse_weights(weights),
        alpha=alpha,
        test=test,
        step=step,
        base_model=base_model,
    )
    with state.database.read() as session:
        return claim(session, state.memo, question)


def _by_methods(methods: tuple[str | None, ...], checkpoints: tuple[str | None, ...]) -> bool:
    """Whether the sides are methods. Raises UsageError unless both are given one way."""
    given = [all(pair) for pair in (methods, checkpoints)]
    if sum(given) != 1 or (any(methods) and any(checkpoints)):
        raise UsageError("A claim needs two sides of one kind.", ONE_WAY)
    return given[0]
