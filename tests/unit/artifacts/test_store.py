"""Transcripts: what is written comes back, only whole files are seen, failures are explained."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evalsvc.artifacts import ArtifactStore, TranscriptRow
from evalsvc.artifacts.schema import to_table
from evalsvc.errors import NotFound, StorageError


def row(problem: int, sample: int, response: str = "so \\boxed{4}") -> TranscriptRow:
    return TranscriptRow(
        evaluation_id="e1",
        problem=problem,
        problem_id=f"p{problem}",
        sample=sample,
        prompt=[{"role": "user", "content": f"question {problem}"}],
        response=response,
        finish_reason="stop",
        output_tokens=7,
        prompt_tokens=11,
        extracted="4",
        span_start=10,
        span_end=11,
        verdict="correct",
        correct=True,
        rule="integer",
        verifier="test",
        verify_ms=0.5,
        answer_key="4",
        seed=problem * 1000 + sample,
    )


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    url = str(tmp_path / "artifacts")
    return ArtifactStore(url if request.param == "folder" else f"memory://{tmp_path.name}")


def test_samples_come_back_in_order_and_in_pages(store: ArtifactStore) -> None:
    rows = [row(p, s) for p in (3, 1, 2) for s in (2, 0, 1)]
    written = store.write_transcript("e1/a.parquet", rows)
    page = store.read_samples("e1/a.parquet", problem=1, offset=1, limit=5)
    assert page.total == 3
    assert [s["sample"] for s in page.samples] == [1, 2]
    assert page.samples[0]["prompt"] == [{"role": "user", "content": "question 1"}]
    assert page.samples[0]["seed"] == 1001
    assert written.bytes > 0
    assert len(written.sha256) == 64
    assert len(list(store.read_all("e1/a.parquet"))) == 9


def test_transcripts_from_before_the_confidence_still_read(tmp_path: Path) -> None:
    """Files that older versions wrote do not have the column."""
    store = ArtifactStore(str(tmp_path / "artifacts"))
    table = to_table([row(1, 0), replace(row(1, 1), confidence="convention")])
    (tmp_path / "artifacts").mkdir(exist_ok=True)
    pq.write_table(table.drop_columns(["confidence"]), tmp_path / "artifacts" / "old.parquet")
    pq.write_table(table, tmp_path / "artifacts" / "new.parquet")
    old, new = (store.read_samples(f"{name}.parquet", problem=1) for name in ("old", "new"))
    assert [sample["confidence"] for sample in old.samples] == [None, None]
    assert [sample["confidence"] for sample in new.samples] == [None, "convention"]
    assert [sample["confidence"] for sample in store.read_all("old.parquet")] == [None, None]
    old_reached, new_reached = (list(store.read_reached(f"{n}.parquet", 1)) for n in ("old", "new"))
    assert [read.confidence for read in old_reached] == [None, None]
    assert [read.confidence for read in new_reached] == [None, "convention"]


def test_how_verdicts_were_reached_is_read_of_all_or_of_one_problem(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    expected = [(p, s, "convention" if s else None) for p in (1, 2, 3) for s in (0, 1)]
    rows = [replace(row(p, s), confidence=confidence) for p, s, confidence in expected]
    store.write_transcript("a.parquet", rows)
    found = [(r.problem, r.sample, r.confidence) for r in store.read_reached("a.parquet")]
    assert found == expected
    of_one = [(r.problem, r.sample) for r in store.read_reached("a.parquet", 2)]
    assert of_one == [(2, 0), (2, 1)]
    assert list(store.read_reached("a.parquet", 9)) == []


def test_a_problem_that_is_not_there_has_an_empty_page(store: ArtifactStore) -> None:
    store.write_transcript("a.parquet", [row(1, 0)])
    page = store.read_samples("a.parquet", problem=7)
    assert (page.samples, page.total) == ((), 0)


def test_only_the_row_groups_of_the_problem_are_read(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    store.write_transcript("a.parquet", (row(p, s) for p in range(40) for s in range(256)))
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata
    column = metadata.schema.to_arrow_schema().get_field_index("problem")
    spans = [
        (st.min, st.max)
        for st in (
            metadata.row_group(g).column(column).statistics for g in range(metadata.num_row_groups)
        )
    ]
    assert len(spans) == 10
    assert all(high - low == 3 for low, high in spans)
    assert store.read_samples("a.parquet", problem=39, offset=255).samples[0]["sample"] == 255


def test_texts_are_kept_and_lone_surrogates_are_counted(store: ArtifactStore) -> None:
    texts = ["a\x00b", "𝔘 \u2028 ∑", "half \ud83d of", ""]
    store.write_transcript("a.parquet", [row(1, i, text) for i, text in enumerate(texts)])
    samples = store.read_samples("a.parquet", 1).samples
    assert [s["response"] for s in samples] == ["a\x00b", "𝔘 \u2028 ∑", "half \ufffd of", ""]
    assert [s["replaced_characters"] for s in samples] == [0, 0, 1, 0]


def test_an_abandoned_transcript_leaves_nothing(store: ArtifactStore) -> None:
    transcript = store.begin("e1/a.parquet")
    transcript.write([row(1, 0)])
    transcript.abandon()
    transcript.abandon()
    assert not store.exists("e1/a.parquet")
    assert list(store.list()) == []


def test_nothing_is_seen_before_the_commit(store: ArtifactStore) -> None:
    transcript = store.begin("e1/a.parquet")
    transcript.write([row(1, 0)])
    assert not store.exists("e1/a.parquet")
    transcript.commit()
    transcript.abandon()
    assert list(store.list()) == ["e1/a.parquet"]


def test_a_repeated_shard_replaces_its_transcript(store: ArtifactStore) -> None:
    store.write_transcript("e1/a.parquet", [row(1, 0, "first")])
    store.write_transcript("e1/a.parquet", [row(1, 0, "second")])
    assert store.read_samples("e1/a.parquet", 1).samples[0]["response"] == "second"
    assert list(store.list()) == ["e1/a.parquet"]
    store.delete("e1/a.parquet")
    store.delete("e1/a.parquet")
    assert not store.exists("e1/a.parquet")


def test_a_missing_transcript_is_not_found(store: ArtifactStore) -> None:
    with pytest.raises(NotFound, match=r"no transcript b\.parquet"):
        store.read_samples("b.parquet", 1)


def test_a_truncated_transcript_says_what_to_do(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    store.write_transcript("a.parquet", [row(1, s) for s in range(500)])
    data = (tmp_path / "a.parquet").read_bytes()
    for length in (0, 3, len(data) // 2, len(data) - 1):
        (tmp_path / "a.parquet").write_bytes(data[:length])
        with pytest.raises(StorageError, match="damaged or was cut off"):
            store.read_samples("a.parquet", 1)


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "", "a\x00"])
def test_paths_stay_within_the_store(store: ArtifactStore, path: str) -> None:
    with pytest.raises(StorageError, match="not a path within"):
        store.read_samples(path, 1)


FULL_DISK = """
import resource, sys
from evalsvc.artifacts import ArtifactStore
from evalsvc.errors import StorageError
from tests.unit.artifacts.test_store import row
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
store = ArtifactStore(sys.argv[1])
try:
    store.write_transcript("a.parquet", (row(p, 0, str(p) * p) for p in range(3000)))
except StorageError as error:
    print(error)
    print(store.list())
"""


def test_a_full_disk_is_named_and_nothing_half_written_stays(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "the disk is full. Free space there" in done.stdout, done.stderr
    assert done.stdout.endswith("[]\n")
    assert list(tmp_path.iterdir()) == []
