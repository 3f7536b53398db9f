"""Statistics: pure functions from counts to figures, intervals, tests, plans and rankings.

Nothing here does I/O or imports anything else of ours; every result is a frozen dataclass or an
array; everything random is drawn from a seed. Differences are candidate minus baseline, in
fractions of 1. See docs/statistics.md for the definitions and what each interval means.
"""

from evalsvc.statistics.answers import (
    AnswerGroups,
    answer_entropy,
    distinct_answers,
    maj_at_k,
    samples_for_majority,
    winning_chances,
)
from evalsvc.statistics.bayes import Posterior, bayes_average, bayes_pass_at_k
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
from evalsvc.statistics.profiles import (
    DIFFICULTY_BANDS,
    Rate,
    TokenProfile,
    by_label,
    difficulty_bands,
    efficiency_frontier,
    sample_rate,
    solved_by_one_side,
    token_profile,
)
from evalsvc.statistics.sampling import BetaPrior, fit_beta_prior, pass_at_k_variance
from evalsvc.statistics.sign_flip import PairedTest, mcnemar, sign_flip_tests

__all__ = [
    "DIFFICULTY_BANDS",
    "AnswerGroups",
    "BetaPrior",
    "Comparison",
    "Estimate",
    "PairedTest",
    "Posterior",
    "Rate",
    "StatisticsError",
    "TokenProfile",
    "adjust_family",
    "answer_entropy",
    "avg_at_n",
    "bayes_average",
    "bayes_pass_at_k",
    "by_label",
    "compare_curves",
    "difficulty_bands",
    "distinct_answers",
    "efficiency_frontier",
    "estimate",
    "fit_beta_prior",
    "g_pass_at_k",
    "maj_at_k",
    "mcnemar",
    "mg_pass_at_k",
    "paired_comparison",
    "pass_at_k",
    "pass_at_k_variance",
    "pass_hat_k",
    "problem_coverage",
    "sample_coverage",
    "sample_rate",
    "samples_for_majority",
    "sign_flip_tests",
    "solved_by_one_side",
    "token_profile",
    "winning_chances",
    "worst_problems_mean",
]
