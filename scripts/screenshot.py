"""Takes the picture of the README: the dashboard of a real service with results.

Usage: python -m scripts.screenshot [OUTPUT]

The service is the one of the dashboard's tests: two methods with two runs each on the smoke
benchmark, drawn by the replay engine.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from tests.e2e.dashboard.world import running_world

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "dashboard.png"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PAGE = "/compare?baseline=grpo-seed0@100&candidate=agrae-seed0@100"
MAX_BYTES = 200_000


def main(output: Path) -> None:
    """Start the service, open the page, save the picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_world(Path(folder)) as world,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=ViewportSize(width=1200, height=1040))
        page.goto(world.url + PAGE, wait_until="load")
        page.wait_for_timeout(1500)  # the figures are drawn after the page
        page.screenshot(path=output)
        browser.close()
    assert output.stat().st_size < MAX_BYTES, f"{output} is above {MAX_BYTES} bytes"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
