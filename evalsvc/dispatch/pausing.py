"""Pause the dispatcher while the artifact store cannot be written, and probe until it can."""

import asyncio
import os
from dataclasses import dataclass

from evalsvc.dispatch.limits import MAX_PROBE_PAUSE_SECONDS, PROBE_SECONDS
from evalsvc.errors import EvalsvcError, MissingExtra, StorageError

PROBE_BYTES = 2**20  # a full disk often still accepts a few bytes
FIRST_PROBE_PAUSE_SECONDS = 1.0
CALM_SECONDS = 300.0  # without failures until the next pause is short again


@dataclass(frozen=True)
class Pause:
    """Why no shards are assigned."""

    reason: str
    remedy: str


class ArtifactWatch:
    """Pauses after a failure of the artifact store until a test write succeeds.

    All times are seconds of one monotonic clock.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._wait = 0.0
        self._next_at = 0.0
        self._since = 0.0
        self.pause: Pause | None = None

    def failed(self, reason: str, remedy: str, now: float) -> bool:
        """A worker could not write. True if this begins a pause."""
        begins = self.pause is None
        self.pause = Pause(reason, remedy)
        if begins:
            calm = now - self._since > CALM_SECONDS
            doubled = min(MAX_PROBE_PAUSE_SECONDS, 2 * self._wait)
            self._wait = FIRST_PROBE_PAUSE_SECONDS if calm else doubled
            self._next_at = now + self._wait
        return begins

    async def is_over(self, now: float) -> bool:
        """Probe the store if it is time to. True if a pause has just ended."""
        if self.pause is None or now < self._next_at:
            return False
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await asyncio.to_thread(probe, self._url)
        except (EvalsvcError, TimeoutError) as error:
            timeout = f"The artifact store did not answer in {PROBE_SECONDS:.0f} s."
            self.pause = Pause(str(error) or timeout, self.pause.remedy)
            self._next_at = now + self._wait
            return False
        self.pause, self._since = None, now
        return True


def probe(url: str) -> None:
    """Write a small file to the artifact store and remove it.

    Raises:
        StorageError: The store cannot be written.
        MissingExtra: The package for this kind of store is not installed.
    """
    import fsspec  # noqa: PLC0415 - only needed after a failure

    try:
        files, root = fsspec.core.url_to_fs(url)
        name = f"{root.rstrip('/')}/.partial-probe-{os.getpid()}"
        files.makedirs(root, exist_ok=True)
        try:
            files.pipe_file(name, os.urandom(PROBE_BYTES))
        finally:
            if files.exists(name):
                files.rm_file(name)
    except ImportError as error:
        raise MissingExtra(f"The artifact store {url}", "s3") from error
    except Exception as error:  # each kind of store raises its own
        raise StorageError(f"The artifact store {url} cannot be written: {error}.") from error
