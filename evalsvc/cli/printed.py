"""Check the published figures of a benchmark's folder (published.csv).

This is above catalogue and statistics, which do not know each other.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsvc.catalogue import Finding

FILE = "published.csv"


def check_printed(folder: Path, parts: frozenset[str]) -> "list[Finding]":
    """What is wrong with the file, if there is one; `parts` are those of the benchmark."""
    from evalsvc.catalogue import Finding  # noqa: PLC0415 - an extra
    from evalsvc.statistics import StatisticsError, parse_published  # noqa: PLC0415 - an extra

    path = folder / FILE
    if not path.is_file():
        return []
    try:
        rows = parse_published(path.read_text(encoding="utf-8"), FILE)
    except (StatisticsError, UnicodeDecodeError) as error:
        return [Finding("error", FILE, str(error))]
    unknown = sorted({row.part for row in rows if row.part} - parts)
    return [Finding("error", FILE, f"There is no part {part!r}.") for part in unknown]
