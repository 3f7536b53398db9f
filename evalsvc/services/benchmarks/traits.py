"""The stored part of a benchmark's problems: everything the statistics need, and no text."""

from evalsvc.catalogue import Dataset
from evalsvc.store.repositories.problems import ProblemTraits


def traits_of_dataset(dataset: Dataset) -> list[ProblemTraits]:
    """The traits of every problem, in the benchmark's order."""
    return [
        ProblemTraits(
            problem=problem.index,
            problem_id=problem.id,
            cluster=problem.cluster,
            part=problem.part,
            level=problem.level,
            subject=problem.subject,
            question_type=problem.question_type,
        )
        for problem in dataset
    ]
