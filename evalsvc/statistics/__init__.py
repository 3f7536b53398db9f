"""Statistics: pure functions from counts to figures, intervals, tests, plans and rankings.

Nothing here does I/O or imports anything else of ours; every result is a frozen dataclass or an
array; everything random is drawn from a seed. Differences are candidate minus baseline, in
fractions of 1. See docs/statistics.md for the definitions and what each interval means.
"""

from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import (
    avg_at_n,
    g_pass_at_k,
    mg_pass_at_k,
    pass_at_k,
    pass_hat_k,
    problem_coverage,
    sample_coverage,
    worst_problems_mean,
)

__all__ = [
    "StatisticsError",
    "avg_at_n",
    "g_pass_at_k",
    "mg_pass_at_k",
    "pass_at_k",
    "pass_hat_k",
    "problem_coverage",
    "sample_coverage",
    "worst_problems_mean",
]
