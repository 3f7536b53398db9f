"""Every example of docs/imports.md, written to a file and imported by the command."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from evalsvc.cli.imports import app
from evalsvc.imports import FORMATS
from tests.real_data import ROOT
from tests.support.http_server import Running

EXAMPLE = re.compile(r"<!-- example: (\S+) (.+?) -->\n```\w+\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall((ROOT / "docs" / "imports.md").read_text(encoding="utf-8"))
#: step, problems, samples, correct; computed by hand from the page
EXPECTED = {
    "samples_smoke_2026-01-01T00-00-00.jsonl": (0, 2, 4, 3),
    "details_smoke|0_2026-01-01T00-00-00.parquet": (0, 2, 2, 1),
    "smoke-test.jsonl": (0, 1, 2, 1),
    "20.jsonl": (20, 2, 2, 1),
    "responses.jsonl": (0, 2, 4, 3),
    "counts.jsonl": (0, 2, 16, 5),
    "counts.csv": (0, 2, 16, 5),
}


def run(server: Running, *arguments: str) -> Any:
    common = ["--benchmark", "smoke", "--run", "run", "--server", server.url, "--json"]
    result = CliRunner().invoke(app, [*arguments, *common], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def write(path: Path, text: str) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([json.loads(x) for x in text.splitlines()]), path)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_every_format_has_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(FORMATS)
    assert {file for _, file, _ in EXAMPLES} == set(EXPECTED)


@pytest.mark.parametrize(("name", "file", "text"), EXAMPLES)
def test_an_example_is_imported(
    name: str, file: str, text: str, tmp_path: Path, server: Running
) -> None:
    path = write(tmp_path / file, text)
    made = run(server, name, str(path))
    found = (made["step"], made["problems"], made["samples"], made["correct"])
    assert found == EXPECTED[file]
    assert run(server, name, str(path))["repeated"]


def test_a_folder_of_forty_steps(tmp_path: Path, server: Running) -> None:
    row = {"input": "17 + 1 = ?", "output": "\\boxed{18}", "gts": "18", "score": 1.0}
    for step in range(10, 410, 10):
        write(tmp_path / f"{step}.jsonl", json.dumps({**row, "step": step}))
    made = run(server, "verl", str(tmp_path))
    assert [one["step"] for one in made] == list(range(10, 410, 10))
    assert run(server, "verl", str(tmp_path), "--step", "20")["step"] == 20
