"""Evaluations: lists, figures, results per problem."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from evalsvc.api import pagination
from evalsvc.api.auth import Reader
from evalsvc.api.limits import MAX_KS, MAX_METRICS
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.evaluations.confidences import Confidences, confidences
from evalsvc.services.evaluations.metric_figures import EvaluationMetrics, evaluation_metrics
from evalsvc.services.evaluations.names import check_names
from evalsvc.services.evaluations.profiles import Profile, profile
from evalsvc.services.evaluations.samples import ProblemView, problems_page
from evalsvc.services.evaluations.scoring import Scoring, scoring
from evalsvc.services.evaluations.views import (
    EvaluationDetail,
    EvaluationSummary,
    describe,
    summarise,
)
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter
from evalsvc.store.states import EvaluationState

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])
EvaluationId = Annotated[str, Path(max_length=200, examples=["5f2c0d9be1a34788"])]
Text = Annotated[str | None, Query(max_length=200)]
MetricName = Annotated[str, Query(min_length=1, max_length=200)]
K = Annotated[int, Query(ge=1, le=MAX_SAMPLES)]


@router.get("", responses=documented(404))
def list_evaluations(
    state: StateDep,
    who: Reader,
    run: Text = None,
    method: Text = None,
    step: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    benchmark: Text = None,
    evaluation_state: Annotated[EvaluationState | None, Query(alias="state")] = None,
    job: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Paginated[EvaluationSummary]:
    """The evaluations, newest first, each with its coverage."""
    wanted = EvaluationFilter(
        run=run, method=method, step=step, benchmark=benchmark, state=evaluation_state, job=job
    )
    with state.database.read() as session:
        check_names(session, state.catalogue, run=run, method=method, benchmark=benchmark)
        rows = evaluations.page(session, wanted, pagination.decode(cursor), limit)
        return pagination.page(rows, [summarise(row) for row in rows.rows])


@router.get("/{evaluation_id}", responses=documented(404))
def get_evaluation(
    evaluation_id: EvaluationId,
    state: StateDep,
    who: Reader,
    checkpoint: Annotated[
        int | None,
        Query(ge=1, lt=2**31, description="under which of the checkpoints that hold it"),
    ] = None,
) -> EvaluationDetail:
    """pass@k with both intervals, breakdowns, rates, and where the figures come from.

    An incomplete evaluation says so in `complete`, `coverage` and `notes`; samples that are missing
    are never counted as wrong.
    """
    with state.database.read() as session:
        data = state.settings.data
        return describe(session, state.memo, state.catalogue, data, evaluation_id, checkpoint)


@router.get("/{evaluation_id}/problems", responses=documented(404))
def list_problems(
    evaluation_id: EvaluationId,
    state: StateDep,
    who: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Paginated[ProblemView]:
    """The problems in their order, each with n samples and c correct ones."""
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        rows, views = problems_page(session, evaluation, pagination.decode(cursor), limit)
        return pagination.page(rows, views)


@router.get("/{evaluation_id}/profile", responses=documented(404))
def get_profile(
    evaluation_id: EvaluationId,
    state: StateDep,
    who: Reader,
    reference: Annotated[
        str | None,
        Query(max_length=200, description="an evaluation whose rates say how hard a problem is"),
    ] = None,
) -> Profile:
    """Every registered metric, Bayesian and extrapolated pass@k, diversity, costs of voting."""
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        other = None if reference is None else evaluations.get(session, reference)
        metrics = state.metrics.metrics
        return profile(session, state.memo, state.artifacts, evaluation, metrics, other)


@router.get("/{evaluation_id}/metrics", responses=documented(404, 422))
def get_metrics(
    evaluation_id: EvaluationId,
    state: StateDep,
    who: Reader,
    metric: Annotated[
        list[MetricName],
        Query(max_length=MAX_METRICS, description="a registered metric; all by default"),
    ] = [],  # noqa: B006 - FastAPI copies it
    k: Annotated[list[K], Query(max_length=MAX_KS, description="all useful ones by default")] = [],  # noqa: B006
) -> EvaluationMetrics:
    """The figures of every registered metric, or of those that are named.

    A metric that this evaluation has no data for, or that fails, is in `left_out` with the reason.
    """
    chosen = state.metrics.select(metric)
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        return evaluation_metrics(
            session, state.memo, state.artifacts, evaluation, chosen, sorted(set(k))
        )


@router.get("/{evaluation_id}/confidences", responses=documented(404))
def get_confidences(evaluation_id: EvaluationId, state: StateDep, who: Reader) -> Confidences:
    """How many verdicts of the transcripts were proven, computed, or reached by convention."""
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        return confidences(session, state.memo, state.artifacts, evaluation)


@router.get("/{evaluation_id}/scoring", responses=documented(404, 409))
def get_scoring(evaluation_id: EvaluationId, state: StateDep, who: Reader) -> Scoring:
    """pass@1 by our rules and by the box-only rule of the paper's training code, side by side.

    Nothing is judged again: a verdict's rule says whether the stricter reading accepts it too.
    """
    with state.database.read() as session:
        evaluation = evaluations.get(session, evaluation_id)
        return scoring(session, state.memo, state.artifacts, evaluation)
