"""Names, parts, further folders, overrides."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsvc.catalogue import Catalogue, CatalogueError, UnknownName, check, get, load, names


def test_the_seven_of_the_paper_and_smoke() -> None:
    seven = {"math", "aime2025", "amc23", "geo3k", "mathvision", "mathverse", "medical"}
    assert set(names()) == seven | {"smoke"}


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean aime2025"):
        get("aime25")
    with pytest.raises(UnknownName, match=r"no part 'mri'\. Did you mean mri300"):
        get("medical:mri")


def test_a_part_is_named_after_a_colon_or_apart(tmp_path: Path) -> None:
    assert get("medical:mri300").full_name == "medical:mri300"
    assert get("medical:all").full_name == "medical"
    assert get("medical:mri300").selected.distribution == "in-distribution"
    assert load("smoke:test", tmp_path).revision == load("smoke", tmp_path, part="test").revision


def test_missing_data_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="evalsvc benchmarks add-data math --from PATH"):
        load("math", tmp_path)


def test_a_copied_folder_is_a_benchmark(copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied("smoke")
    for extra in (folder, folder.parent):
        assert len(Catalogue([extra]).load("mine", tmp_path)) == 200


def test_a_name_twice_and_a_folder_that_is_not_there(
    copied: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied("smoke")
    twin = tmp_path / "twin" / "smoke"
    twin.parent.mkdir()
    folder.rename(twin)
    with pytest.raises(CatalogueError, match="Two benchmarks are called 'smoke'"):
        Catalogue([twin])
    with pytest.raises(CatalogueError, match="does not exist"):
        Catalogue([tmp_path / "nowhere"])


def test_one_broken_folder_leaves_the_others(copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied("smoke")
    (folder / "benchmark.yaml").write_text("name: [")
    catalogue = Catalogue([folder])
    assert len(catalogue.load("smoke", tmp_path)) == 200
    with pytest.raises(CatalogueError, match="cannot be read"):
        catalogue.get("mine")


def test_overrides_replace_and_type_golds(copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied("smoke")
    plain = Catalogue([folder]).load("mine", tmp_path)
    (folder / "golds.yaml").write_text(
        "smoke-000: {gold: 19, why: wrong}\n"
        "smoke-001: {kind: number, why: typed}\n"
        "smoke-002: {choices: [a, b], why: lost}\n"
    )
    changed = Catalogue([folder]).load("mine", tmp_path)
    assert changed.problems[0].gold == "19"
    assert changed.problems[1].kind == "number"
    assert changed.problems[2].choices == ("a", "b")
    assert changed.problems[3:] == plain.problems[3:]
    assert changed.revision != plain.revision  # choices are asked
    (folder / "golds.yaml").write_text("smoke-000: {gold: 19, why: wrong}\n")
    assert Catalogue([folder]).load("mine", tmp_path).revision == plain.revision


def test_an_override_for_another_gold_changes_nothing(
    copied: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied("smoke")
    (folder / "golds.yaml").write_text("smoke-000: {raw: '99', gold: '19', why: old}\n")
    assert Catalogue([folder]).load("mine", tmp_path).problems[0].gold == "18"
    words = [finding.message for finding in check(folder)]
    assert words == ["'smoke-000': written for '99', the data have '18'."]


def test_the_clusters_of_mathverse_take_overrides_by_problem(real_root: Path) -> None:
    verse = Catalogue().get("mathverse")
    assert verse.golds_by == "cluster"
    dataset = load("mathverse:text_only", real_root)
    assert all(p.cluster == p.id for p in dataset)


def test_importing_the_catalogue_imports_nothing_heavy_and_of_ours_only_errors() -> None:
    code = (
        "import sys, evalsvc.catalogue\n"
        "heavy = ('PIL', 'pyarrow', 'huggingface_hub')\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in heavy]\n"
        "bad += [m for m in sys.modules if m.startswith('evalsvc.') "
        "and not m.startswith(('evalsvc.catalogue', 'evalsvc.errors'))]\n"
        "print(bad)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_dataset_is_read_again_only_when_a_file_changed(
    copied: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied("smoke")
    catalogue = Catalogue([folder])
    first = catalogue.load("mine", tmp_path)
    assert catalogue.load("mine", tmp_path) is first
    (folder / "golds.yaml").write_text("smoke-000: {gold: 19, why: wrong}\n")
    assert catalogue.load("mine", tmp_path).problems[0].gold == "19"
    (folder / "golds.yaml").unlink()
    assert catalogue.load("mine", tmp_path).problems == first.problems
