"""What runs in a child process: limits first, then one judgement at a time.

The budget is processor time, so that a busy machine does not turn a verdict into a timeout; the
parent's wall limit is the backstop that kills.
"""

import math
import resource
import signal
import sys
import time
from types import FrameType

from evalsvc.verification.golds import type_gold
from evalsvc.verification.judge import judge
from evalsvc.verification.limits import LimitExceeded, NeedsChild
from evalsvc.verification.verdict import VerdictKind

#: Verdict, rule, confidence, milliseconds.
Judgement = tuple[str, str, str | None, float]


class OutOfTime(BaseException):
    """The processor time of one judgement is used up. No library may swallow it."""


def prepare(memory_limit_bytes: int) -> None:
    """Set the limits of a fresh child."""
    # warm where the fork server could not import it, so that no case pays for it
    import evalsvc.verification.sandbox.preload  # noqa: F401, PLC0415

    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(20_000)
    signal.signal(signal.SIGVTALRM, _out_of_time)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_processor_time(seconds: float) -> None:
    """Let the kernel kill this process where the timer's exception does not get through.

    Code in C that never returns to the interpreter is not interrupted by a signal handler.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds), hard))


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfTime


def ready() -> None:
    """The first task of a pool: done when a child has its limits and its libraries."""


def judge_in_child(
    gold: str, kind: str | None, choices: tuple[str, ...], answer: str, cpu_seconds: float
) -> Judgement:
    """Verdict, rule, confidence and milliseconds of processor time for one answer."""
    started = time.process_time()
    confidence = None
    try:
        _limit_processor_time(cpu_seconds)
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
        outcome = judge(type_gold(gold, choices=choices, kind=kind), answer, in_child=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        verdict, rule = (VerdictKind.CORRECT if outcome.equal else VerdictKind.WRONG), outcome.rule
        confidence = outcome.confidence
    except OutOfTime:
        verdict, rule = VerdictKind.TIMEOUT, "processor time limit"
    except (LimitExceeded, NeedsChild) as error:
        verdict, rule = VerdictKind.TOO_LONG, f"over the limit: {str(error) or 'nesting'}"
    except (MemoryError, RecursionError) as error:
        verdict, rule = (
            VerdictKind.CRASHED,
            f"out of {'memory' if isinstance(error, MemoryError) else 'stack'}",
        )
    except Exception as error:
        verdict, rule = VerdictKind.CRASHED, f"the verifier failed: {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    milliseconds = (time.process_time() - started) * 1000
    return verdict.value, rule, confidence, milliseconds
