"""API keys: created, found, revoked. Only a digest of the secret part is stored."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evalsvc.errors import Conflict, NotFound, UsageError
from evalsvc.store.models import ApiKey, now
from evalsvc.store.repositories import events

SCOPES = ("read", "submit", "admin")
PREFIX_BYTES, SECRET_BYTES = 6, 32
USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class NewKey:
    """A new key with its secret, which is shown only once."""

    id: int
    name: str
    scopes: tuple[str, ...]
    key: str


def create_key(session: Session, name: str, scopes: Sequence[str], *, by: str) -> NewKey:
    """Create a key. Raises UsageError (scopes), Conflict (the name is taken)."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise UsageError(
            f"There is no scope {', '.join(unknown)!r}." if unknown else "A key needs a scope.",
            f"Scopes are {', '.join(SCOPES)}; admin includes the others.",
        )
    if session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
        raise Conflict(
            f"There is already a key called {name!r}.",
            "Take another name; a revoked key keeps its name for the audit.",
        )
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    row = ApiKey(name=name, prefix=prefix, digest=_digest(secret), scopes=list(ordered))
    session.add(row)
    session.flush()
    events.record(session, "key.created", key=name, scopes=list(ordered), by=by)
    return NewKey(row.id, name, ordered, f"evalsvc_{prefix}_{secret}")


def find_key(session: Session, text: str) -> ApiKey | None:
    """The active key that `text` is, or None. Takes the same time for any wrong secret."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != "evalsvc" or not text.isascii() or "\0" in text:
        return None
    row = session.scalar(select(ApiKey).where(ApiKey.prefix == parts[1]))
    expected = row.digest if row is not None else bytes(32)
    right = hmac.compare_digest(_digest(parts[2]), expected)
    return row if right and row is not None and row.revoked_at is None else None


def revoke_key(session: Session, name: str, *, by: str) -> ApiKey:
    """Revoke a key by its name or prefix; doing it twice is no error."""
    row = session.scalar(select(ApiKey).where((ApiKey.name == name) | (ApiKey.prefix == name)))
    if row is None:
        raise NotFound(f"There is no key called {name!r}.", "`evalsvc keys list` lists them.")
    if row.revoked_at is None:
        row.revoked_at = now()
        events.record(session, "key.revoked", key=row.name, by=by)
    return row


def list_keys(session: Session) -> Sequence[ApiKey]:
    """All keys, oldest first, revoked ones too."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def has_living_key(session: Session) -> bool:
    """Whether any active key exists."""
    statement = select(func.count()).select_from(ApiKey).where(ApiKey.revoked_at.is_(None))
    return bool(session.scalar(statement))


def note_use(session: Session, key_id: int) -> None:
    """Record that a key was used just now."""
    row = session.get(ApiKey, key_id)
    if row is not None:
        row.last_used_at = now()


def use_is_stale(row: ApiKey) -> bool:
    """Whether the last recorded use is old enough to record a new one."""
    return row.last_used_at is None or now() - row.last_used_at > USE_IS_NOTED_EVERY


def _digest(secret: str) -> bytes:
    """SHA-256 of a secret: enough for 256 random bits, which cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
