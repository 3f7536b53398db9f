"""Check whether a published figure is within what our own counts allow.

The same checkpoint sampled twice gives two figures that differ by the sampling noise of both. If
the printed one is outside, then checkpoint, prompt, grader or procedure differ: chance does not
explain it. The problems must be the same ones (see `comparability`), so only sampling counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import check_one_k, check_probability, check_problem_counts
from evalsvc.statistics.distributions import normal_quantile
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Pair
from evalsvc.statistics.published import PublishedRow
from evalsvc.statistics.sampling import SamplingNoise
from evalsvc.statistics.sentences import percent

ROUNDING = 0.0005  # half of the last printed digit, as a fraction


@dataclass(frozen=True, slots=True)
class Reproduction:
    """ours: our figure; allowed: where a rerun by the authors' design would print, at `level`.

    modelled: 2k > n on our side, so the noise comes from the fitted difficulty of the problems
    alone and the verdict depends on that model.
    """

    published: float
    ours: float
    allowed: Pair
    inside: bool
    modelled: bool
    level: float
    sentence: str


def reproduction_check(
    row: PublishedRow, n: ArrayLike, c: ArrayLike, level: float = 0.95
) -> Reproduction:
    """Prediction interval for the printed pass@k from our counts, and whether the value is in it.

    n, c: our counts on the same problems, k <= n. The row's samples and runs are taken where the
    paper states them, else ours and a single run.
    """
    samples, correct = check_problem_counts(n, c)
    k = check_one_k(row.k, samples)
    check_probability(level, "level")
    own_noise = SamplingNoise(samples, correct).variances(k)
    theirs = samples if row.samples is None else np.full_like(samples, max(row.samples, k))
    # Their counts are unknown; with our success rates their noise would be this.
    scaled = np.round(correct * theirs / samples).astype(np.int64)
    their_noise = SamplingNoise(theirs, scaled).variances(k) / (row.runs or 1)
    error = float(np.sqrt((own_noise + their_noise).sum()) / samples.size)
    ours = float(pass_at_k(samples, correct, k).mean())
    half = normal_quantile(0.5 + level / 2) * error + ROUNDING
    allowed = max(ours - half, 0.0), min(ours + half, 1.0)
    printed = row.value_percent / 100.0
    inside = allowed[0] <= printed <= allowed[1]
    verdict = "reproduced within sampling noise" if inside else "outside what chance explains"
    return Reproduction(
        published=printed,
        ours=ours,
        allowed=allowed,
        inside=inside,
        modelled=bool(np.any(2 * k > samples)),
        level=level,
        sentence=(
            f"{row.method} pass@{k}: published {percent(printed)}, ours {percent(ours)}, which "
            f"allows {percent(allowed[0])} to {percent(allowed[1])}: {verdict}."
        ),
    )
