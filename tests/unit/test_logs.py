"""Logs: one line a message, whatever is in it; the identifiers as fields."""

import json
import logging
from collections.abc import Iterator

import pytest

from evalsvc import logs
from evalsvc.logs import LogFormat, about

log = logging.getLogger("evalsvc.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def logged(style: LogFormat, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Three messages: about a shard, hostile, with a traceback."""
    logs.configure("info", style)
    log.info("shard sent", extra=about(shard="s1", job=None, reason="no room"))
    log.warning("a\nINFO forged %s", "line\r\n", extra=about(error='"\n'))
    try:
        raise ValueError("x")
    except ValueError:
        log.exception("failed")
    log.debug("not shown")
    return capsys.readouterr().err.splitlines()


def test_people_read_words_and_then_names(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third, *traceback = logged("text", capsys)
    assert first.endswith('INFO evalsvc.test: shard sent shard=s1 reason="no room"')
    assert second.endswith(r'a\nINFO forged line\r\n error="\"\n"')
    assert third.endswith("ERROR evalsvc.test: failed")
    assert traceback[-1] == "ValueError: x"


def test_programs_read_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = [json.loads(line) for line in logged("json", capsys)]
    assert (first["shard"], first["reason"], first["level"]) == ("s1", "no room", "info")
    assert "job" not in first
    assert second["message"] == "a\nINFO forged line\r\n"
    assert third["traceback"].endswith("ValueError: x")
    assert {"at", "part", "message"} <= first.keys()
