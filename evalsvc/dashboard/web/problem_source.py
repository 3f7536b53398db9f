"""The problem behind a result: its text, gold and pictures, where this server has the data.

Where it has not, or has other rows than those that were evaluated, the page says so and shows the
prompt of the transcript, which is always what the model really saw.
"""

from dataclasses import dataclass

from evalsvc.api.state import State
from evalsvc.catalogue import CatalogueError, Dataset, ImageRef, Problem
from evalsvc.services.memo import Memo
from evalsvc.store.models import Evaluation

# Each is a few megabytes; a reader looks at one benchmark, sometimes at two beside each other.
_datasets = Memo(entries=3)


@dataclass(frozen=True)
class Question:
    """A problem to show. `problem` is None where `reason` says why its text is not here."""

    problem: Problem | None
    reason: str


def find_question(state: State, evaluation: Evaluation, index: int) -> Question:
    """The problem of this row of the evaluated revision."""
    try:
        dataset = _load(state, evaluation.benchmark)
    except CatalogueError as error:
        return Question(None, str(error))
    if dataset.revision != evaluation.revision.revision:
        return Question(None, "The rows on this server are not those that were evaluated.")
    if not 0 <= index < len(dataset):
        return Question(None, f"The benchmark has no row {index}.")
    return Question(dataset.problems[index], "")


def find_image(state: State, evaluation: Evaluation, index: int, position: int) -> ImageRef | None:
    """One picture of a problem, or None."""
    problem = find_question(state, evaluation, index).problem
    if problem is None or not 0 <= position < len(problem.images):
        return None
    return problem.images[position]


def _load(state: State, benchmark: str) -> Dataset:
    name, _, part = benchmark.partition(":")
    key = (str(state.settings.data), state.settings.benchmarks, benchmark)
    return _datasets.get(
        key, lambda: state.catalogue.load(name, state.settings.data, part=part or None)
    )
