"""The artifact store: transcripts by path in a folder or any fsspec store (S3, GCS, memory ...).

A file under its final name is always complete. Paths are relative and may not leave the store.
"""

import errno
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, BinaryIO

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from evalsvc.artifacts.reading import (
    AnsweredSample,
    JudgedSample,
    ReachedVerdict,
    SamplePage,
    iterate,
    iterate_answers,
    iterate_reached,
    iterate_verdicts,
    read_page,
)
from evalsvc.artifacts.schema import TranscriptRow
from evalsvc.artifacts.writing import TranscriptWriter, Written, digest_of
from evalsvc.errors import EvalsvcError, MissingExtra, NotFound, StorageError

PARTIAL_PREFIX = ".partial-"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class StoredFile:
    """A file of the store: its path in the store, and its size."""

    path: str
    bytes: int


class ArtifactStore:
    """Transcripts below `url`: a folder, or an fsspec URL such as `s3://bucket/evalsvc`."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise MissingExtra(f"The artifact store {url}", "s3") from error
        except ValueError as error:
            raise StorageError(
                f"The artifact store {url!r} is not understood: {error}.",
                "Set EVALSVC_ARTIFACTS to a folder or a URL such as s3://bucket/prefix.",
            ) from error
        self._root = root.rstrip("/") or "/"
        self._local = isinstance(self._files, LocalFileSystem)

    def write_transcript(self, path: str, rows: Iterable[TranscriptRow]) -> Written:
        """Write `rows`, with those of a problem contiguous, as the transcript `path`."""
        transcript = self.begin(path)
        try:
            for _, group in groupby(rows, key=lambda row: row.problem):
                transcript.write(list(group))
            return transcript.commit()
        finally:
            transcript.abandon()

    def begin(self, path: str) -> "Transcript":
        """A transcript to fill one problem at a time; nothing is visible before its `commit`.

        An existing one of that name is then replaced. Raises StorageError when the store cannot be
        written to.
        """
        target = self._resolve(path)
        with explained(f"The transcript {path} cannot be written"):
            temporary = self._temporary(target)
            return Transcript(path, temporary, lambda: self._commit(temporary, target))

    def read_samples(
        self, path: str, problem: int, offset: int = 0, limit: int | None = 50
    ) -> SamplePage:
        """A page of the samples of `problem` (row index), ordered by sample, and their number.

        Raises NotFound when there is no such transcript, StorageError when it is damaged.
        """
        with self._open(path) as stream:
            return read_page(stream, problem, offset, limit)

    def read_all(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a transcript, in bounded memory."""
        with self._open(path) as stream:
            yield from iterate(stream)

    def read_verdicts(self, path: str) -> Iterator[JudgedSample]:
        """The verdict of every row of a transcript, without its texts."""
        with self._open(path) as stream:
            yield from iterate_verdicts(stream)

    def read_reached(self, path: str, problem: int | None = None) -> Iterator[ReachedVerdict]:
        """How each verdict of a transcript, or of one problem in it, was reached."""
        with self._open(path) as stream:
            yield from iterate_reached(stream, problem)

    def read_answers(self, path: str) -> Iterator[AnsweredSample]:
        """The answer of every row of a transcript, without its texts."""
        with self._open(path) as stream:
            yield from iterate_answers(stream)

    def exists(self, path: str) -> bool:
        """Whether the transcript `path` exists."""
        with explained(f"The artifact store {self.url} cannot be read"):
            return bool(self._files.exists(self._resolve(path)))

    def delete(self, path: str) -> None:
        """Remove a transcript; a missing one is no error."""
        with explained(f"The transcript {path} cannot be removed"):
            try:
                self._files.rm_file(self._resolve(path))
            except FileNotFoundError:
                return

    def list(self, prefix: str = "") -> Sequence[str]:
        """Paths of all transcripts below `prefix`, sorted."""
        found = (file.path for file in self.files(prefix))
        return [p for p in found if not PurePosixPath(p).name.startswith(PARTIAL_PREFIX)]

    def files(self, prefix: str = "") -> Sequence[StoredFile]:
        """Every file below `prefix` by path, including files that a killed worker left."""
        base = self._resolve(prefix) if prefix else self._root
        with explained(f"The artifact store {self.url} cannot be listed"):
            self._files.invalidate_cache()
            found = self._files.find(base, detail=True)
        root = PurePosixPath(self._root)
        return [
            StoredFile(str(PurePosixPath(name).relative_to(root)), int(about["size"]))
            for name, about in sorted(found.items())
        ]

    def changed_at(self, path: str) -> datetime:
        """When a file was last written, by the store's clock. Raises NotFound."""
        with explained(f"The file {path} cannot be looked at"):
            try:
                changed: datetime = self._files.modified(self._resolve(path))
            except FileNotFoundError:
                raise _not_found(path) from None
        return changed if changed.tzinfo is not None else changed.replace(tzinfo=UTC)

    def sha256(self, path: str) -> str:
        """The digest of a file's content. Raises NotFound when it does not exist."""
        with self._open(path) as stream:
            return digest_of(stream)

    @contextmanager
    def _open(self, path: str) -> Iterator[BinaryIO]:
        with explained(f"The transcript {path} cannot be read"):
            try:
                stream = self._files.open(self._resolve(path), "rb")
            except FileNotFoundError:
                raise _not_found(path) from None
            with stream:
                yield stream

    def _resolve(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\0" in path:
            raise StorageError(
                f"{path!r} is not a path within the artifact store.",
                "Paths are relative and may not contain '..'.",
            )
        return f"{self._root.rstrip('/')}/{PurePosixPath(path)}"

    def _temporary(self, target: str) -> Path:
        """Where the file is built: next to its final path in a folder, else in a local folder."""
        name = f"{PARTIAL_PREFIX}{uuid.uuid4().hex}"
        if not self._local:
            return Path(tempfile.gettempdir()) / name
        folder = Path(target).parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _commit(self, temporary: Path, target: str) -> None:
        if self._local:
            temporary.replace(target)
        else:
            self._files.put_file(str(temporary), target)  # object stores upload atomically


def _not_found(path: str) -> NotFound:
    return NotFound(
        f"There is no transcript {path} in the artifact store.",
        "It may have been deleted; the tallies in the database stay valid.",
    )


class Transcript:
    """A transcript that is being written. Its methods may be called from any thread."""

    def __init__(self, path: str, temporary: Path, publish: Callable[[], None]) -> None:
        self._failure = f"The transcript {path} cannot be written"
        self._temporary = temporary
        self._publish = publish
        self._lock = Lock()
        self._writer = TranscriptWriter(temporary)

    def write(self, rows: Sequence[TranscriptRow]) -> None:
        """Add all samples of one problem. Raises StorageError when the disk is full."""
        with self._lock, explained(self._failure):
            self._writer.write(rows)

    def commit(self) -> Written:
        """Finish the file and move it to its final path."""
        with self._lock, explained(self._failure):
            written = self._writer.close()
            self._publish()
        return written

    def abandon(self) -> None:
        """Discard what was not committed; does nothing after a commit."""
        with self._lock:
            self._writer.abandon()
            self._temporary.unlink(missing_ok=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn errors of the system, fsspec or pyarrow into a readable StorageError."""
    try:
        yield
    except EvalsvcError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise StorageError(
                f"{what}: the disk is full.",
                "Free space there, or set EVALSVC_ARTIFACTS to a larger store.",
            ) from error
        raise StorageError(
            f"{what}: {error}.", "Check that the artifact store exists and may be used."
        ) from error
    except (pa.ArrowException, EOFError) as error:
        raise StorageError(
            f"{what}: the file is damaged or was cut off ({error}).",
            "Delete it and run the shard again.",
        ) from error
