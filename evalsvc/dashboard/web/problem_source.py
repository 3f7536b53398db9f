"""The problem of a result: its text, gold and pictures, if this server has the data.

If it does not, or if its rows differ from the evaluated ones, the page says so and shows the prompt
from the transcript, which is always what the model really saw.
"""

from dataclasses import dataclass

from evalsvc.api.state import State
from evalsvc.catalogue import ImageRef, Problem
from evalsvc.errors import BenchmarkError, NotFound
from evalsvc.services.evaluations import samples
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation


@dataclass(frozen=True)
class ShownProblem:
    """A problem to show. If its text is missing, `problem` is None and `reason` says why."""

    problem: Problem | None
    reason: str


def row_of(session: Session, evaluation: Evaluation, text: str) -> tuple[int, str]:
    """(row, id) of the problem at the row in an address. Raises NotFound."""
    row = samples.row_number(text)
    if row is None:
        raise NotFound(f"{text[:40]!r} is no number of a row.", "Rows count from 0.")
    return samples.problem_at(session, evaluation, row)


def find_shown_problem(state: State, evaluation: Evaluation, index: int) -> ShownProblem:
    """The problem of this row of the evaluated revision."""
    try:
        dataset = state.datasets.load(evaluation.benchmark)
    except BenchmarkError as error:
        return ShownProblem(None, str(error))
    if dataset.revision != evaluation.revision.revision:
        return ShownProblem(None, "The rows on this server are not those that were evaluated.")
    if not 0 <= index < len(dataset):
        return ShownProblem(None, f"The benchmark has no row {index}.")
    return ShownProblem(dataset.problems[index], "")


def find_image(state: State, evaluation: Evaluation, index: int, position: int) -> ImageRef | None:
    """One picture of a problem, or None."""
    problem = find_shown_problem(state, evaluation, index).problem
    if problem is None or not 0 <= position < len(problem.images):
        return None
    return problem.images[position]
