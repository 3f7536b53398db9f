"""`evalsvc doctor`: what is missing, and the command that mends it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsvc.cli import doctor
from evalsvc.errors import MissingExtra
from evalsvc.settings import Settings
from evalsvc.worker.engines import registry


def test_every_finding_that_is_not_well_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from evalsvc.cli import main; main()", "doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "EVALSVC_ENGINE": "replay", "EVALSVC_PORT": "9"},
    )
    assert done.returncode == 0, done.stderr
    found = {item["what"]: item for item in json.loads(done.stdout)}
    assert found["extra server"]["state"] == found["engine replay"]["state"] == "ok"
    assert found["benchmark aime2025"]["remedy"].startswith("evalsvc benchmarks add-data aime2025")
    assert found["server"]["remedy"] == "evalsvc up"
    assert all(item["remedy"] for item in found.values() if item["state"] != "ok")
    assert not (tmp_path / "var" / "evalsvc.db").exists(), "looking makes nothing"


def test_an_engine_that_is_not_installed_is_missing_with_its_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(registry, "engine_extra", lambda: "cpu")
    found = {finding.what: finding for finding in doctor._engines(Settings(engine="vllm"))}
    assert found["engine vllm"].state == "missing"
    assert found["engine transformers"].state == "optional"
    assert found["engine openai"].state == found["engine replay"].state == "ok"
    assert 'torch==2.13.0 && pip install "evalsvc[cpu]"' in found["engine vllm"].remedy
    assert 'torch==2.13.0 && pip install "evalsvc[cpu]"' in MissingExtra("It", "cpu").remedy
    assert "torch" not in MissingExtra("It", "gpu").remedy


def test_a_default_engine_that_nobody_provides_is_missing() -> None:
    found = [f for f in doctor._engines(Settings(engine="vlm")) if f.state == "missing"]
    assert [finding.what for finding in found] == ["engine vlm"]
    assert "EVALSVC_ENGINE" in found[0].remedy
