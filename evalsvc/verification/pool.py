"""Verification from any thread, from asyncio and over streams, always bounded.

Exact cases are decided in the caller in microseconds; what is harder goes to killable children.
Equal cases are decided once. Verdicts do not depend on load: work is bounded by caps and processor
time, and the wall limit only catches what escapes both.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from evalsvc.verification import processes as children
from evalsvc.verification.cache import Key, VerdictCache
from evalsvc.verification.extraction import Extraction, ExtractionPolicy, extract
from evalsvc.verification.golds import Choices, TypedGold, type_gold
from evalsvc.verification.judge import judge
from evalsvc.verification.kinds import Kind
from evalsvc.verification.limits import (
    ANSWER_CHARACTERS,
    CPU_SECONDS,
    RESPONSE_IN_LOOP,
    LimitExceeded,
    NeedsChild,
)
from evalsvc.verification.verdict import VERIFIER_VERSION, Verdict, Verdicts, VerificationError

_CHEAP_RULES = frozenset(("same text", "exact value", "text", "choice: letter"))
_WINDOW_PER_PROCESS = 256
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One response to verify."""

    response: object
    gold: str
    kind: str | None = None
    choices: Choices = None
    policy: ExtractionPolicy | None = None


@dataclass(slots=True)
class _Waiting:
    """A case that a child is judging."""

    verdict: Verdict
    future: "Future[tuple[str, str, float]]"
    key: Key
    started: float


class VerificationPool:
    """Shared by threads and event loops; children start with the first case that needs one.

    Args:
        processes: number of children; by default the processors that this process may use.
        wall_limit_seconds: after this a child is killed and the case is a `timeout`. The
            processor time of a case is bounded on its own, at 0.2 s and a fifth of this.
        memory_limit_bytes: address space of a child.
        cache: where verdicts are kept; by default in memory.
    """

    def __init__(
        self,
        processes: int | None = None,
        wall_limit_seconds: float = 5.0,
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
        self._pending: dict[Key, Future[tuple[str, str, float]]] = {}
        self._closed = False
        # one thread: several would fight the event loop for the interpreter
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
        step = self._begin(Case(response, gold, kind, choices, policy))
        assert step is not None
        return step if isinstance(step, Verdict) else self._finish(step)

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
        case = Case(response, gold, kind, choices, policy)
        step = await self._begin_in_loop(case)
        while step is None:
            await asyncio.sleep(0.01)
            step = await self._begin_in_loop(case)
        if isinstance(step, Verdict):
            return step
        await asyncio.gather(asyncio.wrap_future(step.future), return_exceptions=True)
        return self._finish(step)

    async def _begin_in_loop(self, case: Case) -> "Verdict | _Waiting | None":
        if (
            self._pool is not None
            and len(case.response if isinstance(case.response, str) else "") < RESPONSE_IN_LOOP
        ):
            return self._begin(case, wait=False)
        begin = partial(self._begin, case, wait=False)
        return await asyncio.get_running_loop().run_in_executor(self._helper, begin)

    # -- many cases

    def verify_many(self, items: Iterable[Case | Mapping[str, Any]]) -> list[Verdict]:
        """Verify cases, or mappings with their fields; verdicts in the same order."""
        return list(self.stream(items))

    def stream(self, items: Iterable[Case | Mapping[str, Any]]) -> Iterator[Verdict]:
        """The same as an iterator: reads ahead a bounded number of items, keeps the order."""
        window: deque[Verdict | _Waiting] = deque()
        limit = self.processes * _WINDOW_PER_PROCESS
        for item in items:
            case = item if isinstance(item, Case) else Case(**item)
            step = self._begin(case)
            assert step is not None
            window.append(step)
            while window and (
                isinstance(window[0], Verdict) or window[0].future.done() or len(window) >= limit
            ):
                yield self._settle(window.popleft())
        while window:
            yield self._settle(window.popleft())

    def _settle(self, step: Verdict | _Waiting) -> Verdict:
        return step if isinstance(step, Verdict) else self._finish(step)

    # -- the way of a case

    def _begin(self, case: Case, *, wait: bool = True) -> "Verdict | _Waiting | None":
        """A verdict, or a child's work; None when all slots are taken and `wait` is false."""
        started = time.perf_counter()
        if not isinstance(case.response, str):
            kind = type(case.response).__name__
            return _verdict(
                Verdicts.NO_ANSWER,
                Extraction(None, None, ""),
                f"the response is no text ({kind})",
                started,
            )
        gold = type_gold(case.gold, choices=case.choices, kind=case.kind)
        found = extract(case.response, case.policy or _default_policy(gold))
        if found.text is None:
            return _verdict(Verdicts.NO_ANSWER, found, found.rule, started)
        if len(found.text) > ANSWER_CHARACTERS:
            short = replace(found, text=found.text[:200])
            return _verdict(
                Verdicts.TOO_LONG, short, f"answer above {ANSWER_CHARACTERS} characters", started
            )
        key = (gold.text, case.kind, gold.choices, found.text)
        return self._decide(gold, key, found, started, wait=wait)

    def _decide(
        self, gold: TypedGold, key: Key, found: Extraction, started: float, *, wait: bool
    ) -> "Verdict | _Waiting | None":
        assert found.text is not None
        kept = self.cache.get(key)
        if kept is not None:
            return _verdict(kept[0], found, _told(found, kept[1]), started)
        try:
            outcome = judge(gold, found.text)
            if outcome.equal is None:
                raise NeedsChild
        except LimitExceeded as error:
            rule, verdict = f"over the limit: {error}", Verdicts.TOO_LONG
        except (NeedsChild, RecursionError):
            return self._delegate(key, found, started, wait=wait)
        else:
            rule, verdict = outcome.rule, Verdicts.CORRECT if outcome.equal else Verdicts.WRONG
        self.cache.put(key, verdict, rule, persist=rule not in _CHEAP_RULES)
        return _verdict(verdict, found, _told(found, rule), started)

    def _delegate(
        self, key: Key, found: Extraction, started: float, *, wait: bool
    ) -> _Waiting | None:
        with self._lock:
            future = self._pending.get(key)
        if future is None:
            if not self._slots.acquire(blocking=wait):
                return None
            future = self._submit(key)
        spent = _verdict(Verdicts.CRASHED, found, "", started)
        return _Waiting(spent, future, key, started)

    def _submit(self, key: Key) -> "Future[tuple[str, str, float]]":
        gold, kind, choices, answer = key
        arguments = (gold, kind, choices, answer, min(CPU_SECONDS, self.wall_limit_seconds / 5))
        for attempt in range(_RESTARTS):
            try:
                future = children.submit(self._children(), arguments, self.wall_limit_seconds)
                break
            except RuntimeError:  # the pool broke down; a fresh one takes over
                with self._lock:
                    self._pool = None
                if attempt == _RESTARTS - 1 or self._closed:
                    self._slots.release()
                    raise
        with self._lock:
            self._pending[key] = future
        future.add_done_callback(lambda _future: self._release(key))
        return future

    def _release(self, key: Key) -> None:
        with self._lock:
            self._pending.pop(key, None)
        self._slots.release()

    def _children(self) -> ProcessPool:
        with self._lock:
            if self._closed:
                raise RuntimeError("The verification pool is closed.")
            if self._pool is None:
                self._pool = children.start(self.processes, self.memory_limit_bytes)
            return self._pool

    def _finish(self, waiting: _Waiting) -> Verdict:
        try:
            name, rule, ms = waiting.future.result()
            verdict = Verdicts(name)
            self.cache.put(waiting.key, verdict, rule)
        except (TimeoutError, FutureTimeoutError):
            verdict, rule, ms = Verdicts.TIMEOUT, "wall limit", self.wall_limit_seconds * 1000
        except (ProcessExpired, OSError, RuntimeError) as error:
            verdict, rule, ms = Verdicts.CRASHED, f"the process died: {type(error).__name__}", 0.0
        except asyncio.CancelledError:
            raise
        except Exception as error:
            verdict, rule, ms = Verdicts.CRASHED, f"the process failed: {type(error).__name__}", 0.0
        spent = waiting.verdict
        return replace(
            spent, verdict=verdict, correct=verdict is Verdicts.CORRECT, rule=rule, ms=spent.ms + ms
        )


def _told(found: Extraction, rule: str) -> str:
    return rule if found.rule == "box" else f"{found.rule}; {rule}"


def _verdict(verdict: Verdicts, found: Extraction, rule: str, started: float) -> Verdict:
    elapsed = (time.perf_counter() - started) * 1000
    return Verdict(
        verdict,
        verdict is Verdicts.CORRECT,
        found.text,
        found.span,
        rule,
        VERIFIER_VERSION,
        round(elapsed, 4),
    )


_BOX = ExtractionPolicy()
_BOX_OR_TAG = ExtractionPolicy(answer_tag=True)


def _default_policy(gold: TypedGold) -> ExtractionPolicy:
    """Without a benchmark's policy: the box, and for choices the answer tag as well."""
    return _BOX_OR_TAG if gold.kind is Kind.CHOICE else _BOX
