"""Engines of other packages: real distributions in a folder of their own, found by entry points."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from evalsvc.cli import doctor
from evalsvc.errors import UsageError
from evalsvc.server.running import run_dispatcher, run_service
from evalsvc.services.jobs.admission import admit_engine
from evalsvc.settings import Settings
from evalsvc.worker.engines.registry import (
    BUILT_IN,
    EngineImportError,
    create_engine,
    engine_class,
    list_engines,
    reads_checkpoint,
)
from tests.support.engine_packages import ENGINE, Packages


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packages]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield Packages(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def constant(packages: Packages) -> Packages:
    packages.install("constant_engine", ENGINE.format(reads=False), constant="ConstantEngine")
    return packages


def test_the_package_is_found_as_an_installed_one(constant: Packages) -> None:
    assert version("constant_engine") == "1.5"
    with pytest.raises(PackageNotFoundError):
        version("another_engine")


def test_an_engine_of_another_package_is_created_and_checks_its_options(
    constant: Packages,
) -> None:
    engine = create_engine("constant", {"text": "4"})
    assert engine.info() == {"engine": "constant", "device": "none"}
    with pytest.raises(UsageError, match="no option 'size'"):
        create_engine("constant", {"size": 3})


def test_the_server_admits_it(constant: Packages, tmp_path: Path) -> None:
    assert admit_engine("constant", {"text": "4"}, Settings(data=tmp_path)) == {"text": "4"}
    with pytest.raises(UsageError, match="no option 'size'"):
        admit_engine("constant", {"size": 3}, Settings(data=tmp_path))


def test_whether_the_checkpoint_must_exist_is_the_engines_own_word(packages: Packages) -> None:
    packages.install("reading_engine", ENGINE.format(reads=True), constant="ConstantEngine")
    assert reads_checkpoint("constant")
    assert {name for name in BUILT_IN if reads_checkpoint(name)} == {"vllm", "transformers"}


def test_without_its_package_there_is_no_such_engine() -> None:
    with pytest.raises(UsageError, match=r"no engine 'constant'\. Known: vllm, .*replay"):
        create_engine("constant", {})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named"),
        ("raise RuntimeError('no such device')", "RuntimeError: no such device"),
        ("def (", "SyntaxError"),
        ("pass", "AttributeError"),
        ("class Broken: pass", "is not a subclass of Engine"),
        (ENGINE.format(reads=False) + "\nBroken = ConstantEngine", "another name in its class"),
    ],
)
def test_a_broken_engine_is_named_and_the_rest_goes_on(
    constant: Packages, source: str, message: str, tmp_path: Path
) -> None:
    constant.install("broken_engine", source, broken="Broken")
    with pytest.raises(
        EngineImportError, match=f"'broken' of the package broken_engine 1.5.*{message}"
    ):
        create_engine("broken", {})
    with pytest.raises(UsageError, match=r"Known: .*constant.* 'broken' of the package"):
        create_engine("nothing", {})
    assert create_engine("constant", {"text": "4"}).name == "constant"
    states = {report.name: report.state for report in list_engines()}
    assert (states["constant"], states["broken"], states["replay"]) == ("ok", "broken", "ok")
    found = {f.what: f for f in doctor._engines(Settings(engine="constant"))}
    assert found["engine constant"].state == "ok"
    assert found["engine broken"].state == "optional"
    assert message.partition(":")[0] in found["engine broken"].message
    found = {f.what: f for f in doctor._engines(Settings(engine="broken"))}
    assert found["engine broken"].state == "missing"


def test_nothing_starts_with_an_unknown_default_engine(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", engine="vlm")
    with pytest.raises(UsageError, match="no engine 'vlm'"):
        run_service(settings, dispatch=True)
    with pytest.raises(UsageError, match="no engine 'vlm'"):
        run_dispatcher(settings)
    assert not (tmp_path / "data").exists()


def test_a_built_in_engine_cannot_be_replaced(packages: Packages) -> None:
    packages.install("evil_engine", ENGINE.format(reads=False), replay="ConstantEngine")
    assert engine_class("replay").__module__ == "evalsvc.worker.engines.replay"
    (report,) = [r for r in list_engines() if r.package == "evil_engine 1.5"]
    assert report.state == "ignored"


def test_two_packages_with_one_name_are_refused(constant: Packages) -> None:
    constant.install("second_engine", ENGINE.format(reads=False), constant="ConstantEngine")
    with pytest.raises(EngineImportError, match="Several packages have an engine 'constant'"):
        create_engine("constant", {"text": "4"})
    assert [r.state for r in list_engines() if r.name == "constant"] == ["broken", "broken"]
