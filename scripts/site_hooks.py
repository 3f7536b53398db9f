"""Hooks of the documentation site (mkdocs.yml).

The documents are written for two readers: a repository browser, which draws Mermaid blocks and
follows links to source files, and the site, which has no scripts of others and no source files.
"""

import hashlib
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

DOCS = Path(__file__).resolve().parents[1] / "docs"
DIAGRAMS = DOCS / "images" / "diagrams"
MERMAID = re.compile(r"^```mermaid\n(?P<text>.*?)^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[(?P<label>[^\]]+)\]\((?P<target>(?:\.\./)+[^)\s]+)\)")


def diagram_name(text: str) -> str:
    """The file name of the picture that was rendered from a Mermaid block."""
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.svg"


def diagrams(markdown: str) -> list[str]:
    """The text of every Mermaid block."""
    return [match["text"] for match in MERMAID.finditer(markdown)]


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs calls this for each page before it is rendered."""
    folder = posixpath.dirname(page.file.src_uri)
    return _without_links_to_source(_with_pictures(markdown, folder), folder)


def _with_pictures(markdown: str, folder: str) -> str:
    """Replace each Mermaid block by its rendered picture."""

    def picture(match: re.Match[str]) -> str:
        name = diagram_name(match["text"])
        if not (DIAGRAMS / name).is_file():
            raise PluginError("A Mermaid diagram has no picture. Run: scripts/diagrams")
        target = posixpath.relpath(f"images/diagrams/{name}", folder or ".")
        return f"![Diagram]({target})\n"

    return MERMAID.sub(picture, markdown)


def _without_links_to_source(markdown: str, folder: str) -> str:
    """Keep the label of a link that leads out of the documents; the site has no source files."""

    def label(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match["target"]))
        return match["label"] if path.startswith("..") else match[0]

    return LINK.sub(label, markdown)
