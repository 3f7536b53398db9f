"""The pages: one module each with `build`, from a `PageRequest` to a `Page`; `PAGES` lists them."""

from collections.abc import Callable

from evalsvc.dashboard.pages import (
    benchmarks,
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
    ("/matrix", matrix.build),
    ("/runs/{name:path}", run.build),
    ("/jobs/{job}", job.build),
    ("/evaluations/{evaluation}", evaluation.build),
    ("/evaluations/{evaluation}/rows/{row}", problem.build),
    ("/rescores/{rescore}", rescore.build),
    ("/power", power.build),
    ("/benchmarks", benchmarks.build),
    ("/workers", workers.build),
)
