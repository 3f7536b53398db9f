"""Identifiers: those that sort by time, and those computed from content."""

import secrets
import time
from typing import Any

from evalsvc.specs import CheckpointSpec, Protocol, content_hash

EVALUATION_ID_DIGITS = 24


def new_id() -> str:
    """A new identifier of 20 hexadecimal digits: microseconds since 1970, then randomness."""
    return f"{time.time_ns() // 1000:014x}{secrets.token_hex(3)}"


def evaluation_id(
    *,
    checkpoint: CheckpointSpec,
    benchmark: str,
    revision: str,
    prompt_hash: str,
    protocol: Protocol,
    engine: str,
    engine_identity: Any,
) -> str:
    """The identity of an evaluation: everything that changes the distribution of a sample.

    `engine_identity` holds the engine options that matter, and the hashes of files they name.
    """
    parts = [
        checkpoint.fingerprint,
        benchmark,
        revision,
        prompt_hash,
        protocol.hash,
        engine,
        engine_identity,
    ]
    return content_hash(parts, length=EVALUATION_ID_DIGITS)
