"""Statistics: pure functions from counts to figures, intervals, tests, plans and rankings.

Nothing here does I/O or imports other packages of ours except the errors. Every result is a frozen
dataclass or an array; all randomness comes from a seed. Differences are candidate minus baseline,
in fractions of 1. See docs/statistics.md for the definitions and what each interval means.
"""

from evalsvc.statistics.answers import (
    AnswerGroups,
    answer_entropy,
    distinct_answers,
    maj_at_k,
    samples_for_majority,
    winning_chances,
)
from evalsvc.statistics.bayes import Posterior, bayes_average, bayes_pass_at_k, posterior_of
from evalsvc.statistics.claims import (
    BenchmarkCounts,
    JointClaim,
    RunsClaim,
    RunScores,
    joint_claim,
    joint_claim_over_runs,
)
from evalsvc.statistics.comparison import (
    Comparison,
    adjust_family,
    compare_candidates,
    compare_curves,
    holm,
    paired_comparison,
)
from evalsvc.statistics.control_variates import SubsetEstimate, subset_estimate
from evalsvc.statistics.curve import (
    CurveComparison,
    SampledCounts,
    curve_comparison,
    curve_comparison_stopped,
)
from evalsvc.statistics.difficulty import DifficultyLaw, fit_difficulty
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
from evalsvc.statistics.extrapolation import (
    CoverAtTau,
    Extrapolation,
    FittedDifficulty,
    cover_at_tau,
    extrapolate_pass_at_k,
)
from evalsvc.statistics.feasibility import Feasibility, feasibility
from evalsvc.statistics.intervals import Estimate, estimate
from evalsvc.statistics.methods import MethodComparison, adjust_methods, compare_methods
from evalsvc.statistics.missing import MissingBounds, missing_bounds
from evalsvc.statistics.oddities import Oddity, find_oddities
from evalsvc.statistics.planning import (
    Pilot,
    Plan,
    pilot,
    plan_power,
    plan_problems,
    plan_runs,
    plan_samples,
)
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
from evalsvc.statistics.published import (
    Comparability,
    OwnProtocol,
    PublishedRow,
    Reason,
    comparability,
    parse_published,
)
from evalsvc.statistics.ranking import RankedCheckpoint, rank_by_mean
from evalsvc.statistics.reproduction import Reproduction, reproduction_check
from evalsvc.statistics.sampling import (
    BetaPrior,
    SamplingNoise,
    fit_beta_prior,
)
from evalsvc.statistics.sequential import (
    OtherProblemsTest,
    SequentialTest,
    discordant_pairs,
    other_problems_test,
    sequential_sign_test,
)
from evalsvc.statistics.sign_flip import PairedTest, mcnemar, sign_flip_tests
from evalsvc.statistics.stopped import (
    PlanForecast,
    cheapest_plan,
    estimate_stopped,
    expected_samples,
    forecast_plan,
    sampling_variance_stopped,
)
from evalsvc.statistics.stopping import (
    StoppingPlan,
    pass_at_k_stopped,
    pass_hat_k_stopped,
)
from evalsvc.statistics.swiss import SwissRank, swiss_ranking
from evalsvc.statistics.training_curves import (
    BestStep,
    CurvePoint,
    StepCounts,
    best_step,
    training_curve,
)
from evalsvc.statistics.verdicts import Crossover, Equivalence, crossovers, equivalence

__all__ = [
    "DIFFICULTY_BANDS",
    "AnswerGroups",
    "BenchmarkCounts",
    "BestStep",
    "BetaPrior",
    "Comparability",
    "Comparison",
    "CoverAtTau",
    "Crossover",
    "CurveComparison",
    "CurvePoint",
    "DifficultyLaw",
    "Equivalence",
    "Estimate",
    "Extrapolation",
    "Feasibility",
    "FittedDifficulty",
    "JointClaim",
    "MethodComparison",
    "MissingBounds",
    "Oddity",
    "OtherProblemsTest",
    "OwnProtocol",
    "PairedTest",
    "Pilot",
    "Plan",
    "PlanForecast",
    "Posterior",
    "PublishedRow",
    "RankedCheckpoint",
    "Rate",
    "Reason",
    "Reproduction",
    "RunScores",
    "RunsClaim",
    "SampledCounts",
    "SamplingNoise",
    "SequentialTest",
    "StatisticsError",
    "StepCounts",
    "StoppingPlan",
    "SubsetEstimate",
    "SwissRank",
    "TokenProfile",
    "adjust_family",
    "adjust_methods",
    "answer_entropy",
    "avg_at_n",
    "bayes_average",
    "bayes_pass_at_k",
    "best_step",
    "by_label",
    "cheapest_plan",
    "comparability",
    "compare_candidates",
    "compare_curves",
    "compare_methods",
    "cover_at_tau",
    "crossovers",
    "curve_comparison",
    "curve_comparison_stopped",
    "difficulty_bands",
    "discordant_pairs",
    "distinct_answers",
    "efficiency_frontier",
    "equivalence",
    "estimate",
    "estimate_stopped",
    "expected_samples",
    "extrapolate_pass_at_k",
    "feasibility",
    "find_oddities",
    "fit_beta_prior",
    "fit_difficulty",
    "forecast_plan",
    "g_pass_at_k",
    "holm",
    "joint_claim",
    "joint_claim_over_runs",
    "maj_at_k",
    "mcnemar",
    "mg_pass_at_k",
    "missing_bounds",
    "other_problems_test",
    "paired_comparison",
    "parse_published",
    "pass_at_k",
    "pass_at_k_stopped",
    "pass_hat_k",
    "pass_hat_k_stopped",
    "pilot",
    "plan_power",
    "plan_problems",
    "plan_runs",
    "plan_samples",
    "posterior_of",
    "problem_coverage",
    "rank_by_mean",
    "reproduction_check",
    "sample_coverage",
    "sample_rate",
    "samples_for_majority",
    "sampling_variance_stopped",
    "sequential_sign_test",
    "sign_flip_tests",
    "solved_by_one_side",
    "subset_estimate",
    "swiss_ranking",
    "token_profile",
    "training_curve",
    "winning_chances",
    "worst_problems_mean",
]
