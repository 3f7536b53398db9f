"""docs/limits.md lists every limit of the code, with its value, and no other."""

import re

from scripts.limits_page import PAGE, limits_of, modules, updated

MODULE = re.compile(r"^Module `(evalsvc[a-z_.]*)`\.$")
ROW = re.compile(r"^\| `([A-Z][A-Z_]*)` \| ([^|]+) \| ([^|]+) \|$")


def _on_the_page(text: str) -> dict[str, str]:
    module, found = "", {}
    for line in text.splitlines():
        if named := MODULE.match(line):
            module = named[1]
        elif row := ROW.match(line):
            assert row[3].strip() not in ("", row[1]), line
            found[f"{module}.{row[1]}"] = row[2].strip()
    return found


def test_the_page_lists_the_limits_of_the_code() -> None:
    code = {f"{m}.{name}": value for m in modules() for name, value in limits_of(m).items()}
    assert len(code) > 80
    assert _on_the_page(PAGE.read_text(encoding="utf-8")) == code, (
        "run: python -m scripts.limits_page, and read what it wrote"
    )


def test_the_script_repairs_a_stale_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    stale = page.replace("| `MAX_SAMPLES` | 16,384 |", "| `MAX_SAMPLES` | 99 |")
    stale = re.sub(r"^\| `MAX_KS`.*\n", "", stale, flags=re.MULTILINE)
    assert stale != page
    repaired = updated(stale)
    assert _on_the_page(repaired) == _on_the_page(page)
    assert "Samples of one problem" in repaired
    assert "Values of k in one comparison" in repaired
