"""Power: how many samples, problems or runs are needed to detect a difference, and their cost."""

from typing import Annotated

from fastapi import APIRouter, Query

from evalsvc.api.auth import Reader
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.errors import ParameterError
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.compare.power_plan import Unknown, plan
from evalsvc.statistics import Plan

router = APIRouter(prefix="/v1/power", tags=["power"])


@router.get("", responses=documented(404))
def power(
    state: StateDep,
    who: Reader,
    benchmark: Annotated[str, Query(max_length=200)],
    effect: Annotated[
        float, Query(gt=0, lt=1, description="the difference to detect: 0.05 is 5 points")
    ],
    run: Annotated[
        str | None, Query(max_length=220, description="the pilot, RUN or RUN@STEP")
    ] = None,
    pilot: Annotated[str | None, Query(max_length=220, description="another name of `run`")] = None,
    find: Annotated[Unknown, Query(description="what is asked for")] = "samples",
    k: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 1,
    candidate: Annotated[
        str | None, Query(max_length=220, description="a pilot of the other side, if there is one")
    ] = None,
    samples: Annotated[int | None, Query(ge=1, le=MAX_SAMPLES)] = None,
    problems: Annotated[int | None, Query(ge=2, le=1_000_000)] = None,
    runs: Annotated[int, Query(ge=1, le=1000)] = 1,
    alpha: Annotated[float, Query(gt=0, lt=0.5)] = 0.05,
    target: Annotated[float, Query(gt=0.05, lt=1, description="the power wanted")] = 0.8,
    run_deviation: Annotated[
        float, Query(ge=0, lt=1, description="standard deviation between runs of a method")
    ] = 0.0,
) -> Plan:
    """A design with its power, its cost in tokens, and in hours at the measured rate."""
    named = run or pilot
    if named is None or (run and pilot):
        raise ParameterError("Name one pilot.", "`run` is RUN or RUN@STEP; `pilot` is the same.")
    with state.database.read() as session:
        return plan(
            session,
            state.memo,
            run=named,
            candidate=candidate,
            benchmark=benchmark,
            find=find,
            k=k,
            effect=effect,
            samples=samples,
            problems=problems,
            runs=runs,
            alpha=alpha,
            power=target,
            run_deviation=run_deviation,
        )
