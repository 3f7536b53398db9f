"""Verification against naive math-verify on MATH x 16: 80,000 responses to the 5,000 real golds.

Responses have the proportions of real ones: about 40% repeat another response to the same problem,
one in twelve has no answer, wrong answers are near misses. The naive way is one process that parses
gold and response and verifies them for every sample, timed on a random subset of the same responses
(`--naive 0`: on all of them). Both use the same number of cores, given by `--processes`.
Needs the golds: EVALSVC_TEST_DATA names the folder with math/test.parquet.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.report import Figure, Report
from evalsvc.verification import VerdictCache, VerificationPool, VerificationRequest, extract
from evalsvc.verification import golds as typed_golds

SAMPLES = 16
#: Completions of one step of a training.
BATCH = 1_024
REPEATED = 0.36  # two in five with accidental repetitions
PROSE = (
    "We start from the given condition and simplify. Let $x = {a}$ and note that $x + {b} = {c}$. "
    "Substituting into the second one, \\[ y = \\frac{{{a}}}{{{b}}} - {c}, \\] so the remaining "
    "cases follow in the same way. Checking each of them shows that only one is possible.\n\n"
)


def golds(data: Path) -> list[str]:
    """The content of the last box of each MATH solution."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = pq.read_table(data / "math" / "test.parquet").to_pylist()
    found = [extract(row["reward_model"]["ground_truth"]["solution"]).text for row in rows]
    return [text for text in found if text]


def responses(gold: str, others: list[str], rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Sixteen responses with labels by construction; two in five repeat an earlier answer."""
    skill = rng.betavariate(2.0, 1.2)
    given: dict[str, bool] = {}
    for _ in range(SAMPLES):
        prose = "".join(
            PROSE.format(a=rng.randrange(2, 99), b=rng.randrange(2, 99), c=rng.randrange(2, 999))
            for _ in range(rng.randrange(2, 6))
        )
        if rng.random() < 1 / 12:
            yield prose + "\\boxed{" + gold[: len(gold) // 2], False
            continue
        if given and rng.random() < REPEATED:
            answer = rng.choice(list(given))
        else:
            right = rng.random() < skill
            answer = _fresh(gold, given, others, rng, right=right)
            given.setdefault(answer, right)
        yield f"{prose}Therefore, the answer is $\\boxed{{{answer}}}$.", given[answer]


def _fresh(
    gold: str, given: dict[str, bool], others: list[str], rng: random.Random, *, right: bool
) -> str:
    """An answer that no earlier response has, if a few tries find one."""
    answer = gold
    for _ in range(6):
        answer = _respell(gold, rng) if right else _near_miss(gold, others, rng)
        if answer not in given and (right or answer not in (gold, "-0")):
            break
    return answer


def _respell(gold: str, rng: random.Random) -> str:
    text = gold
    for change in rng.sample(_SPELLINGS, rng.choice((0, 1, 1, 2, 3))):
        text = change(text)
    return text


_SPELLINGS: list[Callable[[str], str]] = [
    lambda text: text.replace("\\frac", "\\dfrac"),
    lambda text: f" {text} ",
    lambda text: text.replace(",", ", "),
    lambda text: text.replace("(", "\\left(").replace(")", "\\right)"),
    lambda text: text.replace("\\!", ""),
    lambda text: text.replace("+", " + "),
    lambda text: f"\\displaystyle {text}",
    lambda text: f"{text}.",
    lambda text: f"{text}\\,",
    lambda text: f"x = {text}" if text.isdigit() else text,
    lambda text: f"{text}.0" if text.isdigit() else text,
    lambda text: text.replace("^\\circ", "^{\\circ}"),
]


def _near_miss(gold: str, others: list[str], rng: random.Random) -> str:
    digits = [i for i, character in enumerate(gold) if character.isdigit()]
    if digits and rng.random() < 0.75:
        place = rng.choice(digits)
        return gold[:place] + str((int(gold[place]) + rng.randrange(1, 9)) % 10) + gold[place + 1 :]
    if rng.random() < 0.5:
        return f"-{gold}" if not gold.startswith("-") else gold[1:]
    return rng.choice(others)


def load(data: Path, problems: int, seed: int) -> tuple[list[tuple[str, str]], list[bool]]:
    """Pairs of gold and response, and the labels."""
    rng = random.Random(seed)
    known = golds(data)
    chosen = known[:problems] if problems < len(known) else known
    made = [(gold, *response) for gold in chosen for response in responses(gold, known, rng)]
    return [(gold, response) for gold, response, _ in made], [label for *_, label in made]


def ours(
    pairs: list[tuple[str, str]], cache: Path | None, processes: int
) -> tuple[float, list[bool]]:
    """Seconds and verdicts of our verifier, parsing golds included."""
    typed_golds._typed.cache_clear()
    with VerificationPool(processes, cache=VerdictCache(cache)) as pool:
        started = time.perf_counter()
        verdicts = [
            verdict.correct
            for verdict in pool.stream(
                VerificationRequest(response, gold) for gold, response in pairs
            )
        ]
        return time.perf_counter() - started, verdicts


def naive(pairs: list[tuple[str, str]]) -> tuple[float, list[bool]]:
    """Seconds and verdicts of math-verify used as documented, in this process."""
    import logging  # noqa: PLC0415

    from math_verify import parse, verify  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    parse("$\\frac{1}{2}$")
    started = time.perf_counter()
    verdicts = [bool(verify(parse(f"${gold}$"), parse(response))) for gold, response in pairs]
    seconds = time.perf_counter() - started
    logging.disable(logging.NOTSET)
    return seconds, verdicts


def rewards(pairs: list[tuple[str, str]]) -> tuple[float, float]:
    """Seconds for one batch of rewards, ours and math-verify's, each used as documented.

    Ours starts without a verdict cache; its child processes already run, as in training.
    """
    from evalsvc.verification.reward import trl_reward  # noqa: PLC0415

    batch = random.Random(2).sample(pairs, min(BATCH, len(pairs)))
    golds_of_batch = [gold for gold, _ in batch]
    completions = [response for _, response in batch]
    trl_reward([r"\boxed{\int_0^1 2x dx}"], answer=["1"])
    started = time.perf_counter()
    trl_reward(completions, answer=golds_of_batch)
    seconds = time.perf_counter() - started
    return seconds, naive(batch)[0]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--problems", type=int, default=5_000)
    arguments.add_argument(
        "--naive",
        type=int,
        default=2_000,
        help="responses that the naive way is timed on, drawn at random; 0: all",
    )
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument(
        "--data", type=Path, default=Path(os.environ.get("EVALSVC_TEST_DATA", "../shared/data"))
    )
    chosen = arguments.parse_args()
    if not (chosen.data / "math" / "test.parquet").is_file():
        sys.exit(f"{chosen.data}/math/test.parquet is missing: name the folder with --data.")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.processes])
    pairs, labels = load(chosen.data, chosen.problems, seed=16)
    distinct = len(
        {(at // SAMPLES, response.rpartition("boxed")[2]) for at, (_, response) in enumerate(pairs)}
    )
    subset = sorted(
        random.Random(1).sample(range(len(pairs)), min(chosen.naive or len(pairs), len(pairs)))
    )
    naive_seconds, naive_verdicts = naive([pairs[i] for i in subset])
    naive_rate = len(subset) / naive_seconds
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "verdicts.sqlite"
        cold, verdicts = ours(pairs, cache, chosen.processes)
        warm, again = ours(pairs, cache, chosen.processes)
    reward_seconds, naive_reward_seconds = rewards(pairs)
    theirs = sum(labels[i] != said for i, said in zip(subset, naive_verdicts, strict=True)) / len(
        subset
    )
    mistakes = [i for i, verdict in enumerate(verdicts) if verdict != labels[i]]
    for i in mistakes[:12]:
        gold, response = pairs[i]
        print(
            f"  gold {gold!r}, answer {response.rpartition('boxed')[2][:60]!r}: "
            f"we say {verdicts[i]}"
        )
    if again != verdicts:
        sys.exit("The warm verdicts differ from the cold ones.")
    share = len(mistakes) / len(pairs)
    beside = f"naive math-verify, {chosen.processes} child processes"
    figures = [
        Figure("cold cache", len(pairs) / cold / naive_rate, 50, "higher", "x", beside),
        Figure("warm cache", len(pairs) / warm / naive_rate, 50, "higher", "x", beside),
        Figure(
            f"rewards of a batch of {BATCH}",
            naive_reward_seconds / reward_seconds,
            10,
            "higher",
            "x",
            "math-verify, parse and verify",
        ),
        Figure("mistakes by the labels", share, theirs, "lower", how="target: math-verify's share"),
    ]
    details = {
        "responses": len(pairs),
        "repeated": round(1 - distinct / len(pairs), 4),
        "naive_per_second": round(naive_rate, 1),
        "naive_responses": len(subset),
        "cold_per_second": round(len(pairs) / cold),
        "warm_per_second": round(len(pairs) / warm),
        "reward_batch_seconds": round(reward_seconds, 3),
        "naive_reward_batch_seconds": round(naive_reward_seconds, 3),
        "mistakes": len(mistakes),
        "naive_mistakes_share": round(theirs, 4),
        "correct": round(sum(verdicts) / len(verdicts), 4),
    }
    return Report("verification", figures, details).publish()


if __name__ == "__main__":
    raise SystemExit(main())
