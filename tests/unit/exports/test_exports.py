"""Exports read back: files by their own parsers, LaTeX by a TeX where there is one."""

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from evalsvc.exports import (
    COLUMNS,
    ExportError,
    ResultRow,
    metric_key,
    render,
    to_csv,
    to_json,
    to_latex,
    to_markdown,
    to_parquet,
    write,
)

NASTY = r"\input{/etc/passwd} 50% & $x_1^2$ #{~} <b>|`é漢 α→β Ω"


def row(**changes: Any) -> ResultRow:
    base = ResultRow(
        benchmark="aime2025",
        model="Qwen2.5-Math-7B",
        method="GRPO",
        run="grpo-0",
        step=100,
        metric="pass@k",
        k=1,
        value=0.103,
        low_population=0.05,
        high_population=0.2,
        problems=30,
        samples=7680,
    )
    return replace(base, **changes)


def table() -> list[ResultRow]:
    """Two methods on two benchmarks at three k, one cell significant."""
    return [
        row(
            benchmark=benchmark,
            method=method,
            run=f"{method}-0",
            k=k,
            value=0.1 * (1 + i) + 0.05 * (method != "GRPO"),
            better=(benchmark, method, k) == ("math", "GRPO + A-GRAE", 1),
        )
        for benchmark in ("aime2025", "math")
        for method in ("GRPO", "GRPO + A-GRAE")
        for i, k in enumerate((1, 16, 256))
    ]


def test_csv_reads_back_and_starts_no_formula() -> None:
    rows = [row(), row(method="=cmd|'/c calc'!A1", low_fixed=None)]
    found = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert tuple(found[0]) == COLUMNS
    assert float(found[0]["value"]) == 0.103
    assert found[0]["low_fixed"] == ""
    assert found[1]["method"].startswith("'=")


def test_json_and_parquet_read_back(tmp_path: Path) -> None:
    rows = table()
    assert [ResultRow(**values) for values in json.loads(to_json(rows))] == rows
    path = tmp_path / "results.parquet"
    write(path, to_parquet(rows))
    assert [ResultRow(**values) for values in pq.read_table(path).to_pylist()] == rows


def test_bold_only_where_significant() -> None:
    assert re.findall(r"\\textbf\{(.*?)\}", to_latex(table())) == ["15.0"]
    markdown = to_markdown(table())
    assert re.findall(r"\| \*\*([\d.]+)\*\*", markdown) == ["15.0"]
    assert "not bold is not resolved" in markdown


def test_layouts_of_the_paper() -> None:
    several = to_latex(table())
    assert several.count(r"\midrule") == 3
    assert r"\textit{aime2025} & pass@1 & pass@16 & pass@256 \\" in several
    single = [r for r in table() if r.k == 1]
    assert r"\textit{pass@1} & aime2025 & math \\" in to_latex(single)
    models = to_latex([row(), row(model="DeepSeek-R1-7B")])
    assert models.count(r"\begin{table}") == 2
    partial = to_markdown([row(coverage=0.5)])
    assert "Incomplete: aime2025" in partial


def test_runs_of_one_method_are_told_apart() -> None:
    text = to_markdown([row(run="a"), row(run="b", step=200)])
    assert "GRPO (a@100)" in text and "GRPO (b@200)" in text
    with pytest.raises(ExportError, match="two results for GRPO on aime2025 at pass@1"):
        to_latex([row(), row(value=0.2)])


@pytest.mark.parametrize("name", [NASTY, "中文", "a\nb", "--x", "\x07"])
def test_names_cannot_break_out_of_latex(name: str) -> None:
    text = to_latex([row(method=name, run=name, model=name, benchmark=name)])
    body = text.replace(r"\textbackslash{}", "")
    assert r"\input" not in body
    assert text.isascii()
    assert len(re.findall(r"(?<!\\)&", text)) == 2


def test_the_document_compiles(tmp_path: Path) -> None:
    rows = [*table(), *(row(model=NASTY, method=m, run=m, benchmark=NASTY) for m in (NASTY, "b"))]
    text = to_latex(rows, document=True)
    assert text.count(r"\begin{") == text.count(r"\end{")
    for block in re.findall(r"\\begin\{tabular\}\{(l r*|lr*)\}(.*?)\\end\{tabular\}", text, re.S):
        for line in re.findall(r"^(.*) \\\\$", block[1], re.M):
            assert len(re.findall(r"(?<!\\)&", line)) == len(block[0]) - 1
    compiler = shutil.which("pdflatex")
    if compiler is None:
        return  # the structure above is then all that can be shown
    (tmp_path / "table.tex").write_text(text)
    done = subprocess.run(
        [compiler, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "table.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2_000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1_000


def test_metric_names_suit_every_tracker() -> None:
    assert metric_key(row(k=16)) == "aime2025/pass_at_16"
    assert metric_key(row(metric="pass^k", k=4)) == "aime2025/pass_hat_4"
    assert metric_key(row(benchmark="medical:mri300")) == "medical_mri300/pass_at_1"


def test_nothing_to_export_and_unknown_formats(tmp_path: Path) -> None:
    for name in ("csv", "json", "parquet", "latex", "markdown"):
        with pytest.raises(ExportError, match="no results"):
            render(name, [])
    with pytest.raises(ExportError, match="no export format 'xlsx'"):
        render("xlsx", [row()])
    with pytest.raises(ExportError, match="cannot be written"):
        write(tmp_path / "nowhere" / "x.csv", "a")


def test_writing_leaves_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, "old")
    write(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "new"
