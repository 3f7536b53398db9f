"""The verdict in one plain sentence or two, which never claim more than the data.

A difference is "resolved" only after Holm's correction; otherwise the sentence says what could have
been detected. Figures are in points (hundredths); readers are people who train models.
"""

from typing import Protocol


class ComparisonLike(Protocol):
    """What the sentence needs of a Comparison."""

    @property
    def k(self) -> int: ...
    @property
    def metric(self) -> str: ...
    @property
    def higher_is_better(self) -> bool | None: ...
    @property
    def baseline(self) -> float: ...
    @property
    def candidate(self) -> float: ...
    @property
    def difference(self) -> float: ...
    @property
    def interval_fixed(self) -> tuple[float, float] | None: ...
    @property
    def interval_population(self) -> tuple[float, float]: ...
    @property
    def skewness(self) -> float: ...
    @property
    def p_value(self) -> float: ...
    @property
    def p_adjusted(self) -> float: ...
    @property
    def family_size(self) -> int: ...
    @property
    def minimum_detectable_effect(self) -> float: ...
    @property
    def problems(self) -> int: ...
    @property
    def clusters(self) -> int: ...
    @property
    def indicator(self) -> bool: ...
    @property
    def alpha(self) -> float: ...


HIGH_SKEWNESS = 0.3  # of the mean: beyond it the simulated test rejects equals in 6% and more
DEFAULT_METRIC = "pass@k"
CHECKPOINTS_ONLY = "This compares two checkpoints, not two methods."


def comparison_sentence(comparison: ComparisonLike) -> str:
    """The result of one paired comparison as a sentence."""
    low, high = comparison.interval_population
    digits = 1 if high - low >= 0.01 else 2
    head = (
        f"{metric_label(comparison)} goes from {percent(comparison.baseline, digits)} to "
        f"{percent(comparison.candidate, digits)} ({points(comparison.difference, digits)} points; "
        f"{100 * (1 - comparison.alpha):g}% interval for problems of this kind "
        f"{points(low, digits)} to {points(high, digits)}; {p_words(comparison)}): "
    )
    return " ".join([head + _verdict(comparison), *_remarks(comparison), CHECKPOINTS_ONLY])


class MetricLike(Protocol):
    """What the name of a comparison's figure needs."""

    @property
    def k(self) -> int: ...
    @property
    def metric(self) -> str: ...


def metric_label(comparison: MetricLike) -> str:
    """`pass@16`; other metrics carry their k in the name."""
    return f"pass@{comparison.k}" if comparison.metric == DEFAULT_METRIC else comparison.metric


def percent(fraction: float, digits: int = 1) -> str:
    """0.4667 as 46.7%."""
    return f"{100 * fraction:.{digits}f}%"


def points(fraction: float, digits: int = 1) -> str:
    """A difference in points with its sign, 0.1 as +10.0; a true minus for negative ones."""
    rounded = round(100 * fraction, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):.{digits}f}"


def p_value_words(p_value: float) -> str:
    """`p = 0.25`, or `p < 0.001` where more digits would be false precision."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def size_words(problems: int, clusters: int) -> str:
    """`30 problems`, or `3,940 problems in 788 clusters`."""
    words = f"{problems:,} problem" + ("" if problems == 1 else "s")
    return words if problems == clusters else f"{words} in {clusters:,} clusters"


class TestedLike(Protocol):
    """What the words for a p-value need."""

    @property
    def p_value(self) -> float: ...
    @property
    def p_adjusted(self) -> float: ...
    @property
    def family_size(self) -> int: ...


def p_words(comparison: TestedLike) -> str:
    """`p = 0.01`, and the adjusted one where others are shown with it."""
    words = p_value_words(comparison.p_value)
    if comparison.family_size == 1:
        return words
    adjusted = p_value_words(comparison.p_adjusted)
    return f"{words}, {adjusted} among the {comparison.family_size} tests of its family"


def _verdict(comparison: ComparisonLike) -> str:
    size = size_words(comparison.problems, comparison.clusters)
    if comparison.p_adjusted <= comparison.alpha:
        higher = "candidate" if comparison.difference > 0 else "baseline"
        if comparison.higher_is_better is None:
            return f"the {higher} checkpoint is higher on {size}."
        lower = "baseline" if comparison.difference > 0 else "candidate"
        better = higher if comparison.higher_is_better else lower
        return f"the {better} checkpoint is better on {size}."
    alone = ""
    if comparison.p_value <= comparison.alpha:
        alone = (
            f" among {comparison.family_size} tests (the interval, which is for this one alone, "
            "excludes 0)"
        )
    return (
        f"not resolved with {size}{alone}; a true difference of about "
        f"{100 * comparison.minimum_detectable_effect:.1f} points would be seen in 4 of 5 repeats."
    )


def _remarks(comparison: ComparisonLike) -> list[str]:
    remarks = []
    if comparison.p_value <= comparison.alpha and abs(comparison.skewness) > HIGH_SKEWNESS:
        remarks.append(
            "A few problems carry most of the difference, the others stray to one side: such a "
            f"test errs more often than in {100 * comparison.alpha:g}% of cases."
        )
    if comparison.metric != DEFAULT_METRIC:
        return remarks
    if comparison.indicator:
        remarks.append(
            f"k equals the samples drawn, so each problem is only solved or not, and no sampling "
            f"interval exists at k = {comparison.k}."
        )
    elif comparison.interval_fixed is None:
        remarks.append(
            f"k = {comparison.k} is above half of the samples: no sampling interval exists."
        )
    return remarks
