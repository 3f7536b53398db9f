"""Verification from any thread, from asyncio and over streams, always bounded.

Exact cases are decided in the caller in microseconds; what is harder goes to killable children.
Equal cases are decided once. Verdicts do not depend on load: work is bounded by caps and processor
time, and the wall limit only catches what escapes both.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from evalsvc.verification.cache import Key, VerdictCache
from evalsvc.verification.extraction import ExtractionPolicy
from evalsvc.verification.golds import Choices
from evalsvc.verification.limits import CPU_SECONDS, RESPONSE_IN_LOOP
from evalsvc.verification.sandbox import processes as children
from evalsvc.verification.sandbox.child import Judgement
from evalsvc.verification.sandbox.inline import (
    NeedsSandbox,
    VerificationRequest,
    decide_inline,
    with_extraction,
)
from evalsvc.verification.verdict import Confidence, Verdict, VerdictKind, VerificationError

Request = VerificationRequest | Mapping[str, Any]
_WINDOW_PER_PROCESS = 256
_RESTARTS = 3
_RETRY_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A case that a child is judging."""

    work: NeedsSandbox
    future: "Future[Judgement]"


class VerificationPool:
    """Shared by threads and event loops; children start with the first case that needs one.

    It belongs to the process that made it: a fork needs a pool of its own (`verify` sees to that).

    Args:
        processes: number of children; by default the processors that this process may use.
        wall_limit_seconds: after this a child is killed and the case is a `timeout`. It is for
            what sleeps: processor time has its own limit, 1.5 s or a fifth of this if that is less.
        memory_limit_bytes: address space of a child.
        cache: where verdicts are kept; by default in memory.
    """

    def __init__(
        self,
        processes: int | None = None,
        wall_limit_seconds: float = 30.0,
        memory_limit_bytes: int = 2 * 1024**3,
        *,
        cache: VerdictCache | None = None,
    ) -> None:
        if wall_limit_seconds <= 0 or (processes is not None and processes < 1):
            raise VerificationError(
                "A pool needs at least one process and a wall limit above zero."
            )
        self.processes = processes or len(os.sched_getaffinity(0))
        self.wall_limit_seconds = wall_limit_seconds
        self.memory_limit_bytes = memory_limit_bytes
        self.cache = cache or VerdictCache()
        self._pool: ProcessPool | None = None
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(self.processes * _WINDOW_PER_PROCESS)
        self._pending: dict[Key, Future[Judgement]] = {}
        self._closed = False
        self._process = os.getpid()
        # one thread at a time decides here: several would fight the event loop of a server for the
        # interpreter, and be no faster
        self._turn = threading.Lock()
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="verification")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the children and save the cache. Cases under way become `crashed`."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool is not None:
            pool.stop()
            pool.join(timeout=5)
        self._helper.shutdown(wait=False, cancel_futures=True)
        self.cache.close()

    def warm_up(self) -> None:
        """Start the children now rather than with the first hard case."""
        self._children()

    # -- one case

    def verify(
        self,
        response: object,
        gold: str,
        *,
        kind: str | None = None,
        choices: Choices = None,
        policy: ExtractionPolicy | None = None,
    ) -> Verdict:
        """Verify one response, from any thread. Raises VerificationError for an empty gold."""
        return self._settle(self._begin(VerificationRequest(response, gold, kind, choices, policy)))

    async def verify_async(
        self,
        response: object,
        gold: str,
        *,
        kind: str | None = None,
        choices: Choices = None,
        policy: ExtractionPolicy | None = None,
    ) -> Verdict:
        """The same without blocking the event loop."""
        request = VerificationRequest(response, gold, kind, choices, policy)
        step = await self._decide_in_loop(request)
        if isinstance(step, Verdict):
            return step
        while (waiting := self._delegate(step, wait=False)) is None:  # noqa: ASYNC110 - of threads
            await asyncio.sleep(_RETRY_SECONDS)
        # shielded: another request may wait for the same work when this one is cancelled
        work = asyncio.shield(asyncio.wrap_future(waiting.future))
        await asyncio.gather(work, return_exceptions=True)
        return self._finish(waiting)

    async def _decide_in_loop(self, request: VerificationRequest) -> Verdict | NeedsSandbox:
        size = len(request.response) if isinstance(request.response, str) else 0
        if self._pool is not None and size < RESPONSE_IN_LOOP:
            return self._decide(request)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._helper, self._decide_and_start, request)

    def _decide_and_start(self, request: VerificationRequest) -> Verdict | NeedsSandbox:
        """Off the loop: what is large, and the first case, for which children must start."""
        step = self._decide(request)
        if isinstance(step, NeedsSandbox):
            self._children()
        return step

    # -- many cases

    def verify_many(self, items: Iterable[Request]) -> list[Verdict]:
        """Verify cases, or mappings with their fields; verdicts in the same order."""
        return list(self.stream(items))

    def stream(self, items: Iterable[Request]) -> Iterator[Verdict]:
        """The same as an iterator: reads ahead a bounded number of items, keeps the order."""
        window: deque[Verdict | _Waiting] = deque()
        limit = self.processes * _WINDOW_PER_PROCESS
        for item in items:
            request = item if isinstance(item, VerificationRequest) else VerificationRequest(**item)
            window.append(self._begin(request))
            while window and (
                isinstance(window[0], Verdict) or window[0].future.done() or len(window) >= limit
            ):
                yield self._settle(window.popleft())
        while window:
            yield self._settle(window.popleft())

    def _settle(self, step: Verdict | _Waiting) -> Verdict:
        return step if isinstance(step, Verdict) else self._finish(step)

    # -- how a case runs

    def _begin(self, request: VerificationRequest) -> Verdict | _Waiting:
        """A verdict, or the work that a child has begun. Waits while all slots are taken."""
        with self._turn:
            step = self._decide(request)
        if isinstance(step, Verdict):
            return step
        waiting = self._delegate(step, wait=True)
        assert waiting is not None
        return waiting

    def _decide(self, request: VerificationRequest) -> Verdict | NeedsSandbox:
        return decide_inline(request, self.cache)

    def _delegate(self, work: NeedsSandbox, *, wait: bool) -> _Waiting | None:
        """Hand a case to a child, once for equal cases; None when all slots are taken."""
        with self._lock:
            future = self._pending.get(work.key)
        if future is None:
            if not self._slots.acquire(blocking=wait):
                return None
            future = self._submit(work.key)
        return _Waiting(work, future)

    def _submit(self, key: Key) -> "Future[Judgement]":
        """Have a child judge a case; a second one where the first dies of it."""
        outer: Future[Judgement] = Future()
        with self._lock:
            self._pending[key] = outer
        outer.add_done_callback(lambda _future: self._release(key))
        try:
            self._start(key, outer, last=False)
        except BaseException as error:
            outer.set_exception(error)
        return outer

    def _start(self, key: Key, outer: "Future[Judgement]", *, last: bool) -> None:
        gold, kind, choices, answer = key
        arguments = (gold, kind, choices, answer, min(CPU_SECONDS, self.wall_limit_seconds / 5))
        future = self._scheduled(arguments)

        def done(finished: "Future[Judgement]") -> None:
            error = finished.exception()
            died = isinstance(error, ProcessExpired) and not children.out_of_processor_time(error)
            if died and not last and not self._closed:
                # not from here: the thread that calls this is the one that replaces children
                self._helper.submit(self._again, key, outer)
            elif error is not None:
                outer.set_exception(error)
            else:
                outer.set_result(finished.result())

        future.add_done_callback(done)

    def _again(self, key: Key, outer: "Future[Judgement]") -> None:
        try:
            self._start(key, outer, last=True)
        except BaseException as error:
            outer.set_exception(error)

    def _scheduled(self, arguments: children.Arguments) -> "Future[Judgement]":
        for attempt in range(_RESTARTS):
            try:
                return children.submit(self._children(), arguments, self.wall_limit_seconds)
            except RuntimeError:  # the pool broke down; a fresh one takes over
                with self._lock:
                    self._pool = None
                if attempt == _RESTARTS - 1 or self._closed:
                    raise
        raise RuntimeError("Verification processes cannot start.")

    def _release(self, key: Key) -> None:
        with self._lock:
            self._pending.pop(key, None)
        self._slots.release()

    def _children(self) -> ProcessPool:
        with self._lock:
            if self._closed:
                raise RuntimeError("The verification pool is closed.")
            if self._process != os.getpid():
                raise RuntimeError("The verification pool was made before a fork: make another.")
            if self._pool is None:
                self._pool = children.start(self.processes, self.memory_limit_bytes)
            return self._pool

    def _finish(self, waiting: _Waiting) -> Verdict:
        started = waiting.work.verdict
        confidence = None
        try:
            name, rule, trusted, ms = waiting.future.result()
            verdict = VerdictKind(name)
            confidence = Confidence(trusted) if trusted else None
            self.cache.put(waiting.work.key, verdict, rule, confidence)
        except (TimeoutError, FutureTimeoutError):
            verdict, rule, ms = VerdictKind.TIMEOUT, "wall limit", self.wall_limit_seconds * 1000
        except ProcessExpired as error:
            ms = 0.0
            if children.out_of_processor_time(error):
                verdict, rule = VerdictKind.TIMEOUT, "processor time limit"
            else:
                verdict, rule = VerdictKind.CRASHED, "the process died twice"
        except (OSError, RuntimeError) as error:
            verdict, rule, ms = (
                VerdictKind.CRASHED,
                f"the process died: {type(error).__name__}",
                0.0,
            )
        except Exception as error:
            verdict, rule, ms = (
                VerdictKind.CRASHED,
                f"the process failed: {type(error).__name__}",
                0.0,
            )
        return replace(
            started,
            verdict=verdict,
            correct=verdict is VerdictKind.CORRECT,
            rule=started.rule + rule,
            ms=started.ms + ms,
            confidence=with_extraction(confidence, waiting.work.found),
        )
