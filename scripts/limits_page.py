"""Brings docs/limits.md up to date with the limits of the code.

Usage: python -m scripts.limits_page

Values come from the code. What a limit bounds is kept where the page has it; for a new one it is
the comment in the code: above it (`#:`) or on its line.
"""

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "limits.md"
SECTION = re.compile(r"^Module `(?P<module>[a-z_.]+)`\.\n\n(?P<table>(?:\|.*\n)+)", re.MULTILINE)
ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| [^|]+ \| (?P<text>.+) \|$", re.MULTILINE)
COMMENT = re.compile(
    r"^(?:#: (?P<above>.*)\n)?(?P<name>[A-Z_]+) = [^#\n]*(?:# (?P<beside>.*))?$", re.MULTILINE
)

Value = int | float | tuple[float, ...]


def shown(value: Value) -> str:
    """A value as the page prints it: 16,384, 0.5, or several with commas between."""
    if isinstance(value, tuple):
        return ", ".join(f"{part:g}" for part in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def limits_of(module: str) -> dict[str, str]:
    """The limits of one module, in the order of the code, as the page prints them."""
    found = vars(importlib.import_module(module))
    return {
        name: shown(value)
        for name, value in found.items()
        if name.isupper() and isinstance(value, int | float | tuple)
    }


def modules() -> list[str]:
    """Every module with limits."""
    paths = sorted((ROOT / "evalsvc").rglob("limits.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


def updated(page: str) -> str:
    """The page with the tables of the code. A module that it lacks gets a section at the end."""
    named = {match["module"] for match in SECTION.finditer(page)}
    page = SECTION.sub(lambda match: _section(match["module"], match["table"]), page)
    missing = [module for module in modules() if module not in named]
    added = [f"\n## {module.split('.')[1].title()}\n\n{_section(module, '')}" for module in missing]
    return page + "".join(added)


def _section(module: str, table: str) -> str:
    known = {match["name"]: match["text"] for match in ROW.finditer(table)}
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    comments = {
        match["name"]: (match["above"] or match["beside"] or "").strip(" .")
        for match in COMMENT.finditer(source)
    }
    rows = [
        f"| `{name}` | {value} | {known.get(name) or comments.get(name) or name} |\n"
        for name, value in limits_of(module).items()
    ]
    head = "| name | value | what it limits |\n|---|---|---|\n"
    return f"Module `{module}`.\n\n{head}{''.join(rows)}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
