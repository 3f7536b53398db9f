"""The measured speed of shards, and the expected speed of the next ones."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.store.models import Throughput, now

TRUSTED = 3  # measured shards before waiting ones are cut again
MEMORY = 8  # shards in the running average, about


@dataclass(frozen=True)
class ShardKind:
    """What the speed of a shard depends on."""

    engine: str
    architecture_hash: str
    benchmark: str
    max_tokens: int


# Used before anything is measured. Rather too low: shards that are too small cost little, and
# waiting shards are cut again once the rate is known.
ASSUMED_TOKENS_PER_SECOND = 1_000.0
ASSUMED_SHARE_OF_MAX_TOKENS = 0.5


def samples_per_second(session: Session, kind: ShardKind) -> float:
    """Expected speed of one shard: measured on its kind, else on its architecture, else assumed."""
    query = select(Throughput).where(
        Throughput.engine == kind.engine, Throughput.architecture_hash == kind.architecture_hash
    )
    known = {(row.benchmark, row.max_tokens): row for row in session.scalars(query)}
    if (same := known.get((kind.benchmark, kind.max_tokens))) is not None:
        return same.samples_per_second
    if known:
        tokens = max(known.values(), key=lambda row: row.updated_at).tokens_per_second
    else:
        tokens = ASSUMED_TOKENS_PER_SECOND
    return tokens / max(1.0, kind.max_tokens * ASSUMED_SHARE_OF_MAX_TOKENS)


def measured_rate(session: Session, kind: ShardKind) -> float | None:
    """Samples per second of one shard; None until a few of its kind are measured."""
    row = session.get(Throughput, (*vars(kind).values(),))
    return row.samples_per_second if row is not None and row.shards >= TRUSTED else None


def measured(session: Session, kind: ShardKind, samples: int, tokens: int, seconds: float) -> None:
    """Add one finished shard to the running average of its kind."""
    if seconds <= 0 or samples <= 0:
        return
    row = session.get(Throughput, (*vars(kind).values(),))
    if row is None:
        row = Throughput(**vars(kind), samples_per_second=0, tokens_per_second=0, shards=0)
        session.add(row)
    weight = 1 / min(row.shards + 1, MEMORY)
    row.samples_per_second += weight * (samples / seconds - row.samples_per_second)
    row.tokens_per_second += weight * (tokens / seconds - row.tokens_per_second)
    row.shards += 1
    row.updated_at = now()
