"""The last lines of the worker's log since a moment: what an engine said before it failed."""

from pathlib import Path

TAIL_BYTES = 4096
TAIL_LINES = 15


class LogTail:
    """Remembers where the log ends now; `quote` gives what was added, shortened."""

    def __init__(self, log_file: str | None) -> None:
        self._path = Path(log_file) if log_file else None
        self._start = self._size()

    def quote(self) -> str:
        """The new lines as text for an error message; empty where there is no log."""
        if self._path is None or self._size() <= self._start:
            return ""
        with self._path.open("rb") as stream:
            stream.seek(max(self._start, self._size() - TAIL_BYTES))
            text = stream.read(TAIL_BYTES).decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]
        return "\nThe end of its log:\n" + "\n".join(lines)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size if self._path else 0
        except OSError:
            return 0
