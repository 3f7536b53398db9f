"""Backup and restore: the lines of docs/operations.md, run while a job is under way."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.states import JobState
from tests.support.dispatching import Dispatching, job_state, sample_counts, wait_for
from tests.support.postgresql import PostgreSQL, binaries
from tests.support.submissions import place, request, write_answers

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
SLOW: dict[str, Any] = {"seconds_per_sample": 0.3, "concurrency": 4}
ONLY_FOR = {"sqlite": "# PostgreSQL", "postgresql": "# SQLite"}


def blocks() -> list[str]:
    """The lines that back up, and those that restore."""
    section = GUIDE.read_text().partition("## Backup and restore")[2].partition("\n## ")[0]
    return section.split("```")[1::2]


class Site:
    """A folder with `var/` in it, and a database: on SQLite in there, else of its own."""

    def __init__(self, folder: Path, kind: str, server: PostgreSQL | None) -> None:
        self.folder, self.kind, self._server = folder, kind, server
        self._name = server.create() if server else ""
        self.settings = Settings(
            data=folder / "var",
            database_url=server.url(self._name) if server else "",
            workers=1,
            verifier_processes=1,
            shard_target_seconds=1,
        )

    def run(self, block: str) -> str:
        """Run a block of the guide, without the lines for the other database."""
        lines = [line for line in block.splitlines() if not line.endswith(ONLY_FOR[self.kind])]
        script = "\n".join(lines).replace("dbname evalsvc", f"dbname {self._name}")
        script = script.replace("evalsvc.dump evalsvc", f"evalsvc.dump {self._name}")
        tools = [Path(sys.executable).parent, *([binaries()] if self._server else [])]
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": os.pathsep.join([*map(str, tools), os.environ["PATH"]]),
                "PGHOST": str(self._server.folder) if self._server else "",
                "PGUSER": "evalsvc",
                "EVALSVC_DATABASE_URL": self.settings.database_url,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def lose_everything(self) -> None:
        shutil.rmtree(self.settings.data)
        if self._server:
            self._server.drop(self._name)
            self._server.create_named(self._name)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    kind = request.param
    yield Site(
        tmp_path, kind, request.getfixturevalue("postgresql") if kind == "postgresql" else None
    )


def test_a_job_goes_on_from_a_backup_that_was_made_in_its_middle(site: Site) -> None:
    backup, restore = blocks()
    (site.settings.data / "benchmarks").mkdir(parents=True)
    answers = write_answers(site.folder / "answers.jsonl")
    database = Database(site.settings.resolved_database_url)
    database.upgrade()
    job_id = place(database, site.settings, request(answers, engine_options=SLOW, samples=16))
    with Dispatching(site.settings, database) as dispatching:
        wait_for(lambda: dispatching.events("shard.done"), 60)
        site.run(backup)
    database.close()

    site.lose_everything()
    assert "Every transcript is in place." in site.run(restore)

    restored = Database(site.settings.resolved_database_url)
    assert job_state(restored, job_id) == JobState.RUNNING
    assert sample_counts(restored, site.settings), "what was done before is still there"
    with Dispatching(site.settings, restored):
        wait_for(lambda: job_state(restored, job_id) == JobState.DONE, 90)
    counts = sample_counts(restored, site.settings)
    assert set(counts) == {(p, s) for p in range(10) for s in range(16)}
    assert set(counts.values()) == {1}
    restored.close()
