"""`evalsvc score` on files: order, all benchmarks, overrides, malformed lines, streaming."""

# ruff: noqa: E501 - tables of cases are read by row

import json
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evalsvc.cli.score import score
from tests.unit.verification.suite import cases

app = typer.Typer()
app.command()(score)
runner = CliRunner()


def run(tmp_path: Path, records: list[Any]) -> tuple[list[dict[str, Any]], Any]:
    source, target = tmp_path / "cases.jsonl", tmp_path / "verdicts.jsonl"
    source.write_text(
        "".join(json.dumps(r) + "\n" if not isinstance(r, str) else r + "\n" for r in records)
    )
    result = runner.invoke(app, ["--input", str(source), "--output", str(target)])
    written = (
        [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []
    )
    return written, result


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_suite_through_the_command(tmp_path: Path) -> None:
    labelled = cases()
    records = [
        {
            "id": i,
            "benchmark": c.benchmark,
            "gold": c.gold,
            "choices": c.choices,
            "kind": c.given_kind,
            "response": c.response,
        }
        for i, c in enumerate(labelled)
    ]
    written, result = run(tmp_path, records)
    assert result.exit_code == 0, result.output
    assert [record["id"] for record in written] == list(range(len(labelled)))
    assert set(written[0]) == {
        "id",
        "verdict",
        "correct",
        "extracted",
        "rule",
        "verifier",
        "ms",
        "confidence",
    }
    wrong = [(c, r) for c, r in zip(labelled, written, strict=True) if c.correct != r["correct"]]
    assert len(wrong) <= 0.005 * len(labelled), wrong[:5]


def test_overrides_and_policies(tmp_path: Path) -> None:
    records = [
        {"id": "a", "benchmark": "math", "problem_id": 4791, "gold": "70,110", "response": "\\boxed{110, 70}"},
        {"id": "b", "benchmark": "math", "gold": "70,110", "response": "\\boxed{110, 70}"},
        {"id": "c", "benchmark": "mathvision", "problem_id": "2830", "gold": "\frac{36}{13}", "response": "\\boxed{\\frac{36}{13}}"},
        {"id": "d", "benchmark": "mathvision", "problem_id": 2829, "gold": "\frac{36}{13}", "response": "\\boxed{\\frac{36}{13}}"},
        {"id": "e", "benchmark": "mathverse", "problem_id": "331", "gold": "315^\\circT", "response": "\\boxed{315^\\circ}"},
        {"id": "f", "benchmark": "mathverse", "problem_id": "331", "gold": "315^\\circT", "response": "\\boxed{315^\\circT}"},
        {"id": "g", "benchmark": "medical", "gold": "B", "choices": ["x1", "x2"], "response": "<think>A</think><answer>B</answer>"},
        {"id": "h", "benchmark": "mathvision", "gold": "B", "choices": ["x1", "x2"], "response": "<answer>B</answer>"},
        {"id": "i", "benchmark": "unheard-of", "gold": 5, "response": "\\boxed{5}"},
        {"id": "j", "benchmark": "aime2025", "problem_id": 19, "gold": "336^\\circ", "response": "\\boxed{336}"},
        {"id": "k", "benchmark": "smoke", "gold": "5", "response": None},
        {"id": "l", "benchmark": "smoke", "gold": "5", "response": "\\boxed{\ud800}", "kind": "no such kind"},
    ]  # fmt: skip
    written, result = run(tmp_path, records)
    assert result.exit_code == 0, result.output
    verdicts = {record["id"]: record["verdict"] for record in written}
    right = {"a", "c", "d", "e", "f", "g", "i", "j"}
    assert {name for name, verdict in verdicts.items() if verdict == "correct"} == right
    assert verdicts["h"] == verdicts["k"] == "no_answer"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": 1', "Line 2 is not JSON"),
        ("[1, 2]", "Line 2 is not a JSON object"),
        ('{"id": 1, "benchmark": "math", "response": "x"}', "Line 2 has no gold"),
        ('{"id": 1, "gold": "5"}', "Line 2 has no response"),
        ('{"id": 1, "gold": "", "response": "x"}', "Line 2: The gold is empty"),
        (f'{{"id": 1, "gold": {"9" * 5_000}, "response": "x"}}', "Line 2: The gold has 5000"),
        ('{"id": 1, "gold": null, "response": "x"}', "Line 2: the gold must be text"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, line: str, words: str) -> None:
    good = {"id": 0, "benchmark": "math", "gold": "5", "response": "\\boxed{5}"}
    written, result = run(tmp_path, [good, line])
    assert result.exit_code == 2
    assert words in result.output
    assert written == []
    assert [path.name for path in tmp_path.iterdir()] == ["cases.jsonl"]


def test_what_no_response_should_be_does_not_end_the_run(tmp_path: Path) -> None:
    response = {"id": 0, "benchmark": "math", "gold": "5", "response": "\\boxed{5}"}
    digits = "9" * 1_000_000
    odd = [
        f'{{"id": 1, "benchmark": "math", "gold": "5", "response": {digits}}}',
        {"id": 2, "benchmark": "math", "gold": "10^{10^{10}}", "response": "\\boxed{5}"},
        {"id": 3, "benchmark": "math", "gold": "(" * 3_000 + "5", "response": "\\boxed{5}"},
        {"id": 4, "benchmark": "math", "gold": "5", "response": ["\\boxed{5}"], "problem_id": [1]},
        {"id": 5, "benchmark": "math", "gold": "5", "response": "\ud800\x00 \\boxed{5}"},
        {"id": 6, "benchmark": "math", "gold": "5", "response": "\\boxed{5}" + "\\" * 1_000_000},
    ]
    written, result = run(tmp_path, [response, *odd])
    assert result.exit_code == 0, result.output
    assert [record["id"] for record in written] == list(range(7))
    assert [record["id"] for record in written if record["correct"]] == [0, 5, 6]


def test_output_to_a_pipe_and_through_a_link(tmp_path: Path) -> None:
    line = {"id": 0, "benchmark": "math", "gold": "5", "response": "\\boxed{5}"}
    (tmp_path / "cases.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "behind.jsonl")
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    for output in ("pipe", "link.jsonl", "-"):
        result = runner.invoke(app, ["--input", "cases.jsonl", "--output", output])
        assert result.exit_code == 0, result.output
    reader.join(20)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link.jsonl").is_symlink()
    for text in (read[0], (tmp_path / "behind.jsonl").read_text(), result.stdout):
        assert json.loads(text.splitlines()[0])["correct"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text("")
    result = runner.invoke(app, ["--input", "cases.jsonl", "--output", "absent/out.jsonl"])
    assert result.exit_code == 2
    assert "no folder absent" in result.output


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = runner.invoke(app, ["--input", "absent.jsonl", "--output", "out.jsonl"])
    assert result.exit_code == 2
    assert "absent.jsonl" in result.output


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(lines: int) -> int:
        records = (
            {
                "id": k,
                "benchmark": "math",
                "gold": str(k % 50),
                "response": "x" * 2_000 + f"\\boxed{{{k % 50}}}",
            }
            for k in range(lines)
        )
        (tmp_path / "many.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        tracemalloc.start()
        result = runner.invoke(app, ["--input", "many.jsonl", "--output", "out.jsonl"])
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert result.exit_code == 0, result.output
        return high

    peak(10)
    assert peak(8_000) < peak(1_000) + 2_000_000


def test_a_script_without_a_main_guard_is_not_run_twice(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from evalsvc.verification import verify\n"
        "print('started', flush=True)\n"
        "print(verify(r'\\boxed{\\int_0^1 2x dx}', '1').verdict)\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, str(script)], cwd=root, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.stdout.split() == ["started", "correct"], done.stderr
