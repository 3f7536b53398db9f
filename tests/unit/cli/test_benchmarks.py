"""`evalsvc benchmarks ...` as a user types it, on a data folder of its own."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evalsvc.catalogue import Catalogue
from evalsvc.cli.benchmarks import app
from tests.real_data import real_data


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVALSVC_DATA", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "var"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_add_data_then_list_and_check(data: Path) -> None:
    added = run("add-data", "amc23", "--from", str(real_data()), "--json")
    assert added.exit_code == 0
    assert json.loads(added.stdout)["sets"][0]["rows"] == 40
    listed = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert listed["amc23"]["pinned"] is True
    assert listed["math"]["data"] == "not here"
    assert "add-data math --from PATH" in listed["math"]["problem"]
    checked = run("check", "amc23", "smoke")
    assert checked.exit_code == 0
    assert "golds of test: number 40" in checked.stdout


def test_what_is_missing_or_broken_is_listed_by_row(data: Path) -> None:
    added = run("add-data", "medical", "--from", str(real_data()))
    assert added.exit_code == 0
    assert "pictures: 12 here, 888 not usable" in added.stdout
    assert "0: the picture images/brain002206.png is missing." in added.stdout


def test_show_in_words_and_as_json(data: Path) -> None:
    shown = run("show", "mathverse")
    assert "129 of the 788 problems come from Geometry3K" in shown.stdout
    assert "not yet known: the first data added are shown as unpinned" in shown.stdout
    described = json.loads(run("show", "medical:ct300", "--json").stdout)
    assert [part["name"] for part in described["parts"]] == ["medical:ct300"]
    assert described["licence"]["redistributable"] is False


def test_exit_codes_and_words(data: Path) -> None:
    unknown = run("show", "aime")
    assert (unknown.exit_code, "Did you mean" in unknown.stderr) == (2, True)
    nowhere = run("add-data", "math", "--from", str(data / "nowhere"))
    assert (nowhere.exit_code, "does not exist" in nowhere.stderr) == (1, True)
    assert run("add-data").exit_code == 2
    assert run("check", "nonsense").exit_code == 2


def test_a_benchmark_of_ones_own_is_checked_recorded_and_used(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine" / "contest"
    shutil.copytree(Catalogue().folder("amc23"), folder)
    (folder / "rows-test.sha256").unlink()
    text = (folder / "benchmark.yaml").read_text().replace("name: amc23", "name: contest", 1)
    pinned = next(line for line in text.splitlines() if "sha256:" in line)
    (folder / "benchmark.yaml").write_text(text.replace(pinned + "\n", ""))
    monkeypatch.setenv("EVALSVC_BENCHMARKS", str(folder.parent))

    assert run("add-data", "contest", "--from", str(real_data("amc23"))).exit_code == 0
    recorded = run("check", "contest", "--record")
    assert pinned.strip() in recorded.stderr
    assert (folder / "rows-test.sha256").is_file()
    (folder / "benchmark.yaml").write_text(text)
    assert run("check", str(folder)).exit_code == 0

    (folder / "golds.yaml").write_text("0: {gold: '', why: broken}\n")
    broken = run("check", str(folder), "--json")
    assert broken.exit_code == 1
    finding = json.loads(broken.stdout)[str(folder)]["findings"][0]
    assert finding["level"] == "error"
    assert finding["where"] == "contest 0"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("golds.yaml", "smoke-000: {kind: numbr, why: x}\n", "There is no kind 'numbr'"),
        ("published.csv", "paper,value\nx,1\n", "columns missing or unknown"),
        ("published.csv", None, "There is no part 'nowhere'"),
    ],
)
def test_what_only_verifier_and_statistics_know_is_checked_too(
    file: str, content: str | None, words: str, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(Catalogue().folder("smoke"), folder)
    described = folder / "benchmark.yaml"
    described.write_text(described.read_text().replace("name: smoke", "name: mine", 1))
    printed = (Catalogue().folder("amc23") / "published.csv").read_text()
    (folder / file).write_text(content or printed.replace(",test,", ",nowhere,", 1))
    checked = run("check", str(folder))
    assert checked.exit_code == 1
    assert f"error: {file}: " in checked.stdout
    assert words in checked.stdout


def test_a_data_folder_that_cannot_be_written(data: Path) -> None:
    data.write_text("a file where the folder should be")
    failed = run("add-data", "amc23", "--from", str(real_data()))
    assert failed.exit_code == 1
    assert "EVALSVC_DATA" in failed.stderr


def test_a_folder_without_a_benchmark_fails(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    checked = run("check", str(tmp_path / "empty"))
    assert checked.exit_code == 1
    assert "There is no benchmark.yaml" in checked.stdout
