"""The one error of this package: counts or settings that cannot mean anything.

It derives from ValueError, not from the service's error tree, because the statistics import
nothing else of ours. Every message says what is wrong; `remedy` says what to do.
"""


class StatisticsError(ValueError):
    """Bad counts, a k above n, too few problems, contradictory settings."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy
