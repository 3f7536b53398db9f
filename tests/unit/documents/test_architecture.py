"""docs/architecture.md tells the truth: its commands find what it says, its paths exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MOST_LOOKS = 4
MOST_LINES = 60
QUESTIONS = re.findall(
    r"^### (?P<title>[^\n]+\?)\n\n```console\n(?P<commands>.*?)```\n\n(?P<answer>Answer:[^\n]+)",
    PAGE,
    re.MULTILINE | re.DOTALL,
)
PATHS = re.compile(r"`((?:evalsvc|docs|benchmarks|migrations|tests)/[A-Za-z0-9_./-]+)`")


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(
    ("commands", "answer"), [part[1:] for part in QUESTIONS], ids=[part[0] for part in QUESTIONS]
)
def test_the_commands_of_a_question_lead_to_its_answer(commands: str, answer: str) -> None:
    lines = commands.strip().splitlines()
    assert 1 <= len(lines) <= MOST_LOOKS
    seen = ""
    for line in lines:
        assert line.startswith("$ "), line
        done = subprocess.run(
            line[2:], shell=True, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert 0 < len(done.stdout.splitlines()) <= MOST_LINES, line
        seen += f"{line}\n{done.stdout}"
    targets = PATHS.findall(answer)
    assert targets, answer
    for target in targets:
        assert target in seen or target.replace("/", ".") in seen, f"{target} is not found"


def test_every_path_on_the_page_exists() -> None:
    paths = {path for path in PATHS.findall(PAGE) if "YYYYMMDD" not in path}
    assert len(paths) > 50
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_shape_of_the_four_paths_is_a_class() -> None:
    names = set()
    for sentence in re.findall(r"Shapes: ([^.]+)\.", PAGE):
        names |= set(re.findall(r"`([A-Z]\w+)`", sentence))
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "evalsvc").rglob("*.py"))
    assert len(names) > 20
    assert [name for name in sorted(names) if f"class {name}" not in code] == []


RECIPES = (
    "benchmark",
    "engine",
    "trainer layout",
    "export format",
    "page",
    "metric",
    "migration",
    "answer form",
)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_its_test(name: str) -> None:
    found = re.search(rf"^### Add an? {name}\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert "](../tests/" in found[1]
