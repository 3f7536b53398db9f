"""The real data that tests read: EVALSVC_TEST_DATA, by default ../shared/data. Never committed."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def real_data(*parts: str) -> Path:
    """A path below the real data. Missing data fail the test where CI is set."""
    base = Path(os.environ.get("EVALSVC_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = base.joinpath(*parts)
    if not path.exists():
        message = f"{path} is missing: set EVALSVC_TEST_DATA to the folder of the real data"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return path
