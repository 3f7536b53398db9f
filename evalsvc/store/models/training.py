"""What is evaluated: runs and their checkpoints."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from evalsvc.store.models.base import Base, now
from evalsvc.store.states import CheckpointState


class Run(Base):
    """One training run."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    method: Mapped[str] = mapped_column(index=True)
    base_model: Mapped[str | None]
    train_seed: Mapped[int | None]
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)

    checkpoints: Mapped[list["Checkpoint"]] = relationship(back_populates="run")


class Checkpoint(Base):
    """A run at a step. Other weights written for the same step are a new checkpoint."""

    __tablename__ = "checkpoints"
    __table_args__ = (
        UniqueConstraint("run_id", "step", "fingerprint"),
        Index("ix_checkpoints_fingerprint", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    step: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(default="")  # empty while nothing could be read
    path: Mapped[str]
    state: Mapped[str] = mapped_column(default=CheckpointState.COMPLETE)
    reason: Mapped[str | None]  # why it was skipped, rotated, abandoned or failed
    spec: Mapped[dict[str, Any]] = mapped_column(default=dict)  # CheckpointSpec as it was inspected
    created_at: Mapped[datetime] = mapped_column(default=now)

    run: Mapped[Run] = relationship(back_populates="checkpoints")
