"""The index of the decisions is complete, and its titles are those of the records."""

import re
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "decisions"
ROW = re.compile(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (\d{4}-\d{2}-\d{2}) \|$", re.MULTILINE)


def test_the_index_names_every_record_once() -> None:
    rows = ROW.findall((FOLDER / "index.md").read_text(encoding="utf-8"))
    records = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))
    assert len(records) > 50
    assert [name for _, name, _, _ in rows] == records
    for number, name, title, day in rows:
        heading = (FOLDER / name).read_text(encoding="utf-8").splitlines()[0]
        assert heading.lower() == f"# {number}: {title}".lower()
        assert name.startswith(number)
        assert date.fromisoformat(day) >= date(2026, 11, 1)


def test_numbers_are_given_once() -> None:
    numbers = [path.name[:4] for path in FOLDER.glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))
