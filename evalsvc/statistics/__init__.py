"""Statistics: pure functions from counts to figures, intervals, tests, plans and rankings.

Nothing here does I/O or imports anything else of ours; every result is a frozen dataclass or an
array; everything random is drawn from a seed. Differences are candidate minus baseline, in
fractions of 1. See docs/statistics.md for the definitions and what each interval means.
"""

from evalsvc.statistics.comparison import (
    Comparison,
    adjust_family,
    compare_curves,
    paired_comparison,
)
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
from evalsvc.statistics.intervals import Estimate, estimate
from evalsvc.statistics.sign_flip import PairedTest, mcnemar, sign_flip_tests

__all__ = [
    "Comparison",
    "Estimate",
    "PairedTest",
    "StatisticsError",
    "adjust_family",
    "avg_at_n",
    "compare_curves",
    "estimate",
    "g_pass_at_k",
    "mcnemar",
    "mg_pass_at_k",
    "paired_comparison",
    "pass_at_k",
    "pass_hat_k",
    "problem_coverage",
    "sample_coverage",
    "sign_flip_tests",
    "worst_problems_mean",
]
