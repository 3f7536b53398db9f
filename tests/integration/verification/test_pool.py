"""The pool from threads, event loops and forks, and on a machine that is busy with other things."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evalsvc.verification import (
    ExtractionPolicy,
    VerdictKind,
    VerificationPool,
    VerificationRequest,
    verify,
)
from evalsvc.verification.limits import RESPONSE_CHARACTERS
from evalsvc.verification.sandbox import inline, processes
from tests.integration.verification import misbehaving

HARD = [
    ("1", "\\int_0^1 2x dx"),
    ("2", "\\int_0^{\\pi} \\sin x dx"),
    ("\\frac{x^4}{4}", "\\int x^3 dx"),
    ("1", "\\lim_{x\\to 0} \\frac{\\sin x}{x}"),
    ("120", "\\prod_{k=1}^{5} k"),
    ("3", "\\int_0^1 2x dx"),
    ("x+1", "(" + "+".join(f"x^{{{k}}}" for k in range(120)) + ")^{40}"),
    ("5", "(" * 100 + "6" + ")" * 100),
    ("5", "\\sin" * 800 + "x"),
]


def integral(k: int) -> tuple[str, str]:
    """A response that only a child can judge, and its gold."""
    return f"\\boxed{{\\int_0^{{{k}}} 2x dx}}", str(k * k)


def judge_integral(k: int) -> str:
    return verify(*integral(k)).verdict.value


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Other processes that take all the processor time that they can get."""
    loads = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def test_verdicts_do_not_depend_on_load() -> None:
    def judge() -> list[tuple[str, str]]:
        with VerificationPool(processes=2) as pool:
            found = pool.verify_many(
                VerificationRequest(f"\\boxed{{{answer}}}", gold) for gold, answer in HARD
            )
        return [(verdict.verdict.value, verdict.rule) for verdict in found]

    quiet = judge()
    assert {"timeout", "crashed"}.isdisjoint(name for name, _ in quiet), quiet
    with busy(6 * len(os.sched_getaffinity(0))):
        assert judge() == quiet


def test_the_first_case_of_a_child_pays_for_no_import() -> None:
    for gold, answer in HARD[:5]:
        with VerificationPool(processes=1) as pool:
            verdict = pool.verify(f"\\boxed{{{answer}}}", gold)
        assert verdict.correct, verdict


def test_a_fork_has_children_of_its_own() -> None:
    """As in a prefork server, or where a data set is mapped by several processes."""
    assert judge_integral(1) == "correct"
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(judge_integral, range(2, 6)).get(timeout=60) == ["correct"] * 4
    assert judge_integral(6) == "correct"


def test_a_request_that_is_cancelled_takes_no_verdict_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(pool: VerificationPool) -> VerdictKind:
        gone = asyncio.create_task(pool.verify_async(*integral(7)))
        stays = asyncio.create_task(pool.verify_async(*integral(7)))
        await asyncio.sleep(0.3)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return (await stays).verdict

    with VerificationPool(processes=1) as pool:
        pool.warm_up()
        monkeypatch.setattr(processes, "judge_in_child", misbehaving.take_a_second)
        assert asyncio.run(both(pool)) is VerdictKind.CORRECT


def test_a_case_that_waits_for_a_slot_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(*arguments: object) -> object:
        nonlocal looks
        looks += 1
        return look(*arguments)  # type: ignore[arg-type]

    async def many(pool: VerificationPool) -> list[bool]:
        found = await asyncio.gather(*(pool.verify_async(*integral(k)) for k in range(1, 301)))
        return [verdict.correct for verdict in found]

    look = inline.decide_inline
    monkeypatch.setattr("evalsvc.verification.sandbox.pool.decide_inline", counted)
    with VerificationPool(processes=1) as pool:  # 256 slots
        pool.warm_up()
        monkeypatch.setattr(processes, "judge_in_child", misbehaving.agree)
        assert all(asyncio.run(many(pool)))
    assert looks == 300


def test_a_response_beyond_reason_is_not_searched() -> None:
    verdict = verify("\\boxed{5}" + "{" * RESPONSE_CHARACTERS, "5")
    assert verdict.verdict is VerdictKind.TOO_LONG
    assert verdict.extracted is None


def test_a_verdict_from_a_child_names_the_mark_of_its_answer_too() -> None:
    for _ in range(2):  # judged, and kept
        tag = ExtractionPolicy(answer_tag=True)
        found = verify("<answer>\\int_0^1 2x dx</answer>", "1", policy=tag)
        assert found.rule.startswith("answer tag; symbolic")
