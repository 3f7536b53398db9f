"""The pages: one module each, a function from an `Ask` to a `View`. `PAGES` is all of them."""

from collections.abc import Callable

from evalsvc.dashboard.pages import (
    benchmarks,
    claims,
    compare,
    evaluation,
    job,
    leaderboard,
    matrix,
    overview,
    power,
    problem,
    rescore,
    run,
    workers,
)
from evalsvc.dashboard.rendering.page import Page
from evalsvc.dashboard.web.page_request import PageRequest

PAGES: tuple[tuple[str, Callable[[PageRequest], Page]], ...] = (
    ("/", overview.build),
    ("/leaderboard", leaderboard.build),
    ("/compare", compare.build),
    ("/claims", claims.build),
    ("/matrix", matrix.build),
    ("/runs/{name:path}", run.build),
    ("/jobs/{job}", job.build),
    ("/evaluations/{evaluation}", evaluation.build),
    ("/evaluations/{evaluation}/problems/{problem}", problem.build),
    ("/rescores/{rescore}", rescore.build),
    ("/power", power.build),
    ("/benchmarks", benchmarks.build),
    ("/workers", workers.build),
)
