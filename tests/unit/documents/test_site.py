"""The documentation site: its navigation, its diagrams, and nothing from other hosts."""

import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from scripts.screenshot import MAX_BYTES, OUTPUT
from scripts.site_hooks import DIAGRAMS, DOCS, diagram_name, diagrams, on_page_markdown

ROOT = DOCS.parent


class _Page:
    """What the hook needs of MkDocs' page."""

    def __init__(self, path: str) -> None:
        self.file = type("File", (), {"src_uri": path})()


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [name for part in parts for name in _named(part)]


def test_every_page_is_in_the_navigation() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    records = {page for page in pages if page.startswith("decisions/") and "index" not in page}
    assert set(_named(settings["nav"])) == pages - records
    assert settings["strict"] is True
    assert settings["theme"]["font"] is False


@pytest.mark.parametrize("document", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_every_diagram_has_its_picture(document: Path) -> None:
    for text in diagrams(document.read_text(encoding="utf-8")):
        picture = DIAGRAMS / diagram_name(text)
        assert picture.is_file(), "run scripts/diagrams"
        root = ElementTree.parse(picture).getroot()
        assert root.tag.endswith("}svg")
        assert float(root.attrib["width"]) > 0


def test_no_picture_is_left_over() -> None:
    wanted = {
        diagram_name(text)
        for document in DOCS.rglob("*.md")
        for text in diagrams(document.read_text(encoding="utf-8"))
    }
    assert {path.name for path in DIAGRAMS.glob("*.svg")} == wanted


def test_a_diagram_becomes_a_picture_and_a_source_link_its_label() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    made = on_page_markdown(page, _Page("architecture.md"))
    assert "```mermaid" not in made
    assert "![Diagram](images/diagrams/" in made
    assert "](../tests/" not in made
    assert "](decisions/index.md)" in made
    nested = on_page_markdown("[a](../api.md) [b](../../README.md)", _Page("reference/x.md"))
    assert nested == "[a](../api.md) b"


def test_the_picture_of_the_readme_is_small() -> None:
    assert OUTPUT.read_bytes().startswith(b"\x89PNG")
    assert OUTPUT.stat().st_size < MAX_BYTES
    assert OUTPUT.relative_to(ROOT).as_posix() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_supported_pythons_are_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = [line.rpartition(":: ")[2] for line in project["classifiers"] if ":: 3." in line]
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["ci"]["strategy"]["matrix"]["python"] == told
    assert all(f"python{version}" in (ROOT / "scripts/install").read_text() for version in told)
