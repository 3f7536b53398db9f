"""State shared by all request handlers: settings, database, catalogue, transcripts, caches.

One object per server, made by `create_app`. A handler opens its own transaction on `database`:
transactions begin and end in the handlers, never inside a service.
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from evalsvc.services.importing.once import Turns
from evalsvc.services.memo import Memo
from evalsvc.settings import Settings
from evalsvc.store.database import Database

if TYPE_CHECKING:  # all are slow to import, and many requests need none of them
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.catalogue import Catalogue
    from evalsvc.services.jobs.admission import CheckpointCache
    from evalsvc.services.jobs.datasets import DatasetCache
    from evalsvc.services.jobs.resolution import Preparation
    from evalsvc.statistics.metrics import MetricRegistry


@dataclass
class State:
    """The server's state. Nothing in it must survive the process: all of it can be rebuilt."""

    settings: Settings
    database: Database
    memo: Memo = field(default_factory=Memo)
    rescored: set[str] = field(default_factory=set)  # evaluations that this server is rescoring
    importing: Turns = field(default_factory=Turns)
    stopping: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def catalogue(self) -> "Catalogue":
        from evalsvc.catalogue import Catalogue  # noqa: PLC0415 - heavy

        return Catalogue(self.settings.benchmark_folders)

    @cached_property
    def datasets(self) -> "DatasetCache":
        from evalsvc.services.jobs.datasets import DatasetCache  # noqa: PLC0415 - heavy

        return DatasetCache(self.catalogue, self.settings.data)

    @cached_property
    def checkpoints(self) -> "CheckpointCache":
        from evalsvc.services.jobs.admission import CheckpointCache  # noqa: PLC0415 - heavy

        return CheckpointCache()

    @cached_property
    def preparation(self) -> "Preparation":
        """Checks job requests, with this server's caches."""
        from evalsvc.services.jobs.resolution import Preparation  # noqa: PLC0415 - heavy

        return Preparation(self.settings, self.datasets, self.checkpoints)

    @cached_property
    def metrics(self) -> "MetricRegistry":
        """The registered metrics, those of other packages included. Read once."""
        from evalsvc.statistics.metrics import load_metrics  # noqa: PLC0415 - heavy

        return load_metrics()

    @cached_property
    def artifacts(self) -> "ArtifactStore":
        from evalsvc.artifacts import ArtifactStore  # noqa: PLC0415 - heavy

        return ArtifactStore(self.settings.resolved_artifacts)


def get_state(request: Request) -> State:
    """The server's state, for handlers."""
    state: State = request.app.state.evalsvc
    return state


StateDep = Annotated[State, Depends(get_state)]
