"""The notebook of the statistics runs from a plain folder and says what the functions say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalsvc.statistics import pass_at_k

NOTEBOOK = Path(__file__).resolve().parents[3] / "examples" / "statistics.ipynb"


def test_the_notebook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    correct = np.zeros(120, dtype=int)
    for path in tmp_path.glob("samples_baseline_*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            correct[entry["doc_id"]] += int(entry["exact_match"])
    assert names["result"].value == pytest.approx(pass_at_k(8, correct, 4).mean())
    assert names["curve"].resolved(1)[:1] == (1,)
    assert names["claim"].p_value < 0.05
    assert names["forecast"].value > np.mean(correct > 0)
    assert "by extrapolation" in capsys.readouterr().out
