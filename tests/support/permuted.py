"""A benchmark whose ids are a permutation of its rows, so that one is easily taken for another."""

import json
from pathlib import Path

# Row -> id. "3" is the id of row 0 and the number of a row whose id is "1"; "5" is both of one
# problem, "6" the number of a row alone, "last" an id alone.
IDS = ("3", "4", "0", "1", "2", "5", "last")
NAME = "permuted"
_DESCRIPTION = f"""
name: {NAME}
title: Permuted
description: Problems whose ids are not the numbers of their rows.
modality: text
licence: {{name: Apache-2.0, redistributable: true}}
sets:
  test:
    rows: {len(IDS)}
    bundled: problems.jsonl
    fields: {{id: [id], question: [question], gold: [gold]}}
parts:
  test: {{set: test, title: Permuted}}
default_part: test
prompts:
  plain: {{user: "{{{{question}}}}", source: Ours.}}
default_prompt: plain
"""


def gold_of(name: str) -> str:
    """The right answer of the problem with this id, found nowhere else."""
    return str(1000 + IDS.index(name))


def write_benchmark(folder: Path, golds: str = "") -> Path:
    """Write the benchmark into `folder` and give back the folder for EVALSVC_BENCHMARKS."""
    own = folder / NAME
    own.mkdir(parents=True)
    (own / "benchmark.yaml").write_text(_DESCRIPTION)
    rows = [{"id": i, "question": f"Question of {i}.", "gold": gold_of(i)} for i in IDS]
    (own / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if golds:
        (own / "golds.yaml").write_text(golds)
    return folder
