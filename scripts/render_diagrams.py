"""Renders the Mermaid blocks of the documents in Chromium. Called by scripts/diagrams.

Usage: python -m scripts.render_diagrams PATH_OF_MERMAID_JS
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from scripts.site_hooks import DIAGRAMS, DOCS, diagram_name, diagrams

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Plain SVG text instead of HTML inside the SVG: the picture is then drawn by every viewer.
SETTINGS = """{
  startOnLoad: false, theme: 'neutral', htmlLabels: false, fontFamily: 'sans-serif',
  flowchart: {htmlLabels: false}, deterministicIds: true
}"""
# As XML, which a picture must be, on white: text is black in both colour schemes of the site.
RENDER = """async (text) => {
  const holder = document.createElement('div');
  holder.innerHTML = (await mermaid.render('d', text)).svg;
  const svg = holder.querySelector('svg');
  const box = svg.viewBox.baseVal;
  svg.setAttribute('width', box.width);
  svg.setAttribute('height', box.height);
  svg.style.background = 'white';
  return new XMLSerializer().serializeToString(svg);
}"""


def main(script: str) -> None:
    """Render what is missing and remove what no document shows any more."""
    texts = {
        diagram_name(text): text
        for document in sorted(DOCS.rglob("*.md"))
        for text in diagrams(document.read_text(encoding="utf-8"))
    }
    DIAGRAMS.mkdir(parents=True, exist_ok=True)
    for old in DIAGRAMS.glob("*.svg"):
        if old.name not in texts:
            old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<html><body></body></html>")
        page.add_script_tag(path=script)
        page.evaluate(f"mermaid.initialize({SETTINGS})")
        for name, text in texts.items():
            (DIAGRAMS / name).write_text(_render(page, text), encoding="utf-8")
        browser.close()


def _render(page: Page, text: str) -> str:
    svg: str = page.evaluate(RENDER, text)
    return svg + "\n"


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()))
