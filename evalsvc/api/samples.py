"""The samples of a problem with their text and verdicts, and verdicts set by hand."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from evalsvc.api.auth import Reader, Submitter
from evalsvc.api.evaluations import EvaluationId
from evalsvc.api.limits import MAX_NOTE_CHARACTERS, MAX_PAGE_SAMPLES
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.evaluations import samples
from evalsvc.services.evaluations.samples import OverrideView, SamplesView
from evalsvc.store.repositories import evaluations, overrides

router = APIRouter(
    prefix="/v1/evaluations/{evaluation_id}/problems/{problem:path}", tags=["samples"]
)
Problem = Annotated[str, Path(max_length=300, description="the problem's id, or its row index")]
SampleNumber = Annotated[int, Path(ge=0, lt=2**20)]


class SamplesPage(BaseModel):
    """A page of a problem's samples; `total` is the number of samples that were judged."""

    evaluation: str
    problem: int
    problem_id: str
    prompt: list[dict[str, object]]
    total: int
    items: list[samples.SampleView]
    next_cursor: str | None


class OverrideRequest(BaseModel):
    """A person's verdict on one sample."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"correct": True, "why": "0.5 and 1/2 are the same number here"}]
        },
    )
    correct: bool
    why: str = Field(min_length=1, max_length=MAX_NOTE_CHARACTERS, pattern=r"^[^\x00]+$")
    who: str | None = Field(
        default=None,
        max_length=200,
        pattern=r"^[^\x00]+$",
        description="the person; the name of the key by default",
    )


@router.get("/samples", responses=documented(404))
def list_samples(
    evaluation_id: EvaluationId,
    problem: Problem,
    state: StateDep,
    who: Reader,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SAMPLES)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=20, description="`next_cursor` of the page before")
    ] = None,
) -> SamplesPage:
    """The samples in their order: text, extracted answer, verdict, and the rule that decided."""
    start = samples.parse_start(cursor)
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        found: SamplesView = samples.read_samples(
            session, state.artifacts, evaluation, problem, start=start, limit=limit
        )
    shown = found.samples
    following = shown[-1].sample + 1 if len(shown) == limit else None
    return SamplesPage(
        evaluation=found.evaluation,
        problem=found.problem,
        problem_id=found.problem_id,
        prompt=list(found.prompt),
        total=found.total,
        items=shown,
        next_cursor=None if following is None else str(following),
    )


@router.post("/samples/{sample}/override", status_code=201, responses=documented(404))
def override_verdict(
    evaluation_id: EvaluationId,
    problem: Problem,
    sample: SampleNumber,
    body: OverrideRequest,
    state: StateDep,
    who: Submitter,
) -> OverrideView:
    """Set the verdict of one sample by hand; the verifier's own is kept beside it."""
    name = body.who or who.name
    with state.database.write() as session:
        evaluation = evaluations.get(session, evaluation_id)
        row, _ = samples.find_problem(session, evaluation, problem)
        overrides.override(
            session, evaluation, row, sample, correct=body.correct, who=name, why=body.why
        )
    return OverrideView(body.correct, name, body.why)
