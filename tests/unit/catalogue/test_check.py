"""What `evalsvc benchmarks check` says of a damaged folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evalsvc.catalogue import check

Copied = Callable[[str], Path]


def errors(folder: Path) -> str:
    return "\n".join(f"{f.where}: {f.message}" for f in check(folder) if f.level == "error")


def edit(folder: Path, old: str, new: str, file: str = "benchmark.yaml") -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def test_a_copied_folder_is_in_order(copied: Copied) -> None:
    assert check(copied("smoke")) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title: Smoke\n", "", "title: is missing"),
        ("title: Smoke\n", "title: Smoke\ncolour: red\n", "colour: is not a key that is known"),
        ("title: Smoke\n", "title: Smoke\npart: test\n", "part: is not a key that is known"),
        ("  name: Apache-2.0\n", "", "licence.name: is missing"),
        ("redistributable: true", "redistributable: perhaps", "licence.redistributable:"),
        ("redistributable: true", "redistributable: false", "must not be bundled"),
        ("note: Written", "source: ''\n  note: ''\n#", "Say where the licence is stated"),
        ("{{question}}", "{{qestion}}", "{{qestion}} is no placeholder"),
        ("{{question}}", "Hello", "nothing would be asked"),
        ("default_prompt: plain", "default_prompt: other", "default_prompt 'other' is not one"),
        ("default_part: test", "default_part: dev", "default_part 'dev' is not one"),
        ("{set: test,", "{set: gone,", "refers to the set 'gone'"),
        ("gold: [gold]", "gold: [gold | shout]", "'shout' is none of last_box"),
        ("gold: [gold]", "gold: [answer]", "has no gold: none of answer is there"),
        ("rows: 200", "rows: 201", "200 rows are here, 201 are announced"),
        ('sha256: "b', 'sha256: "c', "another is recorded"),
        ("bundled: problems.jsonl", "bundled: gone.jsonl", "bundled file gone.jsonl is missing"),
        ("bundled: problems.jsonl", "bundled: ../x.jsonl", "bundled"),
        ("bundled: problems.jsonl", "files: []", "give either `files`"),
        ("rows: 200", "rows: 200\n    reader: mine", "reader 'mine' is none of geometry3k"),
        ("name: mine", "name: yours", "its folder is called mine"),
        ("name: mine", "name: 'Not A Name'", "name:"),
        ("name: mine", "]", "cannot be read"),
        ("title: Smoke\n", "title: Smoke\ntitle: Fire\n", "the key 'title' stands there twice"),
        ("  greedy:", "  greedily:", "protocol 'greedily' is none of paper, quick, greedy"),
        ("paper: {max_tokens: 64}", "paper: {samples: 4, ks: [8]}", "k = 8 needs at least"),
        ("bundled: problems.jsonl", "files: [/etc/passwd]", "does not stay below"),
        ("bundled: problems.jsonl", "files: [a/../../b]", "does not stay below"),
        ("modality: text", "modality: image", "has no field `images`: say `text_only: true`"),
        ("title: Smoke}", "form: letter}", "needs the fields `choices` and `letter`"),
        ("title: Smoke}", "where: {year: x}}", "no metadata 'year'; the set's fields give: none"),
        ("rows: 200", "rows: 200\n    expect: {split: test}", "There is no metadata 'split'"),
    ],
)
def test_each_mistake_is_named(copied: Copied, old: str, new: str, words: str) -> None:
    folder = copied("smoke")
    edit(folder, old, new)
    assert words in errors(folder)


def test_pictures_and_overlaps_that_are_never_seen(copied: Copied) -> None:
    folder = copied("mathverse")
    edit(folder, "modality: image", "modality: text")
    edit(folder, "where: {source: Geometry3K}", "where: {origin: Geometry3K}")
    assert "sets.testmini.fields.images: `modality: text` shows no pictures" in errors(folder)
    assert "overlaps.Geometry3K: No set has the metadata 'origin'" in errors(folder)


def test_options_without_letters_are_remarked(copied: Copied) -> None:
    folder = copied("medical")
    edit(folder, 'choice: "{letter}) {text}"', 'choice: "- {text}"')
    assert [f.message for f in check(folder) if f.level == "warning"] == [
        "`choice` has no {letter}: options cannot be named"
    ]


def test_data_that_are_not_here_are_remarked(copied: Copied, tmp_path: Path) -> None:
    found = check(copied("amc23"), tmp_path)
    assert [(f.level, f.where) for f in found] == [("warning", "sets.test")]
    assert "rows and golds could not be checked" in found[0].message


def test_overrides_of_rows_that_do_not_exist(copied: Copied) -> None:
    folder = copied("smoke")
    (folder / "golds.yaml").write_text("smoke-999: {gold: '1', why: x}\n")
    assert "There is no problem 'smoke-999' to override" in errors(folder)
    (folder / "golds.yaml").write_text("smoke-000: {gold: '1'}\n")
    assert "smoke-000.why: is missing" in errors(folder)
    (folder / "golds.yaml").write_text("- a\n")
    assert "must map ids" in errors(folder)


def test_overrides_are_checked_without_the_data_where_rows_are_recorded(copied: Copied) -> None:
    folder = copied("amc23")
    (folder / "golds.yaml").write_text("40: {kind: number, why: x}\n39: {kind: number, why: y}\n")
    assert errors(folder) == "golds.yaml: There is no problem '40' to override."


def test_pinned_rows_must_be_listed(copied: Copied) -> None:
    folder = copied("amc23")
    (folder / "rows-test.sha256").write_text("000000000000  0\n")
    assert "does not list 40 rows" in errors(folder)


def test_a_folder_without_a_benchmark(tmp_path: Path) -> None:
    assert "There is no benchmark.yaml" in errors(tmp_path)


def test_empty_bundled_file_and_doubled_ids(copied: Copied) -> None:
    folder = copied("smoke")
    lines = (folder / "problems.jsonl").read_text().splitlines(keepends=True)
    (folder / "problems.jsonl").write_text("".join([*lines[:199], lines[0]]))
    assert "ids occur more than once: smoke-000" in errors(folder)
    (folder / "problems.jsonl").write_text("")
    assert "There are no rows" in errors(folder)
