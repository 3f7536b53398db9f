"""Every reader on a file as its tool writes it, and on files that are broken."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalsvc.imports import FORMATS, CountsRow, ImportFileError, ResponseRow, check_rows, read
from evalsvc.imports import lines as lines_module


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_agrae(tmp_path: Path) -> None:
    row = {
        "prompt": "<|im_start|>...",
        "vanilla_response": "so \\boxed{70}",
        "question": "Find b.",
        "answer": "70",
        "question_id": 0,
        "generation_id": 0,
        "response": "so \\boxed{70}",
        "label": True,
        "gold_answer": "70",
        "pred_answer": "70",
    }
    path = write(tmp_path / "AIME2025-test.jsonl", row, {**row, "generation_id": 1, "label": False})
    found: list[Any] = list(read("agrae", path))
    assert found[0] == ResponseRow(
        "0", "so \\boxed{70}", gold="70", claimed_correct=True, where="AIME2025-test.jsonl:1",
        question="Find b.", sample="0",
    )  # fmt: skip
    assert [r.claimed_correct for r in found] == [True, False]


def test_lm_eval_reads_every_repeat_once_although_each_filter_writes_a_line(tmp_path: Path) -> None:
    row = {"doc_id": 7, "target": "4", "resps": [["2+2=4", "five"]], "filter": "strict-match"}
    rows = [row, {**row, "filter": "flexible-extract"}, {**row, "doc_id": 8, "resps": [["x"]]}]
    write(tmp_path / "samples_gsm8k_2026.jsonl", *rows, {**rows[2], "exact_match": 1.0})
    found = [r for r in read("lm-eval", tmp_path) if isinstance(r, ResponseRow)]
    assert [(r.problem_id, r.response) for r in found][:3] == [
        ("7", "2+2=4"),
        ("7", "five"),
        ("8", "x"),
    ]
    assert [r.claimed_correct for r in found] == [None, None, None, True]
    write(tmp_path / "samples_other_2026.jsonl", row)
    with pytest.raises(ImportFileError, match="2 sample files"):
        list(read("lm-eval", tmp_path))


def test_lm_eval_refuses_log_likelihoods(tmp_path: Path) -> None:
    row = {"doc_id": 0, "resps": [[[-1.5, False]]]}
    path = write(tmp_path / "samples_arc_2026.jsonl", row)
    with pytest.raises(ImportFileError, match=r"samples_arc_2026\.jsonl:1.*other than texts"):
        list(read("lm-eval", path))


def test_verl_numbers_problems_by_their_first_prompt(tmp_path: Path) -> None:
    def row(prompt: str, output: str, score: float) -> dict[str, object]:
        return {"input": prompt, "output": output, "gts": "1", "score": score, "step": 20}

    rows = [
        row("a", "1", 1.0),
        row("b", "2", 0.0),
        row("a", "3", -1.0),
        {**row("b", "4", 0), "acc": True},
    ]
    write(tmp_path / "20.jsonl", *rows)
    found = [r for r in read("verl", tmp_path) if isinstance(r, ResponseRow)]
    assert [r.problem_id for r in found] == ["0", "1", "0", "1"]
    assert [r.claimed_correct for r in found] == [True, False, False, True]
    assert {r.question for r in found} == {"a", "b"}


def test_a_verl_folder_gives_its_steps_in_their_order(tmp_path: Path) -> None:
    for step in range(10, 410, 10):
        row = {"input": "a", "output": str(step), "gts": "1", "score": 1.0, "step": step}
        write(tmp_path / f"{step}.jsonl", row, {**row, "input": "b"})
    found = [r for r in read("verl", tmp_path) if isinstance(r, ResponseRow)]
    assert [r.step for r in found] == [step for step in range(10, 410, 10) for _ in range(2)]
    assert {r.problem_id for r in found} == {"0", "1"}
    write(tmp_path / "5.jsonl", {"input": "a", "output": "x", "score": 0})
    first = next(iter(read("verl", tmp_path)))
    assert isinstance(first, ResponseRow)
    assert first.step == 5


def test_verl_files_that_hold_two_steps_or_one_step_twice(tmp_path: Path) -> None:
    row = {"input": "a", "output": "1", "score": 1.0, "step": 20}
    joined = write(tmp_path / "20.jsonl", row, {**row, "step": 40})
    with pytest.raises(ImportFileError, match=r"20\.jsonl:2: step 40 in a file of step 20"):
        list(read("verl", joined))
    write(joined, row)
    write(tmp_path / "copy.jsonl", row)
    with pytest.raises(ImportFileError, match=r"copy\.jsonl and 20\.jsonl are both of step 20"):
        list(read("verl", tmp_path))


def details(path: Path, responses: list[dict[str, object]]) -> Path:
    docs = [{"id": str(i), "query": "q"} for i in range(len(responses))]
    metric = [{"pass@1": 1.0}] * len(responses)
    pq.write_table(pa.table({"doc": docs, "model_response": responses, "metric": metric}), path)
    return path


def test_lighteval(tmp_path: Path) -> None:
    responses: list[dict[str, object]] = [
        {"text": ["one"], "output_tokens": [[1, 2, 3]]},
        {"text": ["two", "three"], "output_tokens": [[1], [1, 2]]},
    ]
    details(tmp_path / "details_aime25_2026.parquet", responses)
    found = [r for r in read("lighteval", tmp_path) if isinstance(r, ResponseRow)]
    assert [(r.problem_id, r.response, r.output_tokens) for r in found] == [
        ("0", "one", 3),
        ("1", "two", 1),
        ("1", "three", 2),
    ]
    assert [r.claimed_correct for r in found] == [True, None, None]
    assert found[-1].where == "details_aime25_2026.parquet:2"


def test_lighteval_refuses_other_parquet(tmp_path: Path) -> None:
    other = tmp_path / "details_x.parquet"
    pq.write_table(pa.table({"predictions": ["a"]}), other)
    with pytest.raises(ImportFileError, match="no columns doc and model_response"):
        list(read("lighteval", other))
    other.write_bytes(b"PAR1 not really")
    with pytest.raises(ImportFileError, match="not a readable Parquet file"):
        list(read("lighteval", other))
    with pytest.raises(ImportFileError, match="no generated text"):
        list(read("lighteval", details(other, [{"text": [], "output_tokens": [[1]]}])))


def test_plain_and_counts(tmp_path: Path) -> None:
    plain = write(
        tmp_path / "plain.jsonl",
        {"problem_id": "p1", "response": "4", "output_tokens": 9, "truncated": True},
        {"problem_id": 2, "response": ""},
    )
    assert list(read("jsonl", plain)) == [
        ResponseRow("p1", "4", True, 9, where="plain.jsonl:1"),
        ResponseRow("2", "", where="plain.jsonl:2"),
    ]
    counts = write(tmp_path / "c.jsonl", {"problem_id": 0, "n": 4, "c": 1})
    assert list(read("counts", counts)) == [CountsRow("0", 4, 1, "c.jsonl:1")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"problem_id": 0, "n": 4, "c": 5}, "c = 5 correct of n = 4"),
        ({"problem_id": 0, "n": 4.0, "c": 1}, "n must be a whole number"),
        ({"problem_id": 0, "n": True, "c": 1}, "n must be a whole number"),
        ({"problem_id": 0, "n": 4, "c": -1}, "c must be a whole number"),
        ({"problem_id": 0, "n": 4}, "there is no c. The line has: n, problem_id"),
        ({"problem_id": None, "n": 4, "c": 1}, "problem_id must be text"),
        ({"problem_id": "first", "n": 4, "c": 1}, "already given at bad.jsonl:1"),
        ([1, 2], "a list instead of an object"),
    ],
)
def test_bad_counts_name_file_and_line(tmp_path: Path, row: object, words: str) -> None:
    path = write(tmp_path / "bad.jsonl", {"problem_id": "first", "n": 4, "c": 1}, row)
    with pytest.raises(ImportFileError, match=f"bad.jsonl:2: .*{words}"):
        list(read("counts", path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"{not json}\n", "broken.jsonl:1: not a JSON object"),
        (b"\xff\xfe{}\n", "broken.jsonl:1: not a JSON object"),
        (b"[" * 200_000 + b"\n", "broken.jsonl:1: not a JSON object"),
        (b'{"problem_id": 1, "response": 5}\n', "response must be text, not a number"),
        (
            b'{"problem_id": 1, "response": "x", "truncated": 1}\n',
            "truncated must be true or false",
        ),
    ],
)
def test_broken_files_are_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=words):
        list(read("jsonl", path))


def test_missing_files_and_unknown_formats(tmp_path: Path) -> None:
    for name in FORMATS:
        with pytest.raises(ImportFileError, match="there is no file"):
            list(read(name, tmp_path / "nowhere.jsonl"))
    for name in ("lm-eval", "lighteval", "verl"):
        with pytest.raises(ImportFileError, match="holds no"):
            list(read(name, tmp_path))
    with pytest.raises(ImportFileError, match="no format 'csv'"):
        read("csv", tmp_path)


def test_overlong_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 1_000)
    path = write(tmp_path / "long.jsonl", {"problem_id": 1, "response": "x" * 2_000})
    with pytest.raises(ImportFileError, match=r"long\.jsonl:1: the line is above"):
        list(read("jsonl", path))


def test_reading_streams(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    with path.open("w") as stream:
        for i in range(20_000):
            stream.write(json.dumps({"problem_id": i % 50, "response": "word " * 100}) + "\n")
    assert path.stat().st_size > 10_000_000
    tracemalloc.start()
    assert sum(1 for _ in read("jsonl", path)) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_plain_lines_may_say_id_and_what_their_own_grader_said(tmp_path: Path) -> None:
    path = write(
        tmp_path / "outputs.jsonl",
        {"id": "1", "response": "\\boxed{60}", "model_answer": "60", "correct": True},
        {"id": "2", "response": "no", "correct": False},
        {"problem_id": "3", "id": "other", "response": "no"},
    )
    found = [row for row in read("jsonl", path) if isinstance(row, ResponseRow)]
    assert [(row.problem_id, row.claimed_correct) for row in found] == [
        ("1", True), ("2", False), ("3", None),
    ]  # fmt: skip


def test_plain_lines_may_hold_all_responses_of_a_problem(tmp_path: Path) -> None:
    path = write(
        tmp_path / "lists.jsonl",
        {"id": 1, "question": "1+1?", "gold": 2, "responses": ["2", "3"], "correct": [True, False]},
        {"id": 2, "responses": ["5"], "truncated": [True], "output_tokens": [7]},
    )
    found = [row for row in read("jsonl", path) if isinstance(row, ResponseRow)]
    assert [(r.problem_id, r.response, r.claimed_correct, r.truncated) for r in found] == [
        ("1", "2", True, False), ("1", "3", False, False), ("2", "5", None, True),
    ]  # fmt: skip
    assert [(r.question, r.gold, r.output_tokens) for r in found[1:]] == [
        ("1+1?", "2", 0), (None, None, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"responses": []}, "with at least one"),
        ({"responses": "text"}, "must be a list of texts"),
        ({"responses": ["a", 5]}, "response must be text, not a number"),
        ({"responses": ["a"], "response": "a"}, "both response and responses"),
        ({"responses": ["a", "b"], "correct": [True]}, "correct must be a list of 2 values"),
        ({"responses": ["a"], "truncated": True}, "truncated must be a list of 1 values"),
    ],
)
def test_bad_lists_of_responses(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    path = write(tmp_path / "lists.jsonl", {"problem_id": "1", **fields})
    with pytest.raises(ImportFileError, match=f"lists.jsonl:1: .*{words}"):
        list(read("jsonl", path))


def test_counts_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes('\ufeffproblem_id, n ,c\r\n0,4,1\r\n\r\n"a,b",2,0\r\n'.encode())
    assert list(read("counts", path)) == [
        CountsRow("0", 4, 1, "counts.csv:2"),
        CountsRow("a,b", 2, 0, "counts.csv:4"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "counts.csv is empty"),
        ("problem_id,n,c\n", "counts.csv holds no rows"),
        ("problem_id,n,c\n0,4\n", "counts.csv:2: 2 fields, but the first line names 3"),
        ("problem_id;n;c\n0;4;1\n", "counts.csv:2: there is no problem_id"),
        ("problem_id,n,n\n0,4,1\n", "a column is named twice"),
        ("problem_id,n,c\n0,4.0,1\n", "counts.csv:2: n must be a whole number"),
        ("problem_id,n,c\n0,4,-1\n", "c must be a whole number"),
        ("problem_id,n,c\n0,1,4\n", "Are n and c swapped"),
        ("problem_id,n,c\n0,4,1\n0,4,1\n", "already given at counts.csv:2"),
        ('problem_id,n,c\n"0,4,1\n', "not a CSV file"),
    ],
)
def test_bad_csv_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(ImportFileError) as raised:
        list(read("counts", path))
    assert words in f"{raised.value.message} {raised.value.remedy}"


def rows_of(*given: tuple[str, str, str | None], **shared: str) -> list[ResponseRow]:
    return [
        ResponseRow(name, text, sample=sample, where=f"f:{i}", **shared)  # type: ignore[arg-type]
        for i, (name, text, sample) in enumerate(given, 1)
    ]


def test_files_that_hold_a_sample_twice_are_refused() -> None:
    twice = rows_of(("0", "a", "0"), ("0", "b", "1"), ("0", "c", "0"))
    with pytest.raises(ImportFileError, match="f:3: sample 0 of problem '0' was already given"):
        check_rows(twice)
    whole = [("0", "a", None), ("1", "b", None)]
    check_rows(rows_of(*whole))
    with pytest.raises(ImportFileError, match="every response stands in the file 2 times"):
        check_rows(rows_of(*whole, *whole))
    with pytest.raises(ImportFileError, match="has 2 samples where most have 1"):
        check_rows(rows_of(*whole, ("2", "c", None), whole[0]))
    check_rows(rows_of(*whole, ("2", "c", None), ("0", "d", None)))  # an uneven number is said


def test_a_problem_with_two_questions_or_golds_is_refused() -> None:
    first = rows_of(("0", "a", None), question="1+1?", gold="2")
    with pytest.raises(ImportFileError, match="another question than at f:1"):
        check_rows(first + rows_of(("0", "a", None), question="1+2?", gold="2"))
    with pytest.raises(ImportFileError, match="another gold than at f:1"):
        check_rows(first + rows_of(("0", "a", None), question="1+1?", gold="3"))


def test_what_logs_say_of_question_and_gold(tmp_path: Path) -> None:
    lm_eval = write(
        tmp_path / "samples_a.jsonl",
        {"doc_id": 0, "doc": {"problem": "1+1?"}, "target": "2", "resps": [["2"]]},
        {"doc_id": 1, "arguments": {"gen_args_0": {"arg_0": "Q: 1+2?"}}, "resps": [["2"]]},
        {"doc_id": 2, "arguments": [["Q: 1+3?", {}]], "resps": [["2"]]},
    )
    found = [r for r in read("lm-eval", lm_eval) if isinstance(r, ResponseRow)]
    assert [(r.question, r.gold) for r in found] == [
        ("1+1?", "2"), ("Q: 1+2?", None), ("Q: 1+3?", None),
    ]  # fmt: skip
    table = pa.table(
        {
            "doc": [
                {"id": "0", "query": "1+1?", "choices": ["2", "3"], "gold_index": [0]},
                {"id": "1", "query": "1+2?", "choices": ["3"], "gold_index": [4]},
            ],
            "model_response": [{"text": ["2"]}, {"text": ["3"]}],
        }
    )
    pq.write_table(table, tmp_path / "details_a.parquet")
    found = [r for r in read("lighteval", tmp_path) if isinstance(r, ResponseRow)]
    assert [(r.question, r.gold) for r in found] == [("1+1?", "2"), ("1+2?", None)]
