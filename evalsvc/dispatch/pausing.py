"""When nothing can be stored, nothing is generated: pause, say why, look again."""

import asyncio
import os
from dataclasses import dataclass

from evalsvc.errors import EvalsvcError, MissingExtra, StorageError

PROBE_BYTES = 2**20  # a full disk often still takes a few bytes
PROBE_SECONDS = 30.0
FIRST_SECONDS = 1.0
LAST_SECONDS = 60.0
CALM_SECONDS = 300.0  # without trouble until the next pause is short again


@dataclass(frozen=True)
class Pause:
    """Why nothing is assigned."""

    reason: str
    remedy: str


class ArtifactWatch:
    """Pauses after a failure of the artifact store until a probe of it succeeds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._wait = 0.0
        self._next_at = 0.0
        self._since = 0.0
        self.pause: Pause | None = None

    def failed(self, reason: str, remedy: str, now: float) -> bool:
        """A worker could not write. True when this begins a pause."""
        begins = self.pause is None
        self.pause = Pause(reason, remedy)
        if begins:
            calm = now - self._since > CALM_SECONDS
            self._wait = FIRST_SECONDS if calm else min(LAST_SECONDS, 2 * self._wait)
            self._next_at = now + self._wait
        return begins

    async def is_over(self, now: float) -> bool:
        """Whether a pause has just ended: then work may go on."""
        if self.pause is None or now < self._next_at:
            return False
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await asyncio.to_thread(probe, self._url)
        except (EvalsvcError, TimeoutError) as error:
            words = str(error) or f"The artifact store did not answer in {PROBE_SECONDS:.0f} s."
            self.pause = Pause(words, self.pause.remedy)
            self._next_at = now + self._wait
            return False
        self.pause, self._since = None, now
        return True


def probe(url: str) -> None:
    """Write, and remove, a little in the artifact store. Raises StorageError when that fails."""
    import fsspec  # noqa: PLC0415 - needed only in trouble

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
