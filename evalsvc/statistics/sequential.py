"""Early stopping with a valid p-value: an anytime-valid sign test on paired samples.

Sample j of the baseline is paired with sample j of the candidate on the same problem; only
discordant pairs count, each a fair coin flip if both are equally good. The mixture martingale of
the coin (Robbins 1970; Beta(1/2, 1/2) mixture) may be checked after every shard: the chance that it
ever exceeds 1/alpha is at most alpha. For pass@k the pair is k samples against k samples.

That test is about these problems. Whether the checkpoint is better on problems of this kind is
another question, which `other_problems_test` answers with the problem as the unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln

from evalsvc.statistics.counts import check_probability, integers
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.sentences import p_value_words
from evalsvc.statistics.sign_flip import sign_flip_tests

MIXTURE = 0.5  # parameter of the symmetric Beta mixture: good for small and large effects alike


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """State after the last look. evidence: the e-value; p_value: valid at any stopping time.

    leader: the side ahead when the evidence was largest, which the p-value is about; "" if
    nothing was ahead yet.
    """

    wins: int
    losses: int
    evidence: float
    p_value: float
    stop: bool
    looks: int
    stopped_at: int | None
    leader: str
    sentence: str


@dataclass(frozen=True, slots=True)
class OtherProblemsTest:
    """p_value: two-sided, holds at each of the looks. problems: with a discordant pair."""

    p_value: float
    resolved: bool
    problems: int
    sentence: str


def sequential_sign_test(wins: ArrayLike, losses: ArrayLike, alpha: float = 0.05) -> SequentialTest:
    """The test after one or more looks.

    wins, losses: running totals of discordant pairs for and against the candidate, one per look,
    never decreasing. The p-value is 1 / (largest e-value so far). stopped_at: index of the first
    look that allowed stopping; who is better was known there, whatever came later. StatisticsError:
    totals that fall, are negative or no whole numbers, or differ in number.

    >>> found = sequential_sign_test([0, 40, 40], [0, 2, 45])
    >>> found.leader, found.stopped_at
    ('candidate', 1)
    """
    check_probability(alpha, "alpha")
    ups = np.atleast_1d(integers(wins, "wins"))
    downs = np.atleast_1d(integers(losses, "losses"))
    if ups.shape != downs.shape or ups.ndim != 1 or ups.size == 0:
        raise StatisticsError("wins and losses must be running totals of the same looks.")
    if np.any(np.diff(ups) < 0) or np.any(np.diff(downs) < 0):
        raise StatisticsError(
            "running totals cannot fall.", "Give totals since the start at each look."
        )
    log_evidence = (
        (ups + downs) * np.log(2.0)
        + betaln(MIXTURE + ups, MIXTURE + downs)
        - betaln(MIXTURE, MIXTURE)
    )
    best = np.maximum.accumulate(log_evidence)
    p_value = float(np.exp(-max(float(best[-1]), 0.0)))
    crossed = np.flatnonzero(best >= -np.log(alpha))
    stop = crossed.size > 0
    total_wins, total_losses = int(ups[-1]), int(downs[-1])
    # The first crossing decides; before it, the look with the most evidence.
    decisive = int(crossed[0]) if stop else int(np.argmax(log_evidence))
    lead = int(ups[decisive]) - int(downs[decisive])
    leader = "" if lead == 0 else "candidate" if lead > 0 else "baseline"
    at_stop = ""
    if stop and decisive < ups.size - 1:
        at_stop = f" since look {decisive + 1}, at {ups[decisive]:,} to {downs[decisive]:,}"
    verdict = (
        f"the {leader} checkpoint is better on these problems{at_stop}; sampling may stop"
        if stop
        else "not resolved yet on these problems; sampling goes on"
    )
    return SequentialTest(
        wins=total_wins,
        losses=total_losses,
        evidence=float(np.exp(min(float(log_evidence[-1]), 700.0))),
        p_value=p_value,
        stop=stop,
        looks=int(ups.size),
        stopped_at=int(crossed[0]) if stop else None,
        leader=leader,
        sentence=(
            f"{total_wins:,} pairs for the candidate and {total_losses:,} against it after "
            f"{ups.size} looks ({p_value_words(p_value)} at any stopping time): {verdict}."
        ),
    )


def other_problems_test(
    wins: ArrayLike, losses: ArrayLike, looks: int, alpha: float = 0.05
) -> OtherProblemsTest:
    """Test whether the candidate is better on problems of this kind, at a data-chosen look.

    wins, losses: discordant pairs of each problem, (problems,). looks: how many were possible up to
    now, at least 1. The sign of each problem's wins - losses is flipped; the p-value is multiplied
    by looks (looks + 1), which spends alpha over all looks there could be, so that it holds at
    whichever one sampling stopped. StatisticsError on other shapes or looks below 1.

    >>> other_problems_test([3] * 12, [0] * 12, looks=2).resolved
    True
    """
    check_probability(alpha, "alpha")
    ups, downs = integers(wins, "wins"), integers(losses, "losses")
    count = int(integers(looks, "looks"))
    if ups.shape != downs.shape or ups.ndim != 1 or ups.size == 0 or count < 1:
        raise StatisticsError(
            f"wins of shape {ups.shape}, losses of shape {downs.shape} and {looks} looks do not "
            "make a test.",
            "Give one number of each per problem, and at least one look.",
        )
    differences = (ups - downs).astype(np.float64)
    p_value = min(sign_flip_tests(differences[:, None])[0].p_value * count * (count + 1), 1.0)
    resolved = p_value <= alpha
    leader = "candidate" if differences.sum() > 0 else "baseline"
    problems = int(np.sum(differences != 0))
    verdict = f"the {leader} checkpoint is better" if resolved else "not resolved"
    return OtherProblemsTest(
        p_value=p_value,
        resolved=resolved,
        problems=problems,
        sentence=(
            f"On problems of this kind: {verdict} ({p_value_words(p_value)} over "
            f"{problems:,} problems that differ, whichever of {count:,} looks it was)."
        ),
    )


def discordant_pairs(baseline: ArrayLike, candidate: ArrayLike, k: int = 1) -> tuple[int, int]:
    """(wins, losses) of the candidate over blocks of k consecutive samples.

    baseline, candidate: (problems, samples) of whether each sample is correct, in the order drawn;
    a block counts as solved if any of its k samples is. Samples beyond the last whole block wait.
    """
    before, after = np.asarray(baseline, dtype=bool), np.asarray(candidate, dtype=bool)
    one_k = int(integers(k, "k"))
    if before.shape != after.shape or before.ndim != 2 or one_k < 1:
        raise StatisticsError(
            f"shapes {before.shape} and {after.shape} with k = {k} do not pair up.",
            "Give (problems, samples) of the same shape and k of at least 1.",
        )
    blocks = before.shape[1] // one_k
    shape = (before.shape[0], blocks, one_k)
    solved_before = before[:, : blocks * one_k].reshape(shape).any(axis=2)
    solved_after = after[:, : blocks * one_k].reshape(shape).any(axis=2)
    return int(np.sum(solved_after & ~solved_before)), int(np.sum(solved_before & ~solved_after))
