"""Decide which checkpoint the engine has loaded: order of shards, swaps, starts and restarts.

Shards of the loaded checkpoint share the engine. A shard of another checkpoint waits, in order of
arrival, until those have finished sampling. Then the weights are swapped in place if architecture
and tokenizer agree; otherwise the engine is restarted. After a failed swap the engine is always
restarted: an engine with uncertain weights never answers.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import (
    CheckpointError,
    EngineError,
    EvalsvcError,
    MissingExtra,
    UsageError,
)
from evalsvc.specs import CheckpointSpec, ShardSpec, WorkerState, content_hash
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.base import Engine, EngineDied, SwapFailed
from evalsvc.worker.engines.registry import create_engine
from evalsvc.worker.limits import ENGINE_CLOSE_SECONDS, MAX_START_ATTEMPTS
from evalsvc.worker.logtail import LogTail
from evalsvc.worker.slots import RequestSlots

LoadedBy = Literal["cold", "swapped"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """An engine, its loaded checkpoint, and how the checkpoint was loaded."""

    engine: Engine
    key: str  # engine and its options
    checkpoint: CheckpointSpec
    by: LoadedBy
    slots: RequestSlots


class EngineHost:
    """Owns the one engine of a worker.

    `on_change(state, message)` is called when a load or a swap begins, and with None when it ends.
    """

    def __init__(
        self, config: WorkerConfig, on_change: Callable[[WorkerState | None, str], None]
    ) -> None:
        self._config = config
        self._on_change = on_change
        self._turnstile = asyncio.Lock()  # first come, first served
        self._idle = asyncio.Event()
        self._idle.set()
        self._users = 0
        self._load: asyncio.Task[Loaded] | None = None
        self.loaded: Loaded | None = None
        self.sampling_lock = asyncio.Lock()  # the oldest shard submits its requests first
        self.swaps = 0
        self.cold_starts = 0
        self.last_swap_seconds: float | None = None

    @asynccontextmanager
    async def serving(self, spec: ShardSpec) -> AsyncIterator[Loaded]:
        """Give the engine with the checkpoint of `spec` for the duration of the block."""
        async with self._turnstile:
            loaded = await self._ready_for(spec)
            self._users += 1
            self._idle.clear()
        try:
            yield loaded
        except* EngineDied:
            if self.loaded is loaded:
                await self._drop()  # the next shard starts a new one
            raise
        finally:
            self._users -= 1
            if self._users == 0:
                self._idle.set()

    async def close(self) -> None:
        """Stop the engine, even while it is starting."""
        if self._load is not None:
            self._load.cancel()
            await asyncio.wait([self._load])
        await self._drop()

    async def _ready_for(self, spec: ShardSpec) -> Loaded:
        """Load the checkpoint of `spec` when its turn has come; returns once it is loaded.

        Loading continues if the shard that requested it is cancelled: the next one may need it,
        and an engine cannot be stopped halfway.
        """
        if self._load is not None:
            await asyncio.wait([self._load])
        if self.loaded is None or not self._serves(self.loaded, spec):
            await self._idle.wait()
            self._load = asyncio.create_task(self._make_ready(spec))
            await asyncio.wait([self._load])
            self.loaded = self._load.result()
        return self.loaded

    def _serves(self, loaded: Loaded, spec: ShardSpec) -> bool:
        return (
            loaded.key == engine_key(spec)
            and loaded.checkpoint.fingerprint == spec.checkpoint.fingerprint
            and loaded.engine.has_room(spec.protocol.max_tokens)
        )

    async def _make_ready(self, spec: ShardSpec) -> Loaded:
        try:
            return await self._swap_or_start(spec)
        finally:
            self._on_change(None, "")

    async def _swap_or_start(self, spec: ShardSpec) -> Loaded:
        engine = create_engine(spec.engine, spec.engine_options)
        if engine.reads_checkpoint:
            await asyncio.to_thread(self._check_unchanged, spec.checkpoint)
        if self.loaded is not None and _may_swap(self.loaded, spec):
            try:
                self.loaded = await self._swap(self.loaded, spec.checkpoint)
            except SwapFailed as error:
                log.warning("the swap failed, the engine is restarted: %s", error)
            except BaseException:
                await self._drop()  # it may hold parts of both checkpoints
                raise
            else:
                return self.loaded
        await self._drop()
        self.loaded = await self._start(engine, spec)
        return self.loaded

    async def _drop(self) -> None:
        if self.loaded is not None:
            loaded, self.loaded = self.loaded, None
            await _close(loaded.engine)

    async def _swap(self, present: Loaded, checkpoint: CheckpointSpec) -> Loaded:
        self._on_change(WorkerState.SWAPPING, f"swapping to {Path(checkpoint.path).name}")
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._config.engine_start_seconds):
                await present.engine.swap(checkpoint)
        except TimeoutError as error:
            raise SwapFailed("The engine did not answer in time.") from error
        self.last_swap_seconds = time.perf_counter() - began
        self.swaps += 1
        log.info("weights swapped in place in %.2f s: %s", self.last_swap_seconds, checkpoint.path)
        return replace(present, checkpoint=checkpoint, by="swapped")

    async def _start(self, engine: Engine, spec: ShardSpec) -> Loaded:
        for attempt in range(1, MAX_START_ATTEMPTS + 1):
            try:
                await self._start_once(engine, spec)
            except EvalsvcError as error:
                await _close(engine)
                hopeless = isinstance(error, UsageError | MissingExtra)
                if hopeless or attempt == MAX_START_ATTEMPTS:
                    raise
                log.warning("the engine did not start, trying once more: %s", error)
                engine = create_engine(spec.engine, spec.engine_options)
            except BaseException:
                await _close(engine)
                raise
            else:
                break
        slots = RequestSlots(engine.max_concurrency)
        return Loaded(engine, engine_key(spec), spec.checkpoint, "cold", slots)

    async def _start_once(self, engine: Engine, spec: ShardSpec) -> None:
        seconds, tail = self._config.engine_start_seconds, LogTail(self._config.log_file)
        self._on_change(WorkerState.LOADING, f"starting {engine.name}")
        log.info("starting the engine %s with %s", engine.name, spec.checkpoint.path)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                await engine.start(spec.checkpoint, spec.protocol.max_tokens)
        except TimeoutError as error:
            raise EngineError(
                f"The engine {engine.name!r} did not start within {seconds:g} s.{tail.quote()}",
                "Raise EVALSVC_ENGINE_START_SECONDS, or see the worker's log.",
            ) from error
        except EngineError as error:
            raise type(error)(error.message + tail.quote(), error.remedy) from error
        self.cold_starts += 1
        log.info("engine %s started in %.1f s", engine.name, time.perf_counter() - began)

    def _check_unchanged(self, checkpoint: CheckpointSpec) -> None:
        """Refuse files that differ from those submitted: a trainer may have overwritten them."""
        allow_pickle = self._config.allow_pickle_weights
        found = inspect_checkpoint(Path(checkpoint.path), allow_pickle=allow_pickle)
        if found.fingerprint != checkpoint.fingerprint:
            raise CheckpointError(
                f"The checkpoint {checkpoint.path} has changed since it was submitted "
                f"(fingerprint {found.fingerprint[:12]} instead of {checkpoint.fingerprint[:12]}).",
                "Submit it again; results of the two contents are kept apart.",
            )


def engine_key(spec: ShardSpec) -> str:
    """The key of an engine; shards with equal keys can share one."""
    return f"{spec.engine}/{content_hash(spec.engine_options)}"


def _may_swap(present: Loaded, spec: ShardSpec) -> bool:
    """Whether only the weights differ. Configuration and tokenizer are never reloaded in place."""
    new, old = spec.checkpoint, present.checkpoint
    return (
        present.key == engine_key(spec)
        and old.architecture_hash == new.architecture_hash
        and old.tokenizer_hash == new.tokenizer_hash
        and present.engine.has_room(spec.protocol.max_tokens)
    )


async def _close(engine: Engine) -> None:
    """Close an engine in any state; its errors are only logged."""
    try:
        async with asyncio.timeout(ENGINE_CLOSE_SECONDS):
            await engine.close()
    except (EvalsvcError, TimeoutError, OSError, RuntimeError):
        log.exception("the engine %s did not close well", engine.name)
