"""The lines that were added to the worker's log since a given moment, for error messages."""

from pathlib import Path

from evalsvc.worker.limits import LOG_TAIL_BYTES, LOG_TAIL_LINES


class LogTail:
    """Remembers where the log ends now. `quote` returns the last lines that were added since."""

    def __init__(self, log_file: str | None) -> None:
        self._path = Path(log_file) if log_file else None
        self._start = self._size()

    def quote(self) -> str:
        """The new lines as text for an error message. Empty if there is no log."""
        if self._path is None or self._size() <= self._start:
            return ""
        with self._path.open("rb") as stream:
            stream.seek(max(self._start, self._size() - LOG_TAIL_BYTES))
            text = stream.read(LOG_TAIL_BYTES).decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line.strip()][-LOG_TAIL_LINES:]
        return "\nThe end of its log:\n" + "\n".join(lines)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size if self._path else 0
        except OSError:
            return 0
