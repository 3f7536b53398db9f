"""Writes docs/decisions/index.md from the records: number, title, and the date of each.

Usage: python -m scripts.decisions_index

A date that the index already has is kept; a new record gets the date of its first commit, or of
today before it is committed.
"""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "decisions"
ROW = re.compile(r"^\| \[\d{4}\]\((?P<name>[^)]+)\) \| .+ \| (?P<day>[\d-]+) \|$", re.MULTILINE)
SUBJECTS = (
    "The service",
    "Verification",
    "Statistics",
    "Trainers",
    "Benchmarks",
    "Worker",
    "Dispatch",
    "API",
    "Dashboard",
    "Vision",
    "Performance",
    "Libraries",
    "Client and settings",
)
HEAD = """# Decisions

Why it is as it is. Each record says what was decided, what else was considered, and the price. \
The date is that of the first commit of the record. A new record gets the next number of its \
subject; `python -m scripts.decisions_index` adds its row here, and a test checks the page.
"""

TABLE = "| number | decision | date |\n|---|---|---|\n"


def index() -> str:
    """The text of the page."""
    page = FOLDER / "index.md"
    known = dict(ROW.findall(page.read_text(encoding="utf-8"))) if page.exists() else {}
    lines, last = [HEAD], -1
    for record in sorted(FOLDER.glob("[0-9]*.md")):
        heading = record.read_text(encoding="utf-8").partition("\n")[0]
        number, title = heading.removeprefix("# ").split(": ", 1)
        subject = int(number) // 100
        if subject != last:
            last = subject
            lines.append(
                f"\n## {SUBJECTS[subject]}\n\n| number | decision | date |\n|---|---|---|\n"
            )
        day = known.get(record.name) or _first_commit(record)
        lines.append(f"| [{number}]({record.name}) | {title[0].upper()}{title[1:]} | {day} |\n")
    return "".join(lines)


def _first_commit(record: Path) -> str:
    command = ["git", "log", "--follow", "--diff-filter=A", "--format=%as", "--", record.name]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    days = done.stdout.split()
    return days[-1] if days else datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    (FOLDER / "index.md").write_text(index(), encoding="utf-8")
