"""Downloading, against a server on this machine that speaks the hub's protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from evalsvc.catalogue import Catalogue, CatalogueError, load
from tests.real_data import real_data

COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """A data set repository with a test and a train file."""

    files: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/datasets/"):
            siblings = [{"rfilename": name} for name in self.files]
            info = {"id": "x/y", "sha": COMMIT, "siblings": siblings}
            tree = [
                {"type": "file", "path": n, "size": len(c), "oid": "0" * 40}
                for n, c in self.files.items()
            ]
            self._send(json.dumps(tree if "/tree/" in path else info).encode(), body=body)
        elif (name := path.partition(f"/resolve/{COMMIT}/")[2]) in self.files:
            self._send(self.files[name], body=body)
        else:
            self.send_error(404)

    def _send(self, content: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(endpoint: str, folder: Path) -> str:
    """`add_data` from the hub in a process of its own: the client reads its settings at import."""
    code = (
        "from pathlib import Path; from evalsvc.catalogue import add_data, CatalogueError\n"
        "try: print(add_data('amc23', None, Path('var')).sets[0].rows)\n"
        "except CatalogueError as error: print(error)"
    )
    environ = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "home"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environ,
        cwd=folder,
    )
    return done.stdout


def test_the_test_file_is_fetched_and_checked(hub: str, tmp_path: Path) -> None:
    Hub.files = {
        "data/test-00000-of-00001.parquet": real_data("amc23", "test.parquet").read_bytes(),
        "data/train-00000-of-00001.parquet": b"not asked for",
    }
    assert fetch(hub, tmp_path).strip() == "40"
    assert load("amc23", tmp_path / "var").pinned


def test_other_rows_are_refused(hub: str, tmp_path: Path) -> None:
    other = real_data("aime2025", "test.parquet").read_bytes()
    Hub.files = {"data/test-00000-of-00001.parquet": other}
    assert "the rows are not the ones that the catalogue records" in fetch(hub, tmp_path)


def test_out_of_reach_is_a_sentence(tmp_path: Path) -> None:
    words = fetch("http://127.0.0.1:9", tmp_path)
    assert "TianHongZXY/amc23 could not be fetched from the Hugging Face hub" in words
    assert "--from PATH" in words


def test_what_is_not_on_the_hub_says_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be fetched by itself"):
        Catalogue().add_data("medical", None, tmp_path)
