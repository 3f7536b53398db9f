"""docs/limits.md lists every limit of the code, with its value, and no other."""

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULE = re.compile(r"^Module `(evalsvc[a-z_.]*)`\.$")
ROW = re.compile(r"^\| `([A-Z][A-Z_]*)` \| ([^|]+) \| ([^|]+) \|$")

Value = int | float | tuple[float, ...]


def _shown(value: Value) -> str:
    """A value as the page prints it: 16,384, 0.5, or several with commas between."""
    if isinstance(value, tuple):
        return ", ".join(f"{part:g}" for part in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _in_the_code() -> dict[str, str]:
    found = {}
    for path in sorted((ROOT / "evalsvc").rglob("limits.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for constant, value in vars(importlib.import_module(name)).items():
            if constant.isupper():
                found[f"{name}.{constant}"] = _shown(value)
    return found


def _on_the_page() -> dict[str, str]:
    module, found = "", {}
    for line in (ROOT / "docs" / "limits.md").read_text(encoding="utf-8").splitlines():
        if named := MODULE.match(line):
            module = named[1]
        elif row := ROW.match(line):
            assert row[3].strip(), line
            found[f"{module}.{row[1]}"] = row[2].strip()
    return found


def test_the_page_lists_the_limits_of_the_code() -> None:
    code = _in_the_code()
    assert len(code) > 80
    assert _on_the_page() == code
