"""Taking in what users have, and refusing what is not the benchmark."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from evalsvc.catalogue import Catalogue, CatalogueError, add_data, load, record
from tests.real_data import real_data

Source = Callable[..., Path]


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(buffer, "PNG")
    return buffer.getvalue()


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "question": f"q{number}", "gold": "1", **more}


def mini_records() -> list[dict[str, Any]]:
    lines = real_data("mathvision", "testmini.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def math_records() -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = pq.read_table(real_data("math", "test.parquet")).to_pylist()
    return records


def test_the_hub_s_columns_give_the_same_rows_as_verl_s(tmp_path: Path, real_root: Path) -> None:
    """TianHongZXY/MATH has problem, level, type, solution; the content hash must agree."""
    hub = [
        {
            "problem": r["prompt"][0]["content"],
            "level": r["level"],
            "type": r["type"],
            "solution": r["reward_model"]["ground_truth"]["solution"],
        }
        for r in math_records()
    ]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(hub), tmp_path / "data" / "test-00000-of-00001.parquet")
    # the train split lies beside it, as on the hub: it must not be taken in
    pq.write_table(
        pa.Table.from_pylist(hub[:9]), tmp_path / "data" / "train-00000-of-00001.parquet"
    )
    added = add_data("math", tmp_path, tmp_path / "var").sets[0]
    assert (added.rows, added.pinned) == (5000, True)
    assert load("math", tmp_path / "var").revision == load("math", real_root).revision


def test_float_answers_of_other_copies_are_the_same_integers(tmp_path: Path) -> None:
    records = pq.read_table(real_data("amc23", "test.parquet")).to_pylist()
    lines = [
        {
            "problem": r["prompt"][0]["content"],
            "answer": float(r["reward_model"]["ground_truth"]["target"]),
        }
        for r in records
    ]
    file = tmp_path / "test.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert add_data("amc23", file, tmp_path / "var").sets[0].pinned


def test_a_changed_row_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    records = mini_records()
    records[3]["answer"] = "another"
    del records[7]
    file = tmp_path / "testmini.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in records))
    with pytest.raises(CatalogueError, match=r"7 differs, 16 is missing"):
        add_data("mathvision", file, tmp_path / "var")
    with pytest.raises(CatalogueError, match="add-data mathvision --from PATH"):
        load("mathvision:testmini", tmp_path / "var")


def test_another_order_is_another_set(tmp_path: Path) -> None:
    records = mini_records()
    file = tmp_path / "testmini.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in reversed(records)))
    with pytest.raises(CatalogueError, match="the same rows in another order"):
        add_data("mathvision", file, tmp_path / "var")


def test_another_picture_is_named(tmp_path: Path) -> None:
    shutil.copy(real_data("mathvision", "testmini.jsonl"), tmp_path)
    (tmp_path / "images").mkdir()
    shutil.copy(real_data("mathvision", "images", "5.jpg"), tmp_path / "images" / "4.jpg")
    with pytest.raises(CatalogueError, match=r"not the recorded ones: 4/images/4\.jpg"):
        add_data("mathvision:testmini", tmp_path, tmp_path / "var")


def test_pictures_out_of_the_official_archive(tmp_path: Path) -> None:
    shutil.copy(real_data("mathvision", "testmini.jsonl"), tmp_path)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(real_data("mathvision", "images", "4.jpg"), "images/4.jpg")
    added = add_data("mathvision", tmp_path, tmp_path / "var").sets[0]
    assert added.images == 1
    assert len(added.unusable_images) == 303


def test_pictures_embedded_in_the_hub_s_parquet(tmp_path: Path, real_root: Path) -> None:
    records = mini_records()
    for r in records:
        picture = real_data("mathvision", r["image"]).read_bytes()
        r["decoded_image"] = {"bytes": picture, "path": None}
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "data" / "testmini-0.parquet")
    assert add_data("mathvision", tmp_path, tmp_path / "var").sets[0].images == 304
    name = "mathvision:testmini"
    assert load(name, tmp_path / "var").revision == load(name, real_root).revision


def test_a_broken_archive_is_named(catalogue: Catalogue, source: Source, tmp_path: Path) -> None:
    folder = source(row(1), row(2))
    (folder / "images.zip").write_bytes(b"PK no")
    with pytest.raises(CatalogueError, match=r"images\.zip is not a readable archive"):
        catalogue.add_data("toy", folder, tmp_path / "var")


def test_geometry3k_from_the_hub_s_older_revision_has_no_letters(tmp_path: Path) -> None:
    rows = [
        {"images": [{"bytes": png(), "path": None}], "problem": "<image>Find x.", "answer": "3"}
    ]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "test-0.parquet")
    added = add_data("geo3k", tmp_path, tmp_path / "var").sets[0]
    assert added.warnings[0] == "1 of 601 rows are here"
    assert load("geo3k", tmp_path / "var").problems[0].question == "Find x."
    with pytest.raises(CatalogueError, match="has no choices"):
        load("geo3k:choices", tmp_path / "var")


def test_rows_of_the_train_split_are_pointed_out(tmp_path: Path) -> None:
    added = add_data("geo3k", real_data("geo3k"), tmp_path).sets[0]
    assert any("split = test: 11, 12" in warning for warning in added.warnings)


def test_mathverse_testmini_by_version(tmp_path: Path) -> None:
    """The layout of the published testmini.json, in little: five versions of one problem."""
    versions = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")
    question = "Find it.\nChoices:\nA:1\nB:2"
    rows = [
        {
            "sample_index": str(i + 1),
            "problem_index": "1",
            "problem_version": version,
            "question": "" if version == "Vision Only" else question,
            "question_for_eval": question,
            "image": f"images_version_{i}/image_1.png",
            "answer": "A",
            "question_type": "multi-choice",
            "metadata": {"source": "Geometry3K", "subject": "Plane Geometry", "subfield": "Angle"},
            "query_wo": "wo",
            "query_cot": "cot",
        }
        for i, version in enumerate(versions)
    ]
    (tmp_path / "testmini.json").write_text(json.dumps(rows))
    for i in range(5):
        folder = tmp_path / "images" / f"images_version_{i}"
        folder.mkdir(parents=True)
        (folder / "image_1.png").write_bytes(png())
    add_data("mathverse", tmp_path, tmp_path / "var")
    whole = load("mathverse", tmp_path / "var")
    assert [p.part for p in whole] == [v.lower().replace(" ", "_") for v in versions]
    assert {p.cluster for p in whole} == {"1"}
    assert all(p.choices == ("1", "2") for p in whole)
    only = load("mathverse:vision_only", tmp_path / "var").problems
    assert [(p.index, p.id, p.question) for p in only] == [(0, "5", "")]


def test_pictures_are_found_by_name_where_the_archive_nests_them(tmp_path: Path) -> None:
    shutil.copy(real_data("medical", "MRI_CT_XRAY_300each_dataset.json"), tmp_path)
    nested = tmp_path / "OmniMedVQA" / "Images" / "Knee"
    nested.mkdir(parents=True)
    shutil.copy(real_data("medical", "images", "knee031316.png"), nested)
    assert add_data("medical", tmp_path, tmp_path / "var").sets[0].images == 1


def test_pictures_are_found_by_name_in_an_archive_too(tmp_path: Path) -> None:
    shutil.copy(real_data("medical", "MRI_CT_XRAY_300each_dataset.json"), tmp_path)
    with zipfile.ZipFile(tmp_path / "OmniMedVQA.zip", "w") as archive:
        for name in ("knee031316.png", "spine010017.png"):
            archive.write(real_data("medical", "images", name), f"OmniMedVQA/Images/{name}")
    assert add_data("medical", tmp_path, tmp_path / "var").sets[0].images == 2
    shutil.copy(real_data("medical", "images", "knee031316.png"), tmp_path)  # unpacked beside it
    assert add_data("medical", tmp_path, tmp_path / "var").sets[0].images == 2


def test_two_pictures_of_one_name_are_not_chosen_between(tmp_path: Path) -> None:
    shutil.copy(real_data("medical", "MRI_CT_XRAY_300each_dataset.json"), tmp_path)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(real_data("medical", "images", "knee031316.png"), tmp_path / folder)
    added = add_data("medical", tmp_path, tmp_path / "var").sets[0]
    assert added.images == 0
    assert "18: 2 pictures are called knee031316.png." in added.unusable_images


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "a/../../b", "..\\x", "a\0b", "x" * 300, "."]
)
def test_names_that_leave_the_folder_are_refused(
    name: str, catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    folder = source(row(1, image=name), row(2))
    with pytest.raises(CatalogueError, match="Problem 1 names a picture outside its folder"):
        catalogue.add_data("toy", folder, tmp_path / "var")


def test_links_that_leave_the_folder_are_refused(
    catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    folder = source(row(1, image="a.png"), row(2))
    (folder / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(CatalogueError, match=r"Problem 1: .* link that leads out"):
        catalogue.add_data("toy", folder, tmp_path / "var")


def test_a_missing_or_broken_picture_costs_its_own_row_only(
    catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    folder = source(row(1, image="gone.png"), row(2, image="zero.png"), row(3, image="a.png"))
    (folder / "zero.png").write_bytes(b"")
    (folder / "a.png").write_bytes(png())
    added = catalogue.add_data("toy", folder, tmp_path / "var").sets[0]
    assert added.images == 1
    assert added.unusable_images == (
        "1: the picture gone.png is missing.",
        "2: the picture zero.png is empty (0 bytes).",
    )
    dataset = catalogue.load("toy", tmp_path / "var")
    assert [image.row for image in dataset.missing_images] == ["1", "2"]


def test_more_pictures_make_another_revision(
    catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    folder = source(row(1, image="a.png"), row(2))
    catalogue.add_data("toy", folder, tmp_path / "var")
    before = catalogue.load("toy", tmp_path / "var").revision
    (folder / "a.png").write_bytes(png("red"))
    catalogue.add_data("toy", folder, tmp_path / "var")
    red = catalogue.load("toy", tmp_path / "var").revision
    (folder / "a.png").write_bytes(png("blue"))
    catalogue.add_data("toy", folder, tmp_path / "var")
    assert len({before, red, catalogue.load("toy", tmp_path / "var").revision}) == 3


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([row(1), row(1)], "ids occur more than once: 1"),
        ([row(1, options="ABC")], "its choices are no list of at most 26"),
        ([row(1, options=["x"] * 27)], "its choices are no list of at most 26"),
        ([{"id": "1", "question": "q"}], "Problem 1 has no gold: none of gold is there"),
        ([{"id": "1", "gold": "q"}], "Problem 1 has no question"),
        ([row(1, question="")], "neither a question nor a picture"),
        ([{**row(1), "id": "a\nb"}], "unusable id"),
        ([], "has no rows"),
    ],
)
def test_rows_that_cannot_be_asked(
    records: list[dict[str, Any]],
    words: str,
    catalogue: Catalogue,
    source: Source,
    tmp_path: Path,
) -> None:
    with pytest.raises(CatalogueError, match=words):
        catalogue.add_data("toy", source(*records), tmp_path / "var")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("rows.jsonl", b'{"id": 1, "question": "q", "gold": "g"}\n{oops', "line 2, is not JSON"),
        ("rows.jsonl", b"\xff\xfe", "is not JSON"),
        ("rows.jsonl", b"[1]", "no set of named fields"),
        ("test.parquet", b"PAR1 no", "not a readable Parquet file"),
        ("other.csv", b"a,b", "holds no data of 'toy'"),
    ],
)
def test_files_that_cannot_be_read(
    file: str, content: bytes, words: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / file).write_bytes(content)
    with pytest.raises(CatalogueError, match=words):
        catalogue.add_data("toy", folder, tmp_path / "var")


def test_what_was_named_must_exist_and_fit(
    catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    with pytest.raises(CatalogueError, match="does not exist"):
        catalogue.add_data("toy", tmp_path / "nowhere", tmp_path / "var")
    text = tmp_path / "rows.txt"
    text.write_text("x")
    with pytest.raises(CatalogueError, match=r"not a \.parquet, \.jsonl, \.json file"):
        catalogue.add_data("toy", text, tmp_path / "var")
    with pytest.raises(CatalogueError, match="brings its own data"):
        catalogue.add_data("smoke", tmp_path, tmp_path / "var")
    odd = tmp_path / "some.jsonl"
    odd.write_text(json.dumps(row(1)))
    with pytest.raises(CatalogueError, match="could be any of several sets"):
        catalogue.add_data("mathvision", odd, tmp_path / "var")


def test_a_failed_add_leaves_the_former_data(
    catalogue: Catalogue, source: Source, tmp_path: Path
) -> None:
    catalogue.add_data("toy", source(row(1), row(2)), tmp_path / "var")
    before = catalogue.load("toy", tmp_path / "var").revision
    with pytest.raises(CatalogueError):
        catalogue.add_data("toy", source(row(1), row(1)), tmp_path / "var")
    assert catalogue.load("toy", tmp_path / "var").revision == before
    assert not list((tmp_path / "var").rglob(".*"))


def test_local_data_that_were_damaged_ask_to_be_added_again(
    catalogue: Catalogue, source: Source, toy: Path, tmp_path: Path
) -> None:
    added = catalogue.add_data("toy", source(row(1), row(2)), tmp_path / "var").sets[0]
    sums = record(catalogue.get("toy"), tmp_path / "var")
    assert sums == {"test": added.content_hash}
    text = (toy / "benchmark.yaml").read_text()
    (toy / "benchmark.yaml").write_text(
        text.replace("rows: 2", f'rows: 2\n    sha256: "{"0" * 64}"')
    )
    with pytest.raises(CatalogueError, match="differ from what the catalogue records"):
        catalogue.load("toy", tmp_path / "var")
    added.path.write_bytes(added.path.read_bytes()[:100])
    with pytest.raises(CatalogueError, match="cannot be read"):
        catalogue.load("toy", tmp_path / "var")


def test_recorded_rows_then_decide(
    catalogue: Catalogue, source: Source, toy: Path, tmp_path: Path
) -> None:
    folder = source(row(1, image="a.png"), row(2))
    (folder / "a.png").write_bytes(png())
    catalogue.add_data("toy", folder, tmp_path / "var")
    digest = record(catalogue.get("toy"), tmp_path / "var")["test"]
    text = (toy / "benchmark.yaml").read_text()
    (toy / "benchmark.yaml").write_text(text.replace("rows: 2", f'rows: 2\n    sha256: "{digest}"'))
    assert catalogue.add_data("toy", folder, tmp_path / "var").sets[0].pinned
    with pytest.raises(CatalogueError, match="2 differs"):
        catalogue.add_data("toy", source(row(1, image="a.png"), row(2, gold="9")), tmp_path / "var")
    (folder / "a.png").write_bytes(png("blue"))
    with pytest.raises(CatalogueError, match=r"not the recorded ones: 1/a\.png"):
        catalogue.add_data("toy", source(row(1, image="a.png"), row(2)), tmp_path / "var")
