"""A small benchmark that tests copy and damage, and the real data, added once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalsvc.catalogue import Catalogue, add_data
from tests.real_data import real_data

TOY = """
name: toy
title: Toy
description: Two problems.
modality: image
licence: {name: CC0, redistributable: true, note: ours}
sets:
  test:
    rows: 2
    files: [rows.jsonl, test.parquet]
    fields:
      id: [id]
      question: [question]
      gold: [gold]
      choices: [options]
      images: [image]
      embedded: [picture]
      subject: [subject]
      metadata: {source: [source]}
parts:
  test: {set: test}
  left: {set: test, where: {source: left}}
default_part: test
prompts:
  plain: {user: "{{question}}\\n{{choices}}\\nAnswer in \\\\boxed{}."}
default_prompt: plain
"""


@pytest.fixture(scope="session")
def real_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every benchmark's real data, taken in as a user would."""
    source = real_data()
    root = tmp_path_factory.mktemp("data")
    for name in ("math", "aime2025", "amc23", "geo3k", "mathvision", "mathverse", "medical"):
        add_data(name, source, root)
    return root


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """The folder of a benchmark called toy."""
    folder = tmp_path / "catalogue" / "toy"
    folder.mkdir(parents=True)
    (folder / "benchmark.yaml").write_text(TOY)
    return folder


@pytest.fixture
def catalogue(toy: Path) -> Catalogue:
    return Catalogue([toy.parent])


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Writes records as rows.jsonl into a new folder and returns the folder."""

    def write(*records: dict[str, Any]) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        lines = (json.dumps(record) + "\n" for record in records)
        (folder / "rows.jsonl").write_text("".join(lines))
        return folder

    return write


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a bundled benchmark's folder under another name, as a user does."""

    def copy(name: str) -> Path:
        folder = tmp_path / "mine" / "mine"
        shutil.copytree(Catalogue().folder(name), folder)
        text = (folder / "benchmark.yaml").read_text()
        (folder / "benchmark.yaml").write_text(text.replace(f"name: {name}", "name: mine", 1))
        return folder

    return copy
