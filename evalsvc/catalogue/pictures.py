"""Finding the pictures that a data set names: next to its file, in the given folder, or in a zip.

A name from a data set is never trusted: absolute names, names with `..` and links out of the folder
cause the whole data set to be refused, because no legitimate archive has them.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from evalsvc.catalogue.errors import CatalogueError, ImageError
from evalsvc.catalogue.images import decode, pixel_hash
from evalsvc.catalogue.limits import MAX_PICTURE_BYTES
from evalsvc.catalogue.local import store_image
from evalsvc.catalogue.rows import StoredImage

_MAX_NAME = 255  # bytes, the limit of file systems
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"})
Listed = tuple[str, bytes | None]  # name of a picture, and its content where it is embedded
Place = Path | tuple[zipfile.ZipFile, str]  # a file, or a member of an archive


class PictureFinder:
    """Looks up pictures by name below one source folder. Close it to close its archives."""

    def __init__(self, root: Path, search: Literal["path", "name"]) -> None:
        self._root = root.resolve()
        self._archives = [_open_archive(path) for path in sorted(root.glob("*.zip"))]
        self._by_name = self._index() if search == "name" else {}

    def __enter__(self) -> "PictureFinder":
        return self

    def __exit__(self, *_: object) -> None:
        for archive in self._archives:
            archive.close()

    def find(self, row: str, name: str, folder: Path) -> bytes | None:
        """The bytes of a picture, or None when it is not found.

        ImageError when it is too large, broken or one of several of that name; CatalogueError when
        the name points outside the source's folder.
        """
        relative = _safe_name(row, name)
        for base in dict.fromkeys((folder, folder / "images", self._root, self._root / "images")):
            path = base / relative
            if path.is_file():
                return self._read(row, name, path)
        for archive in self._archives:
            stem = Path(archive.filename or "").stem
            for member in (f"{relative}", f"images/{relative}", f"{stem}/{relative}"):
                if member in archive.NameToInfo:
                    return _unpack(row, archive, member)
        return self._find_by_name(row, name, self._by_name.get(relative.name, []))

    def _find_by_name(self, row: str, name: str, places: list[Place]) -> bytes | None:
        if len(places) > 1:
            raise ImageError(
                row,
                f"{len(places)} pictures are called {PurePosixPath(name).name}.",
                "Leave only the one that is meant in the folder.",
            )
        if not places:
            return None
        (place,) = places
        return self._read(row, name, place) if isinstance(place, Path) else _unpack(row, *place)

    def _read(self, row: str, name: str, path: Path) -> bytes:
        if not path.resolve().is_relative_to(self._root):
            raise CatalogueError(
                f"Problem {row}: the picture {name} is a link that leads out of {self._root}.",
                "Copy the pictures into the folder; links to other places are not followed.",
            )
        if (size := path.stat().st_size) > MAX_PICTURE_BYTES:
            raise ImageError(row, f"the picture {name} has {size} bytes, over {MAX_PICTURE_BYTES}.")
        return path.read_bytes()

    def _index(self) -> Mapping[str, list[Place]]:
        """Places by file name; files in the folder take precedence over archive members of the
        same name.
        """
        index: dict[str, list[Place]] = {}
        for file in self._root.rglob("*"):
            if file.suffix.lower() in _SUFFIXES:
                index.setdefault(file.name, []).append(file)
        packed: dict[str, list[Place]] = {}
        for archive in self._archives:
            for member in archive.namelist():
                path = PurePosixPath(member)
                if path.suffix.lower() in _SUFFIXES:
                    packed.setdefault(path.name, []).append((archive, member))
        return {**packed, **index}


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise CatalogueError(f"{path} is not a readable archive: {error}") from error


def _safe_name(row: str, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    odd = "\\" in name or not name.isprintable() or len(name.encode()) > _MAX_NAME
    if not path.parts or path.is_absolute() or ".." in path.parts or odd:
        raise CatalogueError(
            f"Problem {row} names a picture outside its folder: {name!r}.",
            "Such data are not accepted; get them from the benchmark's own source.",
        )
    return path


def _unpack(row: str, archive: zipfile.ZipFile, member: str) -> bytes:
    if archive.NameToInfo[member].file_size > MAX_PICTURE_BYTES:
        raise ImageError(
            row, f"the picture {member} of the archive is over {MAX_PICTURE_BYTES} bytes."
        )
    try:
        with archive.open(member) as stream:
            return stream.read(MAX_PICTURE_BYTES)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ImageError(row, f"the picture {member} of the archive is broken: {error}.") from error


def keep_pictures(
    row: str,
    pictures: Sequence[Listed],
    folder: Path,
    finder: PictureFinder,
    store: tuple[Path, str],
) -> tuple[StoredImage, ...]:
    """Find, check and keep the pictures of one row. A fault is recorded with its picture.

    `store` is (data root, name of the benchmark).
    """
    kept = []
    for name, embedded in pictures:
        try:
            content = finder.find(row, name, folder) if embedded is None else embedded
            if content is None:
                raise ImageError(row, f"the picture {name} is missing.")
            pixels = pixel_hash(decode(content, row=row, name=name))
        except ImageError as error:
            kept.append(StoredImage(name, problem=error.reason))
        else:
            kept.append(StoredImage(name, store_image(*store, content), pixels))
    return tuple(kept)


def listed(named: Any, embedded: Any) -> list[Listed]:
    """(name, embedded bytes or None) for each picture of a row, in order."""
    names = [n for n in _as_list(named) if n]
    contents = _as_list(embedded)
    entries: list[Listed] = []
    for position, entry in enumerate(names or contents):
        if isinstance(entry, Mapping):
            content, given = entry.get("bytes"), entry.get("path")
        else:
            content, given = None, str(entry)
        if content is None and names and position < len(contents):
            content = (contents[position] or {}).get("bytes")
        name = given or f"image-{position + 1}"
        entries.append((name, content))
    return entries


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
