"""A worker process runs shards on an engine of another package, and names one that is broken."""

import asyncio
import os
from pathlib import Path

import pytest

from evalsvc.catalogue import Catalogue
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.protocol import FailedEvent, FailureKind, ResultEvent
from tests.support.engine_packages import ENGINE, Packages
from tests.worker_process import WorkerProcess, smoke_shard


def test_a_shard_runs_on_an_engine_of_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    packages = Packages(folder)
    packages.install("constant_engine", ENGINE.format(reads=False), constant="ConstantEngine")
    packages.install("broken_engine", "import a_module_that_is_not_there", broken="Broken")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    gold = Catalogue().load("smoke", tmp_path).problems[0].gold
    config = WorkerConfig(
        data=str(tmp_path), artifacts=str(tmp_path / "artifacts"), verifier_processes=1
    )

    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("broken", tmp_path, engine="broken", problems=(0,)))
            failed = await worker.outcome("broken")
            assert isinstance(failed, FailedEvent)
            assert (failed.kind, failed.retryable) == (FailureKind.ENGINE_IMPORT, False)
            assert "'broken' of the package broken_engine 1.5" in failed.message
            options = {"text": f"\\boxed{{{gold}}}"}
            shard = smoke_shard(
                "good", tmp_path, engine="constant", engine_options=options, problems=(0,)
            )
            worker.run(shard)
            done = await worker.outcome("good")
            assert isinstance(done, ResultEvent)
            (tally,) = done.result.tallies
            assert (tally.n, tally.correct) == (4, "f")
            assert done.result.provenance["engine"]["engine"] == "constant"
            assert await worker.shut_down() == 0

    asyncio.run(asyncio.wait_for(scenario(), 60))
