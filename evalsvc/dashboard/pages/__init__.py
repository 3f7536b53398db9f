"""The pages: one module each, a function from an `Ask` to a `View`. `PAGES` is all of them."""

from collections.abc import Callable

from evalsvc.dashboard.asking import Ask
from evalsvc.dashboard.pages import (
    compare,
    evaluation,
    leaderboard,
    matrix,
    overview,
    problem,
    workers,
)
from evalsvc.dashboard.view import View

PAGES: tuple[tuple[str, Callable[[Ask], View]], ...] = (
    ("/", overview.build),
    ("/leaderboard", leaderboard.build),
    ("/compare", compare.build),
    ("/matrix", matrix.build),
    ("/evaluations/{evaluation}", evaluation.build),
    ("/evaluations/{evaluation}/problems/{problem}", problem.build),
    ("/workers", workers.build),
)
