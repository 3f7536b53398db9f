"""Verdicts kept in a file: shared by processes, bounded in memory, never worth a failed run."""

import sqlite3
from pathlib import Path

import pytest

from evalsvc.verification import Confidence, VerdictCache, VerdictKind, cache

KEY = ("5", None, (), "5.0")


def keys(number: int, name: str = "") -> list[tuple[str, None, tuple[()], str]]:
    return [("5", None, (), f"{name}{k}") for k in range(number)]


def test_a_verdict_is_found_by_the_next_process(tmp_path: Path) -> None:
    first = VerdictCache(tmp_path / "verdicts.sqlite")
    first.put(KEY, VerdictKind.CORRECT, "numeric identity", Confidence.COMPUTED)
    first.close()
    second = VerdictCache(tmp_path / "verdicts.sqlite")
    assert second.get(KEY) == (VerdictKind.CORRECT, "numeric identity", Confidence.COMPUTED)
    assert second.get(("5", "list", (), "5.0")) is None
    assert second.get(("5", None, ("5.0",), "")) is None


def test_another_verifier_does_not_believe_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = VerdictCache(tmp_path / "verdicts.sqlite")
    first.put(KEY, VerdictKind.CORRECT, "numeric identity")
    first.close()
    monkeypatch.setattr(cache, "VERIFIER_VERSION", "another")
    assert VerdictCache(tmp_path / "verdicts.sqlite").get(KEY) is None


@pytest.mark.parametrize("verdict", [VerdictKind.TIMEOUT, VerdictKind.CRASHED])
def test_what_a_machine_did_is_not_kept(tmp_path: Path, verdict: VerdictKind) -> None:
    kept = VerdictCache(tmp_path / "verdicts.sqlite")
    kept.put(KEY, verdict, "wall limit")
    assert kept.get(KEY) is None


def test_two_that_are_open_at_once_both_save(tmp_path: Path) -> None:
    one, two = (VerdictCache(tmp_path / "verdicts.sqlite") for _ in range(2))
    for a, b in zip(keys(1_500, "a"), keys(1_500, "b"), strict=True):
        one.put(a, VerdictKind.WRONG, "numeric disproof")
        two.get(a)
        two.put(b, VerdictKind.WRONG, "numeric disproof")
    one.close()
    two.close()
    assert one.problem == two.problem == ""
    third = VerdictCache(tmp_path / "verdicts.sqlite")
    assert all(third.get(key) for key in (*keys(1_500, "a"), *keys(1_500, "b")))


def test_memory_is_bounded_and_the_file_remembers(tmp_path: Path) -> None:
    kept = VerdictCache(tmp_path / "verdicts.sqlite", entries_in_memory=100)
    for key in keys(2_500):
        kept.put(key, VerdictKind.WRONG, "numeric disproof")
    assert len(kept._memory) <= 100
    assert all(kept.get(key) for key in keys(2_000))


def test_a_file_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_text("not a database, and longer than the header of one would be " * 20)
    kept = VerdictCache(path)
    kept.put(KEY, VerdictKind.CORRECT, "numeric identity")
    assert kept.get(KEY) == (VerdictKind.CORRECT, "numeric identity", None)
    assert "not used" in kept.problem
    assert path.read_text().startswith("not a database")


def test_a_file_that_another_program_locks_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_BUSY_SECONDS", 0.05)
    kept = VerdictCache(tmp_path / "verdicts.sqlite")
    other = sqlite3.connect(tmp_path / "verdicts.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for key in keys(1_200):
        kept.put(key, VerdictKind.WRONG, "numeric disproof")
    assert "locked" in kept.problem
    assert kept.get(keys(1)[0]) is not None
    other.close()
