"""Optional download from the Hugging Face hub, at the recorded revision if there is one.

The content hash is checked afterwards, so an unknown revision is safe, only inconvenient.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.model import Benchmark, Hub


@contextlib.contextmanager
def downloaded(benchmark: Benchmark) -> Iterator[Path]:
    """A temporary folder with the benchmark's files from the hub.

    Raises CatalogueError when the benchmark is not on the hub, or the hub cannot be reached.
    """
    names = [benchmark.selected.set] if benchmark.part else list(benchmark.sets)
    sources = {source for name in names if (source := benchmark.sets[name].hub) is not None}
    local = f"evalsvc benchmarks add-data {benchmark.name} --from PATH"
    if not sources:
        raise CatalogueError(
            f"The data of {benchmark.full_name!r} cannot be fetched by itself.",
            f"Get them as docs/benchmarks.md says, then: {local}",
        )
    with tempfile.TemporaryDirectory(prefix="evalsvc-hub-") as folder:
        for source in sources:
            _fetch(source, Path(folder), local)
        yield Path(folder)


def _fetch(source: Hub, folder: Path, local: str) -> None:
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CatalogueError(
            "Downloading needs huggingface-hub.", 'Install it: pip install "evalsvc[server]"'
        ) from error
    try:
        snapshot_download(
            source.repo,
            repo_type="dataset",
            revision=source.revision,
            allow_patterns=list(source.files),
            local_dir=folder,
            etag_timeout=10,
        )
    except Exception as error:  # the hub's client raises its own errors, httpx's and OS errors
        raise CatalogueError(
            f"{source.repo} could not be fetched from the Hugging Face hub: {error}",
            f"Check the connection (or HF_HUB_OFFLINE, HF_TOKEN), or use a local copy: {local}",
        ) from error
