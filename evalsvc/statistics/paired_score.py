"""The score interval for a difference of two paired shares: where every problem counts 0 or 1.

At k = n a problem is solved or not, and a comparison is only the number of problems gained and
lost. With few of them a t interval covers too little on one side (91% where 4 of 40 were gained and
none lost) and too much on the other; docs/decisions/0200 has the simulations.
"""

from math import sqrt

from evalsvc.statistics.distributions import normal_quantile

HALVINGS = 60  # of an interval of at most 2: to the last bit


def paired_score_interval(
    gained: int, lost: int, problems: int, level: float
) -> tuple[float, float]:
    """The differences (gained - lost) / problems that the score test does not refuse; in [-1, 1].

    gained, lost: problems solved by the candidate only and by the baseline only; not negative,
    together at most `problems`, which is at least 1. 0 < level < 1. Source: Tango, Statistics in
    Medicine 17 (1998), equations 4 to 8.
    """
    quantile = normal_quantile(0.5 + level / 2)
    upper = _highest(gained, lost, problems, quantile)
    return -_highest(lost, gained, problems, quantile), upper


def _highest(gained: int, lost: int, problems: int, quantile: float) -> float:
    """The largest difference not refused: above the observed one the score only falls."""
    low, high = (gained - lost) / problems, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        distance = problems * middle - (gained - lost)
        if distance <= quantile * score_deviation(gained, lost, problems, middle):
            low = middle
        else:
            high = middle
    return high


def score_deviation(gained: int, lost: int, problems: int, difference: float) -> float:
    """Standard deviation of gained - lost if `difference` (in [-1, 1]) is the true one.

    The chance of a lost problem is the likeliest under that difference.
    """
    linear = (2 * problems - gained + lost) * difference - gained - lost
    constant = -lost * difference * (1 - difference)
    root = sqrt(max(linear * linear - 8 * problems * constant, 0.0))
    chance_lost = (root - linear) / (4 * problems)
    variance = problems * (2 * chance_lost + difference * (1 - difference))
    return sqrt(max(variance, 0.0))
