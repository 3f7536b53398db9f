"""Import files permuted, cut, doubled and joined at random: the right figure, or a refusal.

The matching and the checks of the whole file are run on each; the true row of every line is known.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from evalsvc.catalogue import Dataset, load
from evalsvc.errors import UsageError
from evalsvc.imports import ResponseRow, check_rows
from evalsvc.services.importing.matching import Numbering, SourceProblem, match_problems

FILES = 1_000
Rows = list[ResponseRow]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load("smoke", tmp_path_factory.mktemp("data"))


def log(smoke: Dataset, draw: random.Random) -> Rows:
    """A sound log of some problems; `where` keeps the true row, which nothing may read."""
    n, size = draw.randint(1, 3), draw.randint(8, 30)
    said, numbered = draw.choice(["both", "question", "gold"]), draw.random() < 0.5
    prompt = draw.choice(["{}", "Solve: {} Think first."])
    return [
        ResponseRow(
            problem_id=str(problem.index),
            response=f"answer {problem.index} {i} {draw.random()}",
            gold=problem.gold if said != "question" else None,
            question=prompt.format(problem.question) if said != "gold" else None,
            sample=str(i) if numbered else None,
            where=str(problem.index),
        )
        for problem in smoke.problems[:size]
        for i in range(n)
    ]


def permuted(rows: Rows, draw: random.Random) -> Rows:
    """The log of another order of the data: the same rows under other numbers."""
    names = list(dict.fromkeys(row.problem_id for row in rows))
    others = draw.sample(names, len(names))
    new = dict(zip(names, others, strict=True))
    return [replace(row, problem_id=new[row.problem_id]) for row in rows]


def shuffled(rows: Rows, draw: random.Random) -> Rows:
    return draw.sample(rows, len(rows))


def cut(rows: Rows, draw: random.Random) -> Rows:
    return rows[: draw.randint(1, len(rows))]


def line_doubled(rows: Rows, draw: random.Random) -> Rows:
    return [*rows, draw.choice(rows)]


def file_doubled(rows: Rows, draw: random.Random) -> Rows:
    return [*rows, *rows]


def joined(rows: Rows, draw: random.Random) -> Rows:
    """Lines of another benchmark behind it, which numbers its problems from 0, too."""
    foreign = [
        replace(row, question=f"Q{i}: which colour?", gold=f"colour {i}", where="foreign")
        for i, row in enumerate(rows[: draw.randint(1, 5)])
    ]
    return [*rows, *foreign]


MUTATIONS = (permuted, shuffled, cut, line_doubled, file_doubled, joined)


def taken(smoke: Dataset, rows: Sequence[ResponseRow]) -> dict[str, int]:
    """The row of each problem, as an import takes it. Raises UsageError."""
    check_rows(rows)
    first: dict[str, ResponseRow] = {}
    for row in rows:
        first.setdefault(row.problem_id, row)
    return match_problems(
        [SourceProblem(name, row.question, row.gold) for name, row in first.items()],
        smoke,
        "smoke",
        Numbering(by_row=True),
        lambda pairs: [smoke.problems[row].gold == gold for row, gold in pairs],
    ).rows


def test_each_file_is_stored_rightly_or_refused(smoke: Dataset) -> None:
    draw = random.Random(20261128)
    stored = {mutation.__name__: [0, 0] for mutation in MUTATIONS}
    for _ in range(FILES):
        mutation = draw.choice(MUTATIONS)
        rows = mutation(log(smoke, draw), draw)
        try:
            found = taken(smoke, rows)
        except UsageError as error:
            assert error.message
            stored[mutation.__name__][1] += 1
            continue
        stored[mutation.__name__][0] += 1
        assert mutation not in (line_doubled, file_doubled, joined), (mutation, rows)
        for row in rows:
            problem = smoke.problems[found[row.problem_id]]
            right = row.where == str(problem.index)
            # Rows of one gold cannot be told apart by golds, and their verdicts do not differ.
            assert right or (row.question is None and row.gold == problem.gold), row
    assert stored["shuffled"][1] == stored["cut"][1] == 0  # nothing sound is refused
    assert stored["permuted"][0] > 0
    assert stored["permuted"][1] > 0
