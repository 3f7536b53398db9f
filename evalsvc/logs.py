"""Logs: one line a message on standard error, for people (`text`) or for programs (`json`).

The subject of a message (job, evaluation, shard, worker) is kept in fields of its own, by `about`,
so that a log can be searched for an identifier. Text and values may come from untrusted files: line
ends in them are escaped, and each message stays on one line (except tracebacks in `text`).
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]
_ABOUT = "evalsvc_about"
QUIET = ("httpx", "httpcore", "alembic", "uvicorn")  # libraries that log too much


def about(**identifiers: Any) -> dict[str, Any]:
    """The `extra` of a message: its subject. Values that are None are left out."""
    return {_ABOUT: {name: value for name, value in identifiers.items() if value is not None}}


def configure(level: str, style: LogFormat) -> None:
    """Send this process's messages of `level` and above to standard error, in this format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Text(logging.Formatter):
    """`TIME LEVEL PART: words name=value ...`; values with blanks are JSON strings."""

    def format(self, record: logging.LogRecord) -> str:
        beside = "".join(f" {name}={_value(value)}" for name, value in _about(record).items())
        message = _one_line(record.getMessage())
        line = f"{_instant(record)} {record.levelname} {record.name}: {message}{beside}"
        return "\n".join([line, *self._traceback(record)])

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        return [self.formatException(record.exc_info)] if record.exc_info else []


class _Json(logging.Formatter):
    """One JSON object per line: `at`, `level`, `part`, `message`, the subject, `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            **_about(record),
            "at": _instant(record),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _about(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = getattr(record, _ABOUT, {})
    return found


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    plain = text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else json.dumps(text)


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
