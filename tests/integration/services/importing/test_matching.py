"""Logs in another order, of other data, joined or cut: stored rightly or refused, nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from evalsvc.catalogue import Dataset, add_data, load
from tests.real_data import real_data
from tests.support.http_server import Running

Fields = dict[str, Any]


@pytest.fixture
def aime(server: Running) -> Dataset:
    add_data("aime2025", real_data("aime2025"), server.settings.data)
    return load("aime2025", server.settings.data)


def log(
    problems: Sequence[Any],
    *,
    order: Sequence[int],
    keep: str = "question gold",
    prompt: str = "{}",
) -> Fields:
    """A log whose i-th row is problem order[i], every answer right."""
    said: list[Fields] = []
    responses: list[Fields] = []
    for place, row in enumerate(order):
        problem = problems[row]
        entry: Fields = {"problem_id": str(place)}
        if "question" in keep:
            entry["question"] = prompt.format(problem.question)
        if "gold" in keep:
            entry["gold"] = problem.gold
        said.append(entry)
        text = f"so \\boxed{{{problem.gold}}}"
        responses.append({"problem_id": str(place), "response": text})
    return {"problems": said, "responses": responses}


def send(server: Running, fields: Fields, **changes: object) -> Any:
    body = {"format": "lm-eval", "run": "run", "benchmark": "aime2025", **fields, **changes}
    with server.http as http:
        return http.post("/v1/imports", json=body, timeout=300)


def stored(server: Running) -> int:
    with server.http as http:
        return len(http.get("/v1/evaluations").json()["items"])


def refused(server: Running, fields: Fields, words: str, **changes: object) -> None:
    """It is refused with these words, and nothing is stored."""
    before = stored(server)
    answer = send(server, fields, **changes)
    assert 400 <= answer.status_code < 500, answer.text
    assert words in answer.json()["detail"] + " " + answer.json()["remedy"]
    assert stored(server) == before


@pytest.mark.parametrize("prompt", ["{}", "<|user|>\n{}\nPut the answer in \\boxed{{}}.<|end|>"])
def test_a_log_in_another_order_is_matched_by_its_questions(
    prompt: str, aime: Dataset, server: Running
) -> None:
    fields = log(aime.problems, order=range(29, -1, -1), prompt=prompt)
    answer = send(server, fields)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["problems"], made["samples"], made["correct"]) == (30, 30, 30)
    assert "The problems were matched by their questions' text." in made["notes"]


def test_without_questions_the_golds_are_compared_and_the_number_is_said(
    aime: Dataset, server: Running
) -> None:
    golds = [problem.gold for problem in aime.problems]
    differ = sum(a != b for a, b in zip(golds, reversed(golds), strict=True))
    fields = log(aime.problems, order=range(29, -1, -1), keep="gold")
    refused(server, fields, f"The golds of {differ} of 30 problems are not those of the rows")
    in_order = send(server, log(aime.problems, order=range(30), keep="gold"))
    assert (in_order.status_code, in_order.json()["correct"]) == (201, 30)


def test_one_exchanged_pair_is_enough(aime: Dataset, server: Running) -> None:
    fields = log(aime.problems, order=[1, 0, *range(2, 30)], keep="gold")
    refused(server, fields, "The golds of 2 of 30 problems")


def test_numbers_of_a_log_alone_say_nothing_unless_the_user_does(
    aime: Dataset, server: Running
) -> None:
    fields = log(aime.problems, order=range(30), keep="")
    refused(server, fields, "Their numbers alone do not say which problems they are")
    said = send(server, fields, problem_ids="row")
    assert (said.status_code, said.json()["correct"]) == (201, 30)


def test_a_log_of_two_benchmarks_is_refused(aime: Dataset, server: Running) -> None:
    fields = log(aime.problems, order=range(20))
    fields["problems"] += [{"problem_id": "20", "question": "What is 2 + 2?", "gold": "4"}]
    fields["responses"] += [{"problem_id": "20", "response": "\\boxed{4}"}]
    # The order of the others is proved, so the number is trusted, but the gold is not that row's.
    refused(server, fields, "The golds of 1 of 1 problems")
    shuffled = log(aime.problems, order=range(19, -1, -1))
    shuffled["problems"] += [{"problem_id": "20", "question": "What is 2 + 2?", "gold": "4"}]
    shuffled["responses"] += [{"problem_id": "20", "response": "\\boxed{4}"}]
    refused(server, shuffled, "1 of 21 problems cannot be told by their question")


def test_two_problems_of_a_log_on_one_row_are_refused(aime: Dataset, server: Running) -> None:
    refused(server, log(aime.problems, order=[3, 4, 3]), "are both row 3")


def test_a_part_of_a_log_is_stored_and_said(aime: Dataset, server: Running) -> None:
    made = send(server, log(aime.problems, order=[7, 2, 9])).json()
    assert (made["problems"], made["correct"]) == (3, 3)
    assert any("3 of the 30 problems" in note for note in made["notes"])


def test_other_golds_under_the_same_question_are_said(aime: Dataset, server: Running) -> None:
    fields = log(aime.problems, order=range(30))
    fields["problems"][4]["gold"] = "12345"
    made = send(server, fields).json()
    assert made["correct"] == 30
    assert any("gold differs from the benchmark's on 1 problems" in n for n in made["notes"])


def test_golds_are_compared_as_the_verifier_compares(aime: Dataset, server: Running) -> None:
    fields = log(aime.problems, order=range(30), keep="gold")
    fields["problems"][0]["gold"] = "70.0"
    fields["problems"][1]["gold"] = "It is \\boxed{588}."
    fields["problems"][2]["gold"] = "Adding up\n#### 16"
    assert send(server, fields).status_code == 201


def test_whole_numbers_that_are_ids_of_other_rows(server: Running) -> None:
    """MathVision's row 0 is problem 1."""
    add_data("mathvision", real_data("mathvision"), server.settings.data)
    problems = load("mathvision", server.settings.data).problems
    responses = [{"problem_id": str(i), "response": "\\boxed{60}"} for i in (1, 2, 3)]
    fields: Fields = {"responses": responses}
    common = {"format": "jsonl", "benchmark": "mathvision"}
    words = "3 problem ids are an id of one row of 'mathvision' and the index of another"
    refused(server, fields, words, **common)
    counts = {"counts": [{"problem_id": "1", "n": 4, "c": 1}]}
    refused(server, counts, "--problem-ids", **{**common, "format": "counts"})
    for said, right in (("id", 1), ("row", 0)):
        assert send(server, fields, problem_ids=said, **common).json()["correct"] == right
    golds = [{"problem_id": str(i), "gold": problems[i].gold} for i in (1, 2, 3)]
    told = send(server, {**fields, "problems": golds}, **common).json()
    assert "The problem ids were taken as row indices: the golds agree." in told["notes"]


def test_one_question_on_several_rows_needs_more_than_its_text(server: Running) -> None:
    add_data("medical", real_data("medical"), server.settings.data)
    problems = load("medical", server.settings.data).problems
    rows: dict[str, list[int]] = {}
    for problem in problems:
        rows.setdefault(problem.question, []).append(problem.index)
    twins = max(rows.values(), key=len)
    common = {"benchmark": "medical"}
    fields = log(problems, order=twins, keep="question")
    refused(server, fields, "cannot be told by their question", **common)
    whole = send(server, log(problems, order=range(len(problems))), **common)
    assert whole.status_code == 201, whole.text
    assert whole.json()["problems"] == len(problems)


def test_an_unknown_benchmark_is_said_with_the_like(aime: Dataset, server: Running) -> None:
    fields = log(aime.problems, order=range(30))
    refused(server, fields, "Did you mean aime2025", benchmark="aime25")
    counts = {"counts": [{"problem_id": "0", "n": 4, "c": 1}]}
    made = send(server, counts, benchmark="aime25", format="counts").json()
    assert "Did you mean aime2025" in made["notes"][0]
