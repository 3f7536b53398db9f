"""The samples of a problem with their text and verdicts, and verdicts set by hand.

A problem has one address: its row. An id can equal the number of another row, so `/problems/{x}`
redirects only where x means one problem, and never accepts a write.
"""

from typing import Annotated, NoReturn
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from evalsvc.api.auth import Reader, Submitter
from evalsvc.api.evaluations import EvaluationId
from evalsvc.api.limits import MAX_NOTE_CHARACTERS, MAX_PAGE_SAMPLES
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.errors import Conflict
from evalsvc.services.evaluations import samples
from evalsvc.services.evaluations.samples import OverrideView, SamplesView
from evalsvc.store.repositories import evaluations, overrides

router = APIRouter(prefix="/v1/evaluations/{evaluation_id}", tags=["samples"])
Row = Annotated[
    int, Path(ge=0, lt=samples.MAX_ROW, description="the problem's row in the benchmark, from 0")
]
Problem = Annotated[str, Path(max_length=300, description="a problem's id, or its row")]
SampleNumber = Annotated[int, Path(ge=0, lt=2**20)]


class SamplesPage(BaseModel):
    """A page of a problem's samples; `total` is the number of samples that were judged.

    With `confidence` it is the number of those whose verdicts were reached so.
    """

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


@router.get("/rows/{row}/samples", responses=documented(404))
def list_samples(
    evaluation_id: EvaluationId,
    row: Row,
    state: StateDep,
    who: Reader,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SAMPLES)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=20, description="`next_cursor` of the page before")
    ] = None,
    confidence: Annotated[
        samples.ConfidenceName | None,
        Query(description="only verdicts that were reached so; `total` counts these"),
    ] = None,
) -> SamplesPage:
    """The samples in their order: text, extracted answer, verdict, and the rule that decided."""
    start = samples.parse_start(cursor)
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        source = (session, state.artifacts, evaluation, row)
        found: SamplesView
        if confidence is None:
            found = samples.read_samples(*source, start=start, limit=limit)
        else:
            found = samples.read_samples_of_kind(*source, confidence, start=start, limit=limit)
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


@router.post("/rows/{row}/samples/{sample}/override", status_code=201, responses=documented(404))
def override_verdict(
    evaluation_id: EvaluationId,
    row: Row,
    sample: SampleNumber,
    body: OverrideRequest,
    state: StateDep,
    who: Submitter,
) -> OverrideView:
    """Set the verdict of one sample by hand; the verifier's own is kept beside it."""
    name = body.who or who.name
    with state.database.write() as session:
        evaluation = evaluations.get(session, evaluation_id)
        problem, _ = samples.problem_at(session, evaluation, row)
        overrides.override(
            session, evaluation, problem, sample, correct=body.correct, who=name, why=body.why
        )
    return OverrideView(body.correct, name, body.why)


@router.get(
    "/problems/{problem:path}/samples",
    status_code=307,
    response_class=RedirectResponse,
    responses=documented(404, 409),
)
def find_samples(
    evaluation_id: EvaluationId, problem: Problem, request: Request, state: StateDep, who: Reader
) -> RedirectResponse:
    """Leads to the row of the one problem that has this id or row; 409 where two have."""
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        row, _ = samples.find_problem(session, evaluation, problem)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{_row_address(evaluation_id, row)}/samples{query}", status_code=307)


@router.post(
    "/problems/{problem:path}/samples/{sample}/override",
    status_code=409,
    responses=documented(404, 409),
)
def refuse_override(
    evaluation_id: EvaluationId,
    problem: Problem,
    sample: SampleNumber,
    state: StateDep,
    who: Submitter,
) -> None:
    """A write needs the row's own address; the answer says which it is."""
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        row, problem_id = samples.find_problem(session, evaluation, problem)
    _refuse_write(f"{_row_address(evaluation_id, row)}/samples/{sample}/override", problem_id)


def _refuse_write(address: str, problem_id: str) -> NoReturn:
    raise Conflict(
        "A verdict is set at the address of the problem's row only.",
        f"If you mean the problem {problem_id[:100]!r}: POST {address}",
    )


def _row_address(evaluation_id: str, row: int) -> str:
    return f"/v1/evaluations/{quote(evaluation_id, safe='')}/rows/{row}"
